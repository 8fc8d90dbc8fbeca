//! Layers of tower-http as middleware.

use http::HeaderValue;
use http::header::SERVER;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::*;
use crate::{ErrorKind, Ring, TowerLayer};

fn post(path: &str, body: Body) -> Request {
    http::Request::post(path).body(body).unwrap()
}

fn with_layers(files: &[(&str, &str)]) -> Fixture {
    let server = SetResponseHeaderLayer::overriding(SERVER, HeaderValue::from_static("mik"));
    let limit = RequestBodyLimitLayer::new(5);
    fixture_with(files, |builder| {
        builder
            .middleware(TowerLayer::new("server", Ring::Edge, server))
            .middleware(TowerLayer::new("limit", Ring::Edge, limit))
    })
}

#[tokio::test]
async fn layers_change_what_passes_them() {
    let with = with_layers(&[("modules/e.wasm", "echo")]);
    assert_eq!(with.host.middleware(Ring::Edge), ["server", "limit"]);
    let response = with.host.serve(post("/run/e", Body::from("12345")), None).await;
    assert_eq!(response.headers()[SERVER], "mik");
    assert_eq!(read(response).await, (200, "12345".into()));
}

#[tokio::test]
async fn a_layer_may_answer_by_itself() {
    let with = with_layers(&[("modules/e.wasm", "echo")]);
    let mut request = post("/run/e", Body::from("123456"));
    request.headers_mut().insert("content-length", HeaderValue::from_static("6"));
    let response = with.host.serve(request, None).await;
    assert_eq!(response.headers()[SERVER], "mik", "the layer outside of it still works");
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_body_that_a_layer_cuts_off_is_an_error_to_its_reader() {
    let with = with_layers(&[("modules/e.wasm", "echo")]);
    // Longer than it seems: only whoever reads it finds out.
    let chunks = ["123", "456"].map(|chunk| Ok(http_body::Frame::data(chunk.into())));
    let stream = http_body_util::StreamBody::new(futures_util::stream::iter(chunks));
    let response = with.host.serve(post("/run/e", Body::stream(stream)), None).await;
    assert_eq!(response.status(), 500);
}

#[tokio::test]
async fn errors_of_ours_come_through_as_they_are() {
    let server = SetResponseHeaderLayer::overriding(SERVER, HeaderValue::from_static("mik"));
    let files = [("modules/bad.wasm", "fail"), ("modules/p.wasm", "panic")];
    let with = fixture_with(&files, |builder| {
        builder.middleware(TowerLayer::new("server", Ring::Call, server))
    });
    for (path, kind) in [("/run/bad", ErrorKind::Trap), ("/run/p", ErrorKind::Panic)] {
        assert_eq!(with.get(path).await.extensions().get(), Some(&kind), "{path}");
    }
}
