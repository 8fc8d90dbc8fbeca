//! Faults for drills. Row 36: a panic in a middleware is one request's.

use std::sync::LazyLock;
use std::time::Instant;

use mik_conformance::{closed, refused};

use super::*;

const CONFIG: &str = "\
[middleware.breaker]
enabled = false
[modules.late.fault]
delay = { rate = 1.0, time = \"300ms\" }
[modules.says.fault]
error = { rate = 1.0, status = 502 }
[modules.fails.fault]
error = { rate = 1.0, kind = \"memory\" }
[modules.cut.fault]
abort = { rate = 1.0, after = \"5B\" }
[modules.edge.fault]
ring = \"edge\"
panic = { rate = 1.0 }
[modules.call.fault]
panic = { rate = 1.0 }
";

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let names = ["late", "says", "fails", "cut", "edge", "call"];
    let setup = names.iter().fold(Setup::new(&["hello"]), |setup, name| setup.guest("hello", name));
    setup.config(CONFIG).start()
});

/// The fault was counted and told.
fn is_told(module: &str, fault: &str, mark: usize) -> Outcome {
    let labels = [("mik_fault", fault), ("mik_module", module)];
    measures(&MIK, "mik_fault_injected_total", &labels, 1.0)?;
    let told = format!("injected fault: {fault}");
    let is_it = |line: &String| {
        ["\"WARN\"", &told, &format!("module {module}"), "request_id"]
            .iter()
            .all(|text| line.contains(text))
            && line.matches("\"target\"").count() == 1
    };
    match MIK.log().since(mark).iter().any(is_it) {
        true => Ok(()),
        false => Err(format!("not in the log: {:?}", MIK.log().since(mark))),
    }
}

#[test]
fn faults_strike_and_are_told() {
    let mut cases = Cases::of("fault");
    let at_start = MIK.log().wait(BOUND, &["\"WARN\"", "FAULTS ARE BEING INJECTED", "seed"]);
    cases.check("at the start", at_start.is_some(), MIK.stderr());
    MIK.case(&mut cases, "delay", || {
        let (mark, started) = (MIK.log().mark(), Instant::now());
        answers(&MIK, "/run/late/", 200)?;
        if started.elapsed() < Duration::from_millis(300) {
            return Err(format!("after {:?} already", started.elapsed()));
        }
        is_told("late", "delay", mark)
    });
    MIK.case(&mut cases, "an answer", || {
        let mark = MIK.log().mark();
        let answer = MIK.get("/run/says/").map_err(|stop| stop.to_string())?;
        if (answer.status(), answer.kind(), &*answer.text()) != (502, None, "injected fault\n") {
            return Err(format!("{answer}"));
        }
        is_told("says", "error", mark)
    });
    MIK.case(&mut cases, "a failure", || {
        let mark = MIK.log().mark();
        fails(&MIK, "/run/fails/", 500, "memory")?;
        is_told("fails", "error", mark)
    });
    MIK.case(&mut cases, "an abort", || {
        let mark = MIK.log().mark();
        let answer = MIK.get("/run/cut/").map_err(|stop| stop.to_string())?;
        if (answer.status(), &*answer.text(), answer.is_whole()) != (200, "Hello", false) {
            return Err(format!("{answer}"));
        }
        is_told("cut", "abort", mark)
    });
    cases.finish();
}

#[test]
fn row_36_a_panic_in_a_middleware() {
    let mut cases = Cases::of("row 36");
    for ring in ["edge", "call"] {
        // Others go on meanwhile, on a connection that was open before.
        MIK.case(&mut cases, ring, || {
            let mark = MIK.log().mark();
            let mut raw = MIK.connect();
            let get = request("GET", &format!("/run/{ring}/"), &[], b"");
            // The one that follows on the connection is not answered.
            let _ = raw.send([get, request("GET", "/run/hello/", &[], b"")].concat());
            let received = raw.collect();
            refused(&received, &[500])?;
            closed(&received)?;
            failed_with(&received.answers[0], 500, "panic")?;
            is_told(ring, "panic", mark)?;
            let route = format!("/run/{ring}/*");
            let labels = [
                ("error_type", "panic"),
                ("http_request_method", "GET"),
                ("http_response_status_class", "5xx"),
                ("http_route", &*route),
            ];
            measures(&MIK, "http_server_request_duration_seconds_count", &labels, 1.0)
        });
    }
    cases.finish();
}
