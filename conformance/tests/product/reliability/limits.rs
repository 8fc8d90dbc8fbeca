//! Row 25: more calls of one module than it may have, and those that wait. Requests past their deadline.

use std::time::Instant;

use super::*;

/// Ten times the 100 ms that a refusal may take.
const REFUSAL: Duration = Duration::from_secs(1);
const FOR_EVER: &str = "/run/sleep/?for_ever=1";

#[test]
fn row_25_a_module_with_a_queue() {
    let config = "[modules.sleep]\nconcurrency = { limit = 2, queue = 1, wait = \"30s\" }\n";
    let mik = Setup::new(&["hello", "sleep"]).guest("sleep", "other").config(config).start();
    let mut cases = Cases::of("row 25, with a queue");
    let waiting =
        |count| measures(&mik, "mik_concurrency_waiting", &[("mik_module", "sleep")], count);
    mik.lone_case(&mut cases, "one waits, one more is refused", || {
        let mut held = vec![occupy(&mik, FOR_EVER, 1)?, occupy(&mik, FOR_EVER, 2)?];
        let mut waits = mik.connect();
        let _ = waits.send(request("GET", "/run/sleep/?ms=1", &[], b""));
        waiting(1.0)?;
        let started = Instant::now();
        let refused = mik.get("/run/sleep/?ms=1").map_err(|stop| stop.to_string())?;
        failed_with(&refused, 503, "overloaded")?;
        if started.elapsed() > REFUSAL || refused.field("retry-after") != Some("1") {
            return Err(format!("after {:?}: {refused}", started.elapsed()));
        }
        if refused.json()["detail"] != "overloaded: too many requests in flight for this module" {
            return Err(format!("{refused}"));
        }
        measures(&mik, "mik_concurrency_rejections_total", &[("mik_module", "sleep")], 1.0)?;
        // Other modules are unaffected.
        answers(&mik, "/run/other/?ms=1", 200)?;
        answers(&mik, "/run/hello/", 200)?;
        held.pop();
        let served = waits.response();
        match &served {
            Ok(response) if response.status() == 200 => waiting(0.0),
            _ => Err(format!("once there is a place: {}", told(&served))),
        }
    });
    mik.lone_case(&mut cases, "one that gives up leaves the queue", || {
        let held = [occupy(&mik, FOR_EVER, 1)?, occupy(&mik, FOR_EVER, 2)?];
        let mut waits = mik.connect();
        let _ = waits.send(request("GET", "/run/sleep/?ms=1", &[], b""));
        waiting(1.0)?;
        drop(waits);
        waiting(0.0)?;
        drop(held);
        Ok(())
    });
    cases.finish();
}

#[test]
fn a_request_past_its_deadline() {
    let config = "[middleware.deadline]\ntime = \"20s\"\nheader = \"x-request-timeout\"\n\
                  [modules.sleep]\ndeadline = \"400ms\"\n\
                  [middleware.breaker]\nconsecutive = 3\nopen = \"60s\"\n";
    let setup = Setup::new(&["hello", "sleep"]).guest("sleep", "other").config(config);
    let mik = setup.start();
    let mut cases = Cases::of("deadline");
    let exceeded = |module, count| {
        measures(&mik, "mik_deadline_exceeded_total", &[("mik_module", module)], count)
    };
    let asking = |value: &str| {
        let fields = [("x-request-timeout", value)];
        let answer = mik.connect().request("GET", "/run/other/?ms=1500", &fields, b"");
        answer.map_err(|stop| stop.to_string())
    };
    mik.case(&mut cases, "the time of a module", || {
        let started = Instant::now();
        fails(&mik, FOR_EVER, 504, "timeout")?;
        let took = started.elapsed();
        if !(Duration::from_millis(390)..Duration::from_secs(5)).contains(&took) {
            return Err(format!("after {took:?}"));
        }
        answers(&mik, "/run/sleep/?ms=1", 200)?;
        exceeded("sleep", 1.0)
    });
    mik.case(&mut cases, "a client asks for less", || {
        for value in ["100", "100ms", "1s", "50"] {
            failed_with(&asking(value)?, 504, "timeout")?;
        }
        exceeded("other", 4.0)?;
        // It has cut its own time: that does not speak against the module.
        answers(&mik, "/run/other/?ms=1", 200)
    });
    mik.case(&mut cases, "what is no time changes nothing", || {
        for value in ["0", "-1", "soon", "1h", "99999999999999999999"] {
            let answer = asking(value)?;
            if answer.status() != 200 {
                return Err(format!("{value:?}: {answer}"));
            }
        }
        Ok(())
    });
    mik.case(&mut cases, "late by itself, it is broken", || {
        (0..3).try_for_each(|_| fails(&mik, FOR_EVER, 504, "timeout"))?;
        fails(&mik, FOR_EVER, 503, "circuit-open")
    });
    cases.finish();
}

#[test]
fn a_body_past_its_total_time() {
    let config = "[middleware.deadline]\ntime = \"500ms\"\ntotal = \"1s\"\n";
    let mik = Mik::run(&["hello", "sse"], config);
    let mut cases = Cases::of("deadline, total");
    mik.case(&mut cases, "an answer without end breaks off", || {
        let answer = mik.get("/run/sse/?events=0&ms=50").map_err(|stop| stop.to_string())?;
        match (answer.status(), answer.is_whole(), answer.text().contains("data: 1\n")) {
            (200, false, true) => Ok(()),
            _ => Err(format!("{answer}")),
        }
    });
    cases.finish();
}
