//! The hooks of the bodies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::{Body, Call, CallError, ErrorKind, Request, Response};
use proptest::prelude::*;

use super::{CPlugin, Lines, trial};
use crate::rig::{Rig, Served, text};

/// A body that comes in these chunks.
fn chunks(chunks: &[&'static str]) -> Body {
    let frames = chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))));
    Body::stream(StreamBody::new(stream::iter(frames.collect::<Vec<_>>())))
}

/// The module streams the request's body back, with its `content-length`.
async fn echo(request: Request, _: Call) -> Result<Response, CallError> {
    let length = request.headers().get("content-length").cloned();
    let mut response = Response::new(request.into_body());
    if let Some(length) = length {
        response.headers_mut().insert("content-length", length);
    }
    Ok(response)
}

fn echoing() -> Served {
    Rig::default().with(trial()).module("a", echo).build()
}

fn post(query: &str, body: Body) -> Request {
    let length = body.length();
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = format!("/run/a/?{query}").parse().unwrap();
    if let Some(length) = length {
        request.headers_mut().insert("content-length", length.into());
    }
    request
}

#[tokio::test]
async fn chunks_come_by_one_after_another_and_then_the_end() {
    let (lines, _guard) = Lines::listen();
    let served = echoing();
    lines.take();
    let answer = served.send(post("ask=request,response", chunks(&["he", "llo"]))).await;
    assert_eq!(text(answer).await, "hello");
    assert_eq!(
        lines.take(),
        [
            "1 request",
            "2 response 200",
            "3 request body he",
            "4 response body he",
            "5 request body llo",
            "6 response body llo",
            "7 request body over",
            "8 response body over",
            "9 end Complete 200 5 /run/a/",
            "state dropped"
        ]
    );
}

#[tokio::test]
async fn what_is_only_read_goes_on_as_it_was() {
    let served = echoing();
    let answer = served.send(post("ask=request,response", Body::from("hello"))).await;
    assert_eq!(answer.headers()["content-length"], "5");
    assert_eq!(answer.body().length(), Some(5));
    assert_eq!(text(answer).await, "hello");
}

#[tokio::test]
async fn who_knows_the_length_need_not_come_back_for_the_end() {
    let (lines, _guard) = Lines::listen();
    let served = echoing();
    lines.take();
    let body = chunks(&["he", "llo"]).with_length(5);
    let mut answer = served.send(post("ask=response", body)).await;
    for _ in 0..2 {
        answer.body_mut().frame().await.unwrap().unwrap();
    }
    assert_eq!(lines.take().last().unwrap(), "5 response body over");
    drop(answer);
    assert_eq!(lines.take()[0], "6 end Complete 200 5 /run/a/");
}

#[tokio::test]
async fn chunks_are_replaced_dropped_and_added_to() {
    let served = echoing();
    for (query, expected) in [
        ("ask=request-changes&request-body=upper", "HELLO"),
        ("ask=request-changes&request-body=drop", ""),
        ("ask=request-changes&request-body=twice", "hehellollo"),
        ("ask=request-changes&request-end=append", "hello!"),
        ("ask=response-changes&response-body=upper", "HELLO"),
        ("ask=response-changes&response-body=drop&response-end=append", "!"),
        ("response=ask&response-end=append", "hello!"),
        (
            "ask=request-changes,response-changes&request-end=append&response-body=twice",
            "hehellollo!!",
        ),
    ] {
        let answer = served.send(post(query, chunks(&["he", "llo"]).with_length(5))).await;
        assert!(answer.headers().get("content-length").is_none(), "{query}");
        assert_eq!(answer.body().length(), None, "{query}");
        assert_eq!(text(answer).await, expected, "{query}");
    }
}

#[tokio::test]
async fn an_empty_body_has_an_end_too() {
    let (lines, _guard) = Lines::listen();
    let served = echoing();
    lines.take();
    text(served.send(post("ask=request,response", Body::empty())).await).await;
    let seen = lines.take();
    assert_eq!(
        seen[..4],
        ["1 request", "2 request body over", "3 response 200", "4 response body over"]
    );
    let append = "ask=request-changes,response-changes&request-end=append&response-end=append";
    assert_eq!(text(served.send(post(append, Body::empty())).await).await, "!!");
    // Before anything was sent, there is an answer to be had.
    let refused = served.send(post("ask=request&request-end=reply", Body::empty())).await;
    assert_eq!((refused.status().as_u16(), text(refused).await.as_str()), (403, "no"));
    let failed = served.send(post("ask=response&response-end=error", Body::empty())).await;
    assert_eq!(failed.status(), 500);
}

#[tokio::test]
async fn trailers_come_after_what_is_added_at_the_end() {
    let served = Rig::default()
        .with(trial())
        .module("a", |_, _| async {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("x-sum", "1".parse().unwrap());
            let frames =
                [Ok(Frame::data(Bytes::from_static(b"hello"))), Ok(Frame::trailers(trailers))];
            Ok(Response::new(Body::stream(StreamBody::new(stream::iter(frames)))))
        })
        .build();
    for (query, expected) in [
        ("ask=response", "hello"),
        ("ask=response-changes&response-end=append", "hello!"),
        ("ask=response-changes&response-body=drop", ""),
    ] {
        let answer = served.send(post(query, Body::empty())).await;
        let all = answer.into_body().collect().await.unwrap();
        assert_eq!(all.trailers().unwrap()["x-sum"], "1", "{query}");
        assert_eq!(all.to_bytes(), expected, "{query}");
    }
}

#[tokio::test]
async fn the_answer_to_head_stays_empty() {
    let served = Rig::default().with(trial()).says("a", "").build();
    let mut request = post("ask=response-changes&response-end=append", Body::empty());
    *request.method_mut() = http::Method::HEAD;
    let answer = served.send(request).await;
    assert_eq!(answer.body().length(), Some(0));
}

/// A module that reads its request, counts how often it got to the end of reading, and answers.
fn reading(ends: Arc<AtomicUsize>) -> Served {
    Rig::default()
        .with(trial())
        .module("a", move |request: Request, _| {
            let ends = ends.clone();
            async move {
                let read = request.into_body().collect().await;
                ends.fetch_add(1, Ordering::Relaxed);
                read?;
                Ok(Response::new(Body::from("read")))
            }
        })
        .build()
}

#[tokio::test]
async fn a_request_that_is_refused_halfway_is_answered_and_its_handler_given_up() {
    for hook in ["request-body", "request-end"] {
        for (deed, status) in [("reply", 403), ("error", 500), ("panic", 500), ("unasked", 500)] {
            let ends = Arc::new(AtomicUsize::new(0));
            let served = reading(ends.clone());
            let query = format!("ask=request&{hook}={deed}");
            let answer = served.send(post(&query, chunks(&["he", "llo"]))).await;
            assert_eq!(answer.status(), status, "{query}");
            let kind = answer.extensions().get::<ErrorKind>();
            assert_eq!(kind.is_some_and(|kind| *kind == ErrorKind::Panic), status == 500);
            // What it made of half a request would count against it.
            assert_eq!(ends.load(Ordering::Relaxed), 0, "{query}");
        }
    }
}

#[tokio::test]
async fn a_response_that_is_under_way_breaks_off() {
    let (lines, _guard) = Lines::listen();
    let served = echoing();
    for query in [
        "ask=request&request-body=reply",
        "ask=request&request-body=error",
        "ask=request&request-end=panic",
        "ask=response&response-body=error",
        "ask=response&response-body=panic",
        "ask=response&response-end=error",
        "ask=response&response-body=unasked",
    ] {
        lines.take();
        // The handler answers before it has read.
        let answer = served.send(post(query, chunks(&["he", "llo"]))).await;
        assert_eq!(answer.status(), 200, "{query}");
        let error = answer.into_body().collect().await.unwrap_err();
        assert_eq!(
            error.kind() == ErrorKind::Forbidden,
            query.ends_with("reply"),
            "{query}: {error}"
        );
        let lines = lines.take();
        assert!(lines.iter().any(|line| line.contains("end Failed 200 ")), "{query}: {lines:?}");
        assert_eq!(lines.last().unwrap(), "state dropped", "{query}");
    }
    let fails = Rig::default().with(CPlugin::new("fails.c", &[]).load()).module("a", echo).build();
    let answer = fails.send(post("response_body", chunks(&["he", "llo"]))).await;
    assert!(answer.into_body().collect().await.is_err());
}

#[tokio::test]
async fn the_last_chunk_is_not_handed_on_where_its_end_is_refused() {
    let served = echoing();
    let body = chunks(&["he", "llo"]).with_length(5);
    let mut answer = served.send(post("ask=response&response-end=error", body)).await;
    assert_eq!(answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), "he");
    assert!(answer.body_mut().frame().await.unwrap().is_err());
}

#[tokio::test]
async fn a_reader_in_another_task_is_woken_by_the_refusal() {
    // The handler reads elsewhere, and would wait for ever.
    let served = Rig::default()
        .with(trial())
        .module("a", |request: Request, _| async {
            tokio::spawn(request.into_body().collect());
            std::future::pending().await
        })
        .build();
    let (go, wait) = tokio::sync::oneshot::channel();
    let late = stream::once(async {
        let _ = wait.await;
        Ok(Frame::data(Bytes::from_static(b"late")))
    });
    let body = Body::stream(StreamBody::new(late.boxed()));
    let mut answer = Box::pin(served.send(post("ask=request&request-body=reply", body)));
    assert!((&mut answer).now_or_never().is_none());
    go.send(()).unwrap();
    assert_eq!(answer.await.status(), 403);
}

#[tokio::test]
async fn a_body_that_nobody_reads_has_no_end() {
    let (lines, _guard) = Lines::listen();
    let served = Rig::default().with(trial()).says("a", "unread").build();
    lines.take();
    text(served.send(post("ask=request", chunks(&["he", "llo"]))).await).await;
    assert_eq!(
        lines.take(),
        ["1 request", "2 response 200", "3 end Complete 200 6 /run/a/", "state dropped"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the chunks, and wherever empty ones lie among them: what is read is what was sent.
    #[test]
    fn no_byte_is_lost_or_made(parts in prop::collection::vec("[a-z]{0,5}", 0..8), changes: bool, promised: bool) {
        let whole = parts.concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (all, length) = runtime.block_on(async {
            let frames: Vec<_> =
                parts.into_iter().map(|part| Ok(Frame::data(Bytes::from(part)))).collect();
            let mut body = Body::stream(StreamBody::new(stream::iter(frames)));
            if promised {
                body = body.with_length(whole.len() as u64);
            }
            let query = if changes {
                "ask=request-changes,response-changes&request-body=upper"
            } else {
                "ask=request,response"
            };
            let answer = echoing().send(post(query, body)).await;
            let length = answer.body().length();
            (text(answer).await, length)
        });
        let expected = if changes { whole.to_ascii_uppercase() } else { whole.clone() };
        prop_assert_eq!(all, expected);
        if promised && !changes {
            prop_assert_eq!(length, Some(whole.len() as u64));
        }
    }
}
