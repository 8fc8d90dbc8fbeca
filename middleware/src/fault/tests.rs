//! Faults that strike, where they strike, and that they are told.

use std::sync::Mutex;

use http_body_util::BodyExt;
use mik_core::ErrorKind;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;
use crate::rig::{Rig, Served, get, make, text};

fn serving(table: &str) -> Served {
    let table = format!("[middleware.fault]\nseed = 1\n{table}\n");
    let empty = |_: Request, _: Call| async { Ok(Response::new(Body::empty())) };
    let rig = Rig::default().says("hello", "hello").says("other", "other");
    rig.module("empty", empty).made("fault", &table).build()
}

#[tokio::test(start_paused = true)]
async fn a_delay_waits_and_then_calls() {
    let served = serving("delay = { rate = 1.0, time = \"200ms\" }");
    let started = Instant::now();
    assert_eq!(text(served.get("/run/hello/").await).await, "hello");
    assert_eq!(started.elapsed().as_millis() / 10, 20);
    // Not past the deadline of the call, which the host sets to 30 s.
    let served = serving("delay = { rate = 1.0, time = \"1h\" }");
    let started = Instant::now();
    assert_eq!(served.get("/run/hello/").await.status(), 504);
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn an_error_answers_in_place_of_the_module() {
    let response = serving("error = { rate = 1.0, status = 503 }").get("/run/hello/").await;
    assert_eq!(response.status(), 503);
    assert!(!response.headers().contains_key("mik-error"), "as if the module had said it");
    assert_eq!(text(response).await, "injected fault\n");
    for (kind, status) in [
        ("trap", 500),
        ("memory", 500),
        ("no-response", 500),
        ("timeout", 504),
        ("overloaded", 503),
    ] {
        let served = serving(&format!("error = {{ rate = 1, kind = \"{kind}\" }}"));
        let response = served.get("/run/hello/").await;
        assert_eq!(response.status(), status, "{kind}");
        assert_eq!(response.headers()["mik-error"], kind);
    }
}

#[tokio::test]
async fn an_abort_breaks_the_body_off() {
    for (after, seen) in
        [("0B", ""), ("2B", "he"), ("4B", "hell"), ("5B", "hell"), ("1GiB", "hell")]
    {
        let served = serving(&format!("abort = {{ rate = 1.0, after = \"{after}\" }}"));
        let response = served.get("/run/hello/").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.body().length(), Some(5), "what was said stays");
        let mut body = response.into_body();
        let mut read = Vec::new();
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => read.extend_from_slice(frame.data_ref().unwrap()),
                Err(error) => break error,
            }
        };
        assert_eq!((&*String::from_utf8(read).unwrap(), error.kind()), (seen, ErrorKind::Trap));
        assert!(body.frame().await.is_none());
    }
    // Also where there is nothing to break.
    let response = serving("abort = { rate = 1.0 }").get("/run/empty/").await;
    assert_eq!(response.body().length(), None);
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_panic_is_one_requests() {
    let served = serving("panic = { rate = 1.0 }\n[modules.other.fault]\nenabled = false");
    let response = served.get("/run/hello/").await;
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()["mik-error"], "panic");
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(served.get("/run/other/").await.status(), 200);
}

#[tokio::test]
async fn a_seed_makes_it_the_same_each_time() {
    async fn statuses() -> Vec<u16> {
        let served = serving("error = { rate = 0.5, status = 500 }");
        let mut all = Vec::new();
        for _ in 0..50 {
            all.push(served.get("/run/hello/").await.status().as_u16());
        }
        all
    }
    let first = statuses().await;
    assert!(first.contains(&200) && first.contains(&500), "{first:?}");
    assert_eq!(first, statuses().await);
}

#[tokio::test]
async fn modules_may_have_faults_of_their_own_in_another_ring() {
    let table = "[modules.hello.fault]\nerror = { rate = 1.0, kind = \"trap\" }\n\
                 [modules.other.fault]\nring = \"edge\"\nerror = { rate = 1.0, status = 502 }\n";
    let rig = Rig::default().says("hello", "hello").says("other", "other").says("free", "free");
    let served = rig.made("fault", table).build();
    assert_eq!(served.get("/run/hello/").await.status(), 500);
    assert_eq!(served.get("/run/other/").await.status(), 502);
    assert_eq!(served.get("/run/free/").await.status(), 200);
    for ring in [Ring::Edge, Ring::Call] {
        assert_eq!(served.host.middleware(ring), ["fault"]);
    }
    // A call that does not come through the edge.
    let target = mik_core::Target::Module(mik_core::ModuleName::new("other").unwrap());
    let parent = Call::detached(Duration::from_secs(1));
    assert!(served.host.call(target, get("/"), &parent).await.is_ok());
}

/// Collects the warnings of this thread.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            let mut text = Text::default();
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_loud() {
    let warnings = Warnings::default();
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let served = serving(
        "delay = { rate = 1.0, time = \"1ms\" }\nerror = { rate = 1.0, status = 500 }\n\
         [modules.other.fault]\nerror = { rate = 0.0, status = 500 }\n\
         delay = { rate = 0.0, time = \"1ms\" }",
    );
    let at_start = std::mem::take(&mut *warnings.0.lock().unwrap());
    assert!(
        at_start.iter().any(|line| line.contains("FAULTS ARE BEING INJECTED")
            && line.contains("delay at a rate of 1, error at a rate of 1")
            && line.contains("seed=1")),
        "{at_start:?}"
    );
    served.get("/run/hello/").await;
    let lines = std::mem::take(&mut *warnings.0.lock().unwrap());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("injected fault: delay") && lines[1].contains("injected fault: error")
    );
    assert!(lines.iter().all(|line| line.contains("request_id=") && line.contains("module hello")));
    served.get("/run/other/").await;
    assert!(warnings.0.lock().unwrap().is_empty());
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    for (table, message) in [
        ("", "it would inject nothing"),
        ("seed = 7", "it would inject nothing"),
        ("delay = { rate = 1.5, time = \"1s\" }", "`rate` of `delay` must be from 0 to 1"),
        ("panic = { rate = nan }", "`rate` of `panic` must be from 0 to 1"),
        ("delay = { rate = 0.5 }", "missing field `time`"),
        ("delay = { rate = 0.5, time = \"0s\" }", "a time from 1ms to 1h"),
        ("error = { rate = 0.5 }", "`error` needs either `status` or `kind`"),
        ("error = { rate = 0.5, status = 500, kind = \"trap\" }", "either `status` or `kind`"),
        ("error = { rate = 0.5, status = 200 }", "a whole number from 400 to 599"),
        ("error = { rate = 0.5, kind = \"not-found\" }", "unknown variant `not-found`"),
        ("abort = { rate = 0.5, at = \"1KiB\" }", "unknown field `at`"),
        ("panic = { rate = 0.5 }\nring = \"upstream\"", "unknown variant `upstream`"),
        ("seed = -1", "invalid value"),
    ] {
        let wrong = make("fault", &format!("[middleware.fault]\n{table}\n")).err();
        assert!(wrong.as_ref().is_some_and(|wrong| wrong.contains(message)), "{table}: {wrong:?}");
    }
    let seeded = "[middleware.fault]\nseed = 7\n[modules.a.fault]\npanic = { rate = 0.5 }\n";
    assert!(make("fault", seeded).is_ok());
}
