//! Requests that are in time, late, and cut short by their client.

use std::future::pending;
use std::sync::Mutex;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::Body;
use tokio::time::sleep;

use super::*;
use crate::rig::{Rig, Served, get, make, text};

/// `late` never answers, `soon` after a second, `drip` sends a byte each second for ever, `flood` as many
/// as it can; `left` says how many milliseconds it has, and whether its client is in a hurry.
fn modules() -> Rig {
    let byte = || Ok::<_, CallError>(Frame::data(Bytes::from_static(b"x")));
    let left = |_: Request, call: Call| async move {
        let left = call.deadline() - Instant::now();
        let is_hurried = call.is_hurried();
        Ok(Response::new(format!("{} {is_hurried}", left.as_millis()).into()))
    };
    Rig::default()
        .module("late", |_, _| pending())
        .module("soon", |_, _| async {
            sleep(Duration::from_secs(1)).await;
            Ok(Response::new("soon".into()))
        })
        .module("drip", move |_, _| async move {
            let drops = stream::unfold((), move |()| async move {
                sleep(Duration::from_secs(1)).await;
                Some((byte(), ()))
            });
            Ok(Response::new(Body::stream(StreamBody::new(drops.boxed()))))
        })
        .module("flood", move |_, _| async move {
            Ok(Response::new(Body::stream(StreamBody::new(stream::repeat_with(byte)))))
        })
        .module("left", left)
}

fn serving(table: &str) -> Served {
    modules().made("deadline", &format!("[middleware.deadline]\n{table}\n")).build()
}

/// A GET with this field.
fn asking(target: &str, value: &str) -> Request {
    let mut request = get(target);
    request.headers_mut().insert("x-request-timeout", value.parse().unwrap());
    request
}

#[tokio::test(start_paused = true)]
async fn who_is_late_is_ended_at_the_deadline() {
    let served = serving("time = \"5s\"");
    let started = Instant::now();
    let response = served.get("/run/late/").await;
    assert_eq!((response.status().as_u16(), started.elapsed().as_millis() / 100), (504, 50));
    assert_eq!(response.headers()["mik-error"], "timeout");
    assert!(text(response).await.contains("urn:mik:error:timeout"));
    assert_eq!(text(served.get("/run/soon/").await).await, "soon");
    assert_eq!(text(served.get("/run/left/").await).await, "5000 false");
}

/// A middleware of the edge that waits as if in a queue, and notes whether it was let go.
struct Queue(Arc<Mutex<Option<Instant>>>);

struct Waiting(Arc<Mutex<Option<Instant>>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = Some(Instant::now());
    }
}

impl Middleware for Queue {
    fn name(&self) -> &str {
        "queue"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        _: Request,
        _: Call,
        _: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let waiting = Waiting(self.0.clone());
        Box::pin(async move {
            let _waiting = waiting;
            pending().await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_inside_is_let_go() {
    let gone = Arc::default();
    let rig = modules().with(Deadline::new(Duration::from_secs(2)));
    let served = rig.with(Queue(Arc::clone(&gone))).build();
    let started = Instant::now();
    assert_eq!(served.get("/run/soon/").await.status(), 504);
    let gone = gone.lock().unwrap().expect("it was dropped");
    assert_eq!((gone - started).as_millis() / 100, 20);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_ask_for_less_and_for_nothing_else() {
    let served = serving("time = \"5s\"\nheader = \"X-Request-Timeout\"");
    for (asked, seen) in [
        ("1500", "1500 true"),
        ("2s", "2000 true"),
        ("250ms", "250 true"),
        ("5000", "5000 false"),
        ("1h", "5000 false"),
        ("0", "5000 false"),
        ("0s", "5000 false"),
        ("-1", "5000 false"),
        ("1.5", "5000 false"),
        ("soon", "5000 false"),
        ("", "5000 false"),
        ("99999999999999999999", "5000 false"),
    ] {
        assert_eq!(text(served.send(asking("/run/left/", asked)).await).await, seen, "{asked:?}");
    }
    let mut twice = asking("/run/left/", "100");
    twice.headers_mut().append("x-request-timeout", "200".parse().unwrap());
    assert_eq!(text(served.send(twice).await).await, "5000 false");

    let started = Instant::now();
    assert_eq!(served.send(asking("/run/late/", "300")).await.status(), 504);
    assert_eq!(started.elapsed().as_millis() / 10, 30);
    // Unless it is told to, it does not look at the field.
    let deaf = serving("time = \"5s\"");
    assert_eq!(text(deaf.send(asking("/run/left/", "300")).await).await, "5000 false");
}

#[tokio::test(start_paused = true)]
async fn a_module_may_have_a_time_of_its_own() {
    let served = serving("[modules.left]\ndeadline = \"2s\"");
    assert_eq!(text(served.get("/run/left/").await).await, "2000 false");
    let started = Instant::now();
    assert_eq!(served.get("/run/late/").await.status(), 504);
    assert_eq!(started.elapsed().as_secs(), 30, "the host's own time");
    let served = serving("time = \"9s\"\n[modules.left.deadline]\nenabled = false");
    assert_eq!(text(served.get("/run/left/").await).await, "30000 false");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_takes_too_long_in_all_breaks_off() {
    let served = serving("time = \"2s\"\ntotal = \"3500ms\"");
    let started = Instant::now();
    let mut body = served.get("/run/drip/").await.into_body();
    for _ in 0..3 {
        assert!(body.frame().await.unwrap().is_ok());
    }
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), started.elapsed().as_millis() / 100), (ErrorKind::Timeout, 35));
    assert!(body.frame().await.is_none());
    assert_eq!(text(served.get("/run/soon/").await).await, "soon");

    // Also one that never pauses.
    let mut body = served.get("/run/flood/").await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    tokio::time::advance(Duration::from_secs(4)).await;
    assert!(body.frame().await.unwrap().is_err());
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    for (table, message) in [
        ("", "say how long, such as `time = \"10s\"`"),
        ("header = \"x\"", "say how long"),
        ("[modules.a.deadline]\nheader = \"x\"", "say how long"),
        ("time = \"0s\"", "a time from 1ms to 1h"),
        ("time = 5", "a time from 1ms to 1h"),
        ("time = \"5s\"\ntotal = \"4s\"", "`total` must not be shorter than `time`"),
        ("time = \"5s\"\nheader = \"a b\"", "\"a b\" is not the name of a header field"),
        ("times = \"5s\"", "unknown field `times`"),
    ] {
        let wrong = make("deadline", &format!("[middleware.deadline]\n{table}\n")).err();
        assert!(wrong.as_ref().is_some_and(|wrong| wrong.contains(message)), "{table}: {wrong:?}");
    }
    assert!(make("deadline", "[modules.a]\ndeadline = \"5s\"\n").is_ok());
    assert!(make("deadline", "[middleware]\ndeadline = \"5s\"\n").is_ok());
}
