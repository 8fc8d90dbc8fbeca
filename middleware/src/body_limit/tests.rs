use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, StreamBody};
use mik_core::{MIK_ERROR, Outcome};

use super::*;
use crate::rig::{Rig, Served, get, make, text};

/// A body of unknown length.
fn chunked(chunks: &[usize]) -> Body {
    let frames: Vec<_> =
        chunks.iter().map(|len| Ok(Frame::data(vec![b'x'; *len].into()))).collect();
    Body::stream(StreamBody::new(futures_util::stream::iter(frames)))
}

fn post(module: &str, body: impl Into<Body>) -> Request {
    http::Request::post(format!("/run/{module}/")).body(body.into()).unwrap()
}

/// A host of modules that count what they can read, and do not mind when it breaks off.
fn counting(document: &str, calls: &Arc<AtomicUsize>) -> Served {
    let module = |calls: Arc<AtomicUsize>| {
        move |request: Request, _| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move {
                let (mut body, mut bytes) = (request.into_body(), 0);
                while let Some(Ok(frame)) = body.frame().await {
                    bytes += frame.data_ref().map_or(0, Bytes::len);
                }
                Ok(Response::new(Body::from(bytes.to_string())))
            }
        }
    };
    let rig =
        Rig::default().module("a", module(calls.clone())).module("upload", module(calls.clone()));
    rig.made("body-limit", document).build()
}

fn too_large(response: &Response) {
    assert_eq!(response.status(), 413);
    assert_eq!(response.headers()[MIK_ERROR], "body");
    assert_eq!(response.headers()["connection"], "close");
}

const TEN: &str = "[middleware.body-limit]\nbytes = \"10B\"\n";

#[tokio::test]
async fn a_declared_length_past_the_limit_is_refused_before_anything_runs() {
    let calls = Arc::default();
    let host = counting(TEN, &calls);
    too_large(&host.send(post("a", "12345678901")).await);
    let mut request = post("a", chunked(&[1]));
    request.headers_mut().insert(CONTENT_LENGTH, 11.into());
    too_large(&host.send(request).await);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(text(host.send(post("a", "1234567890")).await).await, "10");
    assert_eq!(text(host.send(get("/run/a/")).await).await, "0");
}

#[tokio::test]
async fn a_body_of_unknown_length_breaks_off_at_the_limit_whatever_the_handler_says() {
    let host = counting(TEN, &Arc::default());
    for chunks in [&[11][..], &[10, 1], &[5, 5, 5, 5]] {
        too_large(&host.send(post("a", chunked(chunks))).await);
    }
    for chunks in [&[][..], &[10], &[3, 3, 4]] {
        let answer = host.send(post("a", chunked(chunks))).await;
        assert_eq!(text(answer).await, chunks.iter().sum::<usize>().to_string());
    }
}

#[tokio::test]
async fn an_answer_that_was_begun_breaks_off_and_its_handler_is_gone() {
    let ended: Arc<std::sync::Mutex<Vec<Outcome>>> = Arc::default();
    let log = ended.clone();
    let module = move |request: Request, _| {
        let log = log.clone();
        let body = request.into_body().on_end(move |end| log.lock().unwrap().push(end.outcome));
        future::ready(Ok(Response::new(body)))
    };
    let rig = Rig::default().module("a", module).with(BodyLimit::new(ByteSize::bytes(10)));
    let host = rig.build();
    let mut body = host.send(post("a", chunked(&[5, 5, 5]))).await.into_body();
    for _ in 0..2 {
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 5);
    }
    assert!(matches!(body.frame().await, Some(Err(CallError::BodyTooLarge(10)))));
    assert!(body.frame().await.is_none());
    let ended = ended.lock().unwrap();
    assert!(matches!(ended.as_slice(), [Outcome::Failed(CallError::BodyTooLarge(10))]));
}

#[tokio::test]
async fn a_module_may_have_its_own_limit_or_none() {
    let document = format!("{TEN}[modules.upload]\nbody-limit = \"20B\"\n");
    let host = counting(&document, &Arc::default());
    assert_eq!(text(host.send(post("upload", chunked(&[20]))).await).await, "20");
    too_large(&host.send(post("upload", chunked(&[21]))).await);
    too_large(&host.send(post("a", chunked(&[11]))).await);

    let document = format!("{TEN}[modules.upload.body-limit]\nenabled = false\n");
    let host = counting(&document, &Arc::default());
    assert_eq!(text(host.send(post("upload", chunked(&[100]))).await).await, "100");

    let host = counting("[modules.upload]\nbody-limit = \"20B\"\n", &Arc::default());
    too_large(&host.send(post("upload", chunked(&[21]))).await);
    assert_eq!(text(host.send(post("a", chunked(&[100]))).await).await, "100");
}

#[tokio::test]
async fn an_empty_table_means_a_mebibyte() {
    let host = counting("[middleware.body-limit]\n", &Arc::default());
    assert_eq!(text(host.send(post("a", chunked(&[1 << 20]))).await).await, "1048576");
    too_large(&host.send(post("a", chunked(&[1 << 20, 1]))).await);
}

#[test]
fn a_table_that_makes_no_sense_is_refused() {
    for (document, message) in [
        ("[middleware]\nbody-limit = \"much\"", "a size from"),
        ("[middleware]\nbody-limit = 5", "a size from"),
        ("[middleware]\nbody-limit = true", "must be a table"),
        ("[middleware.body-limit]\nbyte = \"1MiB\"", "unknown field"),
        ("[modules.a.body-limit]\nbytes = \"-1B\"", "a size from"),
    ] {
        let error = make("body-limit", document).err().unwrap_or_else(|| panic!("{document}"));
        assert!(error.contains(message), "{document}: {error}");
    }
}
