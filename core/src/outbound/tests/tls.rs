//! `https`, against a server with a certificate for `localhost` that it signed itself.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// Valid until 2126; the key is secret to nobody.
const CERTIFICATE: &[u8] = include_bytes!("../testdata/localhost.cert.der");
const KEY: &[u8] = include_bytes!("../testdata/localhost.key.der");

pub(super) fn system() -> Result<ClientConfig, String> {
    super::super::tls::system()
}

fn trusting() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
    super::super::tls::with_roots(roots)
}

fn trusting_nobody() -> Result<ClientConfig, String> {
    super::super::tls::with_roots(RootCertStore::empty())
}

fn without_roots() -> Result<ClientConfig, String> {
    Err("no root certificates found".into())
}

/// Answers every connection's first request and returns the port.
fn serve() -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let chain = vec![CertificateDer::from(CERTIFICATE)];
    let config =
        Arc::new(builder.with_single_cert(chain, PrivatePkcs8KeyDer::from(KEY).into()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // A handshake that the client breaks off ends here.
            if stream.read(&mut [0; 1024]).is_ok() {
                stream.write_all(HELLO.as_bytes()).unwrap();
            }
        }
    });
    port
}

async fn fetch(
    make: fn() -> Result<ClientConfig, String>,
    uri: &str,
) -> Result<Response, UpstreamError> {
    let outbound = Outbound::with(Arc::new(SystemResolver::new()), Tls::new(make));
    get(&outbound, uri, &["localhost"]).await
}

#[tokio::test]
async fn a_trusted_certificate_for_the_name_is_accepted() {
    let response = fetch(trusting, &format!("https://localhost:{}/", serve())).await.unwrap();
    assert_eq!(text(response).await, "hello");
}

#[tokio::test]
async fn any_other_is_refused() {
    for (make, host, reason) in [
        (trusting_nobody as fn() -> _, "localhost", "UnknownIssuer"),
        (trusting, "127.0.0.1", "not valid for"),
    ] {
        let error = fetch(make, &format!("https://{host}:{}/", serve())).await.unwrap_err();
        let expected = matches!(
            &error,
            UpstreamError::Certificate { reason: said, .. } if said.contains(reason)
        );
        assert!(expected, "{error}");
    }
    let error = fetch(without_roots, &format!("https://localhost:{}/", serve())).await;
    assert!(
        matches!(&error, Err(UpstreamError::Tls { reason, .. }) if reason.contains("no root")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_a_tls_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH\r\n").unwrap();
        let _ = stream.read(&mut [0; 1024]);
    });
    let error = fetch(trusting, &format!("https://localhost:{port}/")).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Tls { .. }), "{error}");
}

#[test]
fn missing_system_roots_are_an_error_that_says_what_to_do() {
    if let Err(error) = system() {
        assert!(error.contains("ca-certificates"), "{error}");
    }
}
