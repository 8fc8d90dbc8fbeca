//! The rings of middleware.

use std::sync::Arc;

use super::parts::Notes;
use super::*;
use crate::{CallError, ErrorKind, Ring, Rings};

#[tokio::test]
async fn errors_are_typed_in_the_call_ring_and_responses_at_the_edge() {
    let (edge, call) = (Notes::new("edge", Rings::EDGE), Notes::new("call", Rings::CALL));
    let with = fixture_with(&[("modules/bad.wasm", "fail")], |builder| {
        builder.middleware(edge.clone()).middleware(call.clone())
    });
    let response = with.get("/run/bad/x").await;
    assert_eq!(response.status(), 500);
    assert_eq!(response.extensions().get(), Some(&ErrorKind::Trap));
    assert_eq!(call.seen(), ["call /run/bad/* error trap"]);
    assert_eq!(edge.seen(), ["edge /run/bad/* response trap"]);
}

#[tokio::test]
async fn middleware_nest_in_the_order_they_were_added() {
    let seen = Arc::default();
    let notes = |name, rings| Notes { name, rings, tries: 1, seen: Arc::clone(&seen) };
    let with = fixture_with(&[("modules/a.wasm", "say a")], |builder| {
        builder
            .middleware(notes("outer", Rings::EDGE))
            .middleware(notes("both", Rings::EDGE | Rings::CALL))
            .middleware(notes("either", Rings::EDGE))
            .middleware_in(Ring::Call, Arc::new(notes("inner", Rings::EDGE)))
    });
    assert_eq!(with.host.middleware(Ring::Edge), ["outer", "both", "either"]);
    assert_eq!(with.host.middleware(Ring::Call), ["both", "inner"]);
    with.ask("/run/a").await;
    let names: Vec<_> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|note| note.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["inner", "both", "either", "both", "outer"]);
}

#[tokio::test]
async fn a_client_cannot_name_what_middleware_add() {
    let layer = tower_http::set_header::SetRequestHeaderLayer::overriding(
        http::HeaderName::from_static("x-tier"),
        http::HeaderValue::from_static("edge"),
    );
    let with = fixture_with(&[("modules/h.wasm", "header x-tier")], |builder| {
        builder.middleware(crate::TowerLayer::new("tier", Ring::Edge, layer))
    });
    let mut request = get("/run/h");
    request.headers_mut().insert("connection", "x-tier, keep-alive".parse().unwrap());
    let response = with.host.serve(request, None).await;
    assert_eq!(read(response).await, (200, "edge".into()));
}

#[tokio::test]
async fn next_can_run_more_than_once() {
    let mut retry = Notes::new("retry", Rings::CALL);
    retry.tries = 3;
    let with =
        fixture_with(&[("modules/bad.wasm", "fail")], |builder| builder.middleware(retry.clone()));
    with.ask("/run/bad").await;
    assert_eq!(retry.seen().len(), 3);
}

#[tokio::test]
async fn what_a_server_refuses_passes_the_edge_ring() {
    let edge = Notes::new("edge", Rings::EDGE);
    let with = fixture_with(&[], |builder| builder.middleware(edge.clone()));
    let response = with.host.refuse(CallError::Head, get("/nowhere"), None).await;
    assert_eq!(response.status(), 431);
    assert_eq!(edge.seen(), ["edge  response head"]);
}
