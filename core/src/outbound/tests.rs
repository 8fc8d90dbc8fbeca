//! Requests to real servers on the loopback interface.

mod tls;
mod upstream;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use self::upstream::{After, Upstream};
use super::*;
use crate::{BoxFuture, Grants};

const HELLO: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\nhello";

/// A call whose module may reach `allowed`.
fn call(allowed: &[&str]) -> Call {
    let allowed_hosts = allowed.iter().map(|entry| entry.parse::<AllowedHost>().unwrap()).collect();
    let grants = Grants { allowed_hosts, ..Grants::default() };
    Call::detached(Duration::from_secs(60)).with_grants(Arc::new(grants))
}

/// A request without a body.
pub(super) fn request(uri: &str) -> Request {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri.parse().unwrap();
    request
}

async fn get(outbound: &Outbound, uri: &str, allowed: &[&str]) -> Result<Response, UpstreamError> {
    send(outbound, request(uri), allowed, SendOptions::default()).await
}

async fn send(
    outbound: &Outbound,
    request: Request,
    allowed: &[&str],
    options: SendOptions,
) -> Result<Response, UpstreamError> {
    outbound.send(request, &call(allowed), options).await.map_err(|error| match error {
        CallError::Upstream(error) => error,
        error => panic!("{error:?}"),
    })
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Resolves every name to the same addresses, at the port asked for, and counts.
struct Fixed(Vec<&'static str>, AtomicUsize);

impl Resolve for Fixed {
    fn resolve(&self, _: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let addresses =
            self.0.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port));
        Box::pin(std::future::ready(Ok(addresses.collect())))
    }
}

fn resolving_to(addresses: &[&'static str]) -> (Outbound, Arc<Fixed>) {
    let resolve = Arc::new(Fixed(addresses.to_vec(), AtomicUsize::new(0)));
    (Outbound::with(resolve.clone(), Tls::new(tls::system)), resolve)
}

#[tokio::test]
async fn a_request_goes_out_and_its_answer_comes_back() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let mut request = request(&upstream.uri("127.0.0.1", "/a?b=%20c"));
    *request.method_mut() = Method::POST;
    *request.body_mut() = "exact content".into();
    request.headers_mut().insert("x-own", HeaderValue::from_static("1"));
    let response =
        send(&Outbound::new(), request, &["127.0.0.1"], SendOptions::default()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().len(), 1, "{:?}", response.headers());
    assert_eq!(response.body().length(), Some(5));
    assert_eq!(text(response).await, "hello");
    let seen = upstream.requests();
    assert!(seen[0].starts_with("POST /a?b=%20c HTTP/1.1\r\n"), "{seen:?}");
    assert!(seen[0].ends_with("\r\n\r\nexact content"), "{seen:?}");
    for field in [
        format!("host: 127.0.0.1:{}", upstream.port),
        "x-own: 1".into(),
        "content-length: 13".into(),
    ] {
        assert!(seen[0].contains(&format!("\r\n{field}\r\n")), "{field} in {seen:?}");
    }
}

#[tokio::test]
async fn nothing_goes_out_unless_it_is_allowed() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let outbound = Outbound::new();
    for (host, allowed) in [
        ("127.0.0.1", &[][..]),
        ("127.0.0.1", &["example.com"]),
        ("127.0.0.1", &["127.0.0.1:1"]),
        ("localhost", &["127.0.0.1"]),
    ] {
        let error = get(&outbound, &upstream.uri(host, "/"), allowed).await.unwrap_err();
        assert!(
            matches!(&error, UpstreamError::Denied(name) if *name == upstream.authority(host)),
            "{error}"
        );
    }
    assert_eq!(upstream.accepted(), 0);
}

#[tokio::test]
async fn loopback_is_denied_unless_it_is_named() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let outbound = Outbound::new();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let error = get(&outbound, &upstream.uri(host, "/"), &["*"]).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Denied(_)), "{host}: {error}");
    }
    assert_eq!(upstream.accepted(), 0);
    for (host, allowed) in [
        ("127.0.0.1", &["127.0.0.1"][..]),
        ("[::ffff:127.0.0.1]", &["127.0.0.1"]),
        ("127.0.0.1", &["localhost"]),
        ("localhost", &["localhost"]),
    ] {
        let response = get(&outbound, &upstream.uri(host, "/"), allowed).await;
        assert_eq!(text(response.unwrap()).await, "hello", "{host} with {allowed:?}");
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_denied() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let (outbound, resolve) = resolving_to(&["127.0.0.1"]);
    let uri = upstream.uri("rebinding.example", "/");
    for allowed in [&["*"][..], &["rebinding.example"], &["*.example", "localhost"]] {
        let error = get(&outbound, &uri, allowed).await.unwrap_err();
        assert!(matches!(error, UpstreamError::AddressDenied(_)), "{error}");
    }
    assert_eq!((upstream.accepted(), resolve.1.load(Ordering::Relaxed)), (0, 3));
    let response = get(&outbound, &uri, &["rebinding.example", "127.0.0.1"]).await.unwrap();
    assert_eq!(text(response).await, "hello");
    assert_eq!(resolve.1.load(Ordering::Relaxed), 4, "resolved once, then connected");
}

#[tokio::test]
async fn only_permitted_addresses_of_a_name_are_tried() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let (outbound, _) = resolving_to(&["169.254.169.254", "::1", "127.0.0.1"]);
    let allowed = ["mixed.example", "127.0.0.1"];
    let response = get(&outbound, &upstream.uri("mixed.example", "/"), &allowed).await.unwrap();
    assert_eq!(text(response).await, "hello");
    let (outbound, _) = resolving_to(&[]);
    let error = get(&outbound, "http://nothing.example/", &["*"]).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Dns(_)), "{error}");
}

#[tokio::test]
async fn names_of_this_host_are_not_resolved() {
    let (outbound, resolve) = resolving_to(&["1.1.1.1"]);
    let error =
        get(&outbound, "http://Orders.mik.internal./", &["*.mik.internal"]).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Dns(_)), "{error}");
    assert_eq!(resolve.1.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let outbound = Outbound::new();
    for _ in 0..3 {
        // The second list grants the same address, so it shares the connection.
        for allowed in [&["127.0.0.1"][..], &["127.0.0.1", "example.com"]] {
            let response = get(&outbound, &upstream.uri("127.0.0.1", "/"), allowed).await.unwrap();
            assert_eq!(text(response).await, "hello");
        }
    }
    assert_eq!((upstream.accepted(), upstream.requests().len()), (1, 6));
}

#[tokio::test]
async fn a_kept_connection_serves_only_those_who_could_have_opened_it() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let (outbound, _) = resolving_to(&["127.0.0.1"]);
    let uri = upstream.uri("db.example", "/");
    text(get(&outbound, &uri, &["db.example", "127.0.0.1"]).await.unwrap()).await;
    for allowed in [&["db.example"][..], &["*", "localhost"], &["db.example", "127.0.0.1:1"]] {
        let error = get(&outbound, &uri, allowed).await.unwrap_err();
        assert!(matches!(error, UpstreamError::AddressDenied(_)), "{error}");
    }
    assert_eq!((upstream.accepted(), upstream.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_kept_connection_that_the_peer_closed_is_replaced() {
    let upstream = Upstream::start(HELLO, After::Close).await;
    let outbound = Outbound::new();
    for _ in 0..5 {
        let response =
            get(&outbound, &upstream.uri("127.0.0.1", "/"), &["127.0.0.1"]).await.unwrap();
        assert_eq!(text(response).await, "hello");
        upstream.closed().await;
    }
    assert_eq!(upstream.accepted(), 5);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_given_up() {
    let upstream = Upstream::start("", After::Keep).await;
    let options =
        SendOptions { first_byte: Some(Duration::from_millis(50)), ..SendOptions::default() };
    let request = request(&upstream.uri("127.0.0.1", "/"));
    let error = send(&Outbound::new(), request, &["127.0.0.1"], options).await.unwrap_err();
    assert!(matches!(error, UpstreamError::ResponseTimeout), "{error}");
    upstream.closed().await;
}

#[tokio::test]
async fn the_deadline_of_the_call_bounds_the_wait() {
    let upstream = Upstream::start("", After::Keep).await;
    let start = Instant::now();
    let call = call(&["127.0.0.1"]).with_deadline(start + Duration::from_millis(50));
    let request = request(&upstream.uri("127.0.0.1", "/"));
    let sent = Outbound::new().send(request, &call, SendOptions::default()).await;
    assert!(matches!(sent, Err(CallError::Upstream(UpstreamError::ResponseTimeout))), "{sent:?}");
    assert!(start.elapsed() < FIRST_BYTE / 2);
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello";
    let upstream = Upstream::start(half, After::Keep).await;
    let options =
        SendOptions { between_bytes: Some(Duration::from_millis(50)), ..SendOptions::default() };
    let request = request(&upstream.uri("127.0.0.1", "/"));
    let response = send(&Outbound::new(), request, &["127.0.0.1"], options).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Upstream(UpstreamError::BodyTimeout)), "{error}");
    assert!(body.frame().await.is_none());
    upstream.closed().await;
}

#[tokio::test]
async fn a_slow_reader_is_no_stall() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let options =
        SendOptions { between_bytes: Some(Duration::from_millis(20)), ..SendOptions::default() };
    let request = request(&upstream.uri("127.0.0.1", "/"));
    let response = send(&Outbound::new(), request, &["127.0.0.1"], options).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(text(response).await, "hello");
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_is_given_up() {
    struct Silent;
    impl Resolve for Silent {
        fn resolve(&self, _: &str, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            Box::pin(std::future::pending())
        }
    }
    let outbound = Outbound::with(Arc::new(Silent), Tls::new(tls::system));
    let options =
        SendOptions { connect: Some(Duration::from_millis(20)), ..SendOptions::default() };
    let error = send(&outbound, request("http://a.example/"), &["*"], options).await.unwrap_err();
    assert!(matches!(error, UpstreamError::ConnectTimeout(_)), "{error}");
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let port = Upstream::start(HELLO, After::Keep).await.stop().await;
    let uri = format!("http://127.0.0.1:{port}/");
    let error = get(&Outbound::new(), &uri, &["127.0.0.1"]).await.unwrap_err();
    assert!(
        matches!(&error, UpstreamError::Connect { reason, .. } if reason.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn a_peer_that_closes_before_it_answers_says_so() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let upstream = Upstream::start(answer, After::Close).await;
        let uri = upstream.uri("127.0.0.1", "/");
        let error = get(&Outbound::new(), &uri, &["127.0.0.1"]).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Closed(_)), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn a_response_head_may_not_be_too_large() {
    let field = format!("x-large: {}\r\n", "v".repeat(BUFFER));
    let fields: String = (0..200).map(|i| format!("x-{i}: 1\r\n")).collect();
    for more in [field, fields] {
        let answer = format!("HTTP/1.1 200 OK\r\n{more}content-length: 0\r\n\r\n").leak();
        let upstream = Upstream::start(answer, After::Keep).await;
        let uri = upstream.uri("127.0.0.1", "/");
        let error = get(&Outbound::new(), &uri, &["127.0.0.1"]).await.unwrap_err();
        assert!(matches!(error, UpstreamError::ResponseHead), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_protocol_error() {
    for (answer, after) in [
        ("SSH-2.0-x\r\n", After::Close),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", After::Keep),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            After::Keep,
        ),
    ] {
        let upstream = Upstream::start(answer, after).await;
        let uri = upstream.uri("127.0.0.1", "/");
        let error = get(&Outbound::new(), &uri, &["127.0.0.1"]).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Protocol(_)), "{answer:?}: {error}");
    }
}

#[tokio::test]
async fn a_response_that_ends_early_is_incomplete() {
    for half in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let error = broken_body(half, After::Close).await;
        assert!(matches!(error, UpstreamError::Incomplete(_)), "{half:?}: {error}");
    }
}

#[tokio::test]
async fn chunks_that_are_none_are_told_from_that() {
    let broken = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfive\r\nhello\r\n";
    let error = broken_body(broken, After::Keep).await;
    assert!(matches!(error, UpstreamError::TransferCoding(_)), "{error}");
}

async fn broken_body(answer: &'static str, after: After) -> UpstreamError {
    let upstream = Upstream::start(answer, after).await;
    let uri = upstream.uri("127.0.0.1", "/");
    let response = get(&Outbound::new(), &uri, &["127.0.0.1"]).await.unwrap();
    match response.into_body().collect().await.unwrap_err() {
        CallError::Upstream(error) => error,
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn trailers_pass() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                  5\r\nhello\r\n0\r\ngrpc-status: 0\r\ncontent-length: 9\r\n\r\n";
    let upstream = Upstream::start(answer, After::Keep).await;
    let uri = upstream.uri("127.0.0.1", "/");
    let response = get(&Outbound::new(), &uri, &["127.0.0.1"]).await.unwrap();
    assert!(response.headers().is_empty(), "{:?}", response.headers());
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().unwrap();
    assert_eq!((trailers.len(), &trailers["grpc-status"]), (1, &HeaderValue::from_static("0")));
    assert_eq!(collected.to_bytes(), "hello");
}

/// A body of one piece whose length nobody knows beforehand.
fn stream(piece: Result<&'static str, CallError>) -> Body {
    let frame = piece.map(|piece| Frame::data(Bytes::from_static(piece.as_bytes())));
    Body::stream(StreamBody::new(futures_util::stream::iter([frame])))
}

#[tokio::test]
async fn a_stream_is_sent_in_chunks() {
    let upstream = Upstream::start(HELLO, After::Keep).await;
    let mut request = request(&upstream.uri("127.0.0.1", "/"));
    *request.method_mut() = Method::PUT;
    *request.body_mut() = stream(Ok("abc"));
    send(&Outbound::new(), request, &["127.0.0.1"], SendOptions::default()).await.unwrap();
    let seen = upstream.requests();
    assert!(seen[0].contains("\r\ntransfer-encoding: chunked\r\n"), "{seen:?}");
    assert!(seen[0].ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{seen:?}");
}

#[tokio::test]
async fn a_request_body_of_the_wrong_length_ends_the_connection() {
    for (length, body) in [("2", Ok("abc")), ("4", Ok("abc")), ("4", Err(CallError::ClientGone))] {
        let upstream = Upstream::start(HELLO, After::Keep).await;
        let mut request = request(&upstream.uri("127.0.0.1", "/"));
        *request.method_mut() = Method::POST;
        *request.body_mut() = stream(body.clone());
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static(length));
        let sent =
            Outbound::new().send(request, &call(&["127.0.0.1"]), SendOptions::default()).await;
        match (body, sent) {
            (Ok(_), Err(CallError::Upstream(UpstreamError::RequestBody(_))))
            | (Err(_), Err(CallError::ClientGone)) => {}
            (_, sent) => panic!("{length}: {sent:?}"),
        }
        upstream.closed().await;
        assert!(upstream.requests().is_empty());
    }
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_ended() {
    let upstream = Upstream::start("", After::Keep).await;
    let outbound = Outbound::new();
    let uri = upstream.uri("127.0.0.1", "/");
    let sending =
        tokio::time::timeout(Duration::from_millis(50), get(&outbound, &uri, &["127.0.0.1"]));
    assert!(sending.await.is_err());
    upstream.closed().await;
}
