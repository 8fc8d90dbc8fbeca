//! hyper alone: what a server costs that runs no component at all.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Serves the bytes that the guest `hello` would, or those of `stream`, until it is killed.
pub(crate) fn serve(address: &str) -> ExitCode {
    let Ok(address) = address.parse() else {
        eprintln!("{address} is no address");
        return ExitCode::from(2);
    };
    let body = match std::env::var("BODY").as_deref() {
        Ok("stream") => {
            (0..16_u8).flat_map(|chunk| [b'a' + chunk; 4_096]).collect::<Vec<_>>().into()
        }
        _ => Bytes::from_static(b"Hello from mik!\n"),
    };
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(accept(address, body)));
    if let Err(error) = served {
        eprintln!("bare hyper: {error}");
    }
    ExitCode::FAILURE
}

async fn accept(address: SocketAddr, body: Bytes) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        tokio::spawn(async move {
            let service = service_fn(move |_: Request<Incoming>| {
                let body = Full::new(body.clone());
                async move { Ok::<_, Infallible>(Response::new(body)) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
