//! Row 29: a circuit opens, probes and closes. Row 34: a trap after half a body counts.

use std::sync::LazyLock;
use std::thread;
use std::time::Instant;

use mik_conformance::{Origin, Response, guest};

use super::*;

/// Three failures open a circuit for a second, and each probe that fails for five times as long.
const CONFIG: &str = "[middleware.breaker]\nconsecutive = 3\nopen = \"1s\"\nfactor = 5.0\n";
const STATE: &str = "mik_breaker_state";
const TRANSITIONS: &str = "mik_breaker_transitions_total";
/// Ten times the 100 ms that a refusal may take.
const REFUSAL: Duration = Duration::from_secs(1);

/// The seconds after which a refused client may come back.
fn refused(mik: &Mik, target: &str) -> Result<u64, String> {
    let started = Instant::now();
    let answer = mik.get(target).map_err(|stop| stop.to_string())?;
    failed_with(&answer, 503, "circuit-open")?;
    if started.elapsed() > REFUSAL {
        return Err(format!("refused after {:?}", started.elapsed()));
    }
    let after = answer.field("retry-after").and_then(|seconds| seconds.parse().ok());
    after.ok_or_else(|| format!("no retry-after: {answer}"))
}

fn state(mik: &Mik, module: &str, value: f64) -> Outcome {
    measures(mik, STATE, &[("mik_module", module)], value)
}

fn transitions(mik: &Mik, module: &str, to: &str, count: f64) -> Outcome {
    measures(mik, TRANSITIONS, &[("mik_module", module), ("to", to)], count)
}

/// Puts another guest in the place of a module, and waits until it is loaded.
fn replace(mik: &Mik, module: &str, source: &str) -> Outcome {
    let mark = mik.log().mark();
    mik.replace(&mik.module(module), std::fs::read(guest(source)).expect("a guest can be read"));
    let is_loaded =
        |line: &String| line.contains("\"loaded\"") && line.contains(&format!("\"{module}\""));
    match eventually(BOUND, || mik.log().since(mark).iter().any(is_loaded)) {
        true => Ok(()),
        false => Err(format!("{module} was not loaded again: {:?}", mik.log().since(mark))),
    }
}

#[test]
fn row_29_failures_open_it_and_a_probe_decides() {
    let mik = Mik::run(&["hello", "trap"], CONFIG);
    let mut cases = Cases::of("row 29");
    mik.case(&mut cases, "failures open it", || {
        answers(&mik, "/run/hello/", 200)?;
        (0..3).try_for_each(|_| fails(&mik, "/run/trap/", 500, "trap"))?;
        let after = refused(&mik, "/run/trap/")?;
        if !(1..=2).contains(&after) {
            return Err(format!("retry-after: {after}"));
        }
        transitions(&mik, "trap", "open", 1.0)?;
        // The module of the innocent requests has a circuit of its own.
        state(&mik, "hello", 0.0)?;
        match mik.log().wait(BOUND, &["WARN", "circuit open", "module trap"]) {
            Some(line) if line.matches("\"target\"").count() == 1 => Ok(()),
            line => Err(format!("in the log: {line:?}")),
        }
    });
    mik.case(&mut cases, "a probe that fails opens it for longer", || {
        state(&mik, "trap", 1.0)?;
        fails(&mik, "/run/trap/", 500, "trap")?;
        let after = refused(&mik, "/run/trap/")?;
        if !(3..=6).contains(&after) {
            return Err(format!("retry-after: {after}, and not about five times as long"));
        }
        state(&mik, "trap", 2.0)?;
        transitions(&mik, "trap", "open", 2.0)?;
        transitions(&mik, "trap", "half_open", 1.0)
    });
    mik.case(&mut cases, "a probe that succeeds closes it", || {
        replace(&mik, "trap", "hello")?;
        state(&mik, "trap", 1.0)?;
        answers(&mik, "/run/trap/", 200)?;
        state(&mik, "trap", 0.0)?;
        transitions(&mik, "trap", "closed", 1.0)?;
        answers(&mik, "/run/trap/", 200)
    });
    cases.finish();
}

/// A module `m` that waits, behind a circuit that is half open.
fn half_open() -> Result<Mik, String> {
    let mik = Setup::new(&["hello"]).guest("trap", "m").config(CONFIG).start();
    (0..3).try_for_each(|_| fails(&mik, "/run/m/", 500, "trap"))?;
    replace(&mik, "m", "sleep")?;
    state(&mik, "m", 1.0)?;
    Ok(mik)
}

#[test]
fn row_29_a_hundred_at_once() {
    let mut cases = Cases::of("row 29, half open");
    let mik = half_open().unwrap();
    mik.case(&mut cases, "exactly one probes", || {
        let all: Vec<Result<Response, _>> = thread::scope(|scope| {
            let call = || mik.connect().get("/run/m/?ms=2000");
            let calls: Vec<_> = (0..100).map(|_| scope.spawn(call)).collect();
            calls.into_iter().map(|call| call.join().expect("a client does not panic")).collect()
        });
        let (mut probes, mut refused) = (0, 0);
        for answer in all {
            let answer = answer.map_err(|stop| stop.to_string())?;
            match answer.status() {
                200 if answer.text().starts_with("slept 2000") => probes += 1,
                _ => {
                    failed_with(&answer, 503, "circuit-open")?;
                    refused += 1;
                }
            }
        }
        if (probes, refused) != (1, 99) {
            return Err(format!("{probes} passed, {refused} were refused"));
        }
        state(&mik, "m", 0.0)
    });
    cases.finish();
}

#[test]
fn row_29_a_probe_that_leaves_is_given_back() {
    let mut cases = Cases::of("row 29, a probe that leaves");
    for (name, target) in [
        ("before the head", "/run/m/?for_ever=1"),
        ("in the body", "/run/m/?for_ever=1&after=head"),
    ] {
        let mik = half_open().unwrap();
        mik.lone_case(&mut cases, name, || {
            let probe = occupy(&mik, target, 1)?;
            refused(&mik, "/run/m/?ms=1")?;
            drop(probe);
            if !mik.wait_in_flight(0, BOUND) {
                return Err("the probe is still in flight".to_owned());
            }
            answers(&mik, "/run/m/?ms=1", 200)?;
            state(&mik, "m", 0.0)
        });
    }
    cases.finish();
}

#[test]
fn what_counts_as_a_failure() {
    // Open for so long that nothing probes meanwhile.
    let config = "[middleware.breaker]\nconsecutive = 3\nopen = \"10m\"\nmax_open = \"10m\"\n\
                  [modules.sleep]\ntimeout = \"200ms\"\n";
    let mik = Mik::run(&["hello", "half", "sleep", "silent", "upstream", "trap"], config);
    let mut cases = Cases::of("row 29, failures");
    for (name, module, target) in [
        ("row 34: a trap after half a body", "half", "/run/half/?how=trap&pause_ms=50"),
        ("no answer in time", "sleep", "/run/sleep/?for_ever=1"),
        ("no answer", "silent", "/run/silent/"),
        // Without an allowed host it answers 502 by itself.
        ("an answer with 5xx", "upstream", "/run/upstream/?url=http%3A%2F%2Fexample.com%2F"),
    ] {
        mik.case(&mut cases, name, || {
            for _ in 0..3 {
                let answer = mik.get(target);
                if answer.as_ref().is_ok_and(|answer| answer.kind() == Some("circuit-open")) {
                    return Err("it was open too early".to_owned());
                }
            }
            state(&mik, module, 2.0)?;
            refused(&mik, target).map(drop)
        });
    }
    mik.case(&mut cases, "what the client asks wrongly is none", || {
        (0..10).try_for_each(|_| answers(&mik, "/run/trap/?how=other", 400))?;
        state(&mik, "trap", 0.0)
    });
    mik.case(&mut cases, "a name that does not exist leaves no trace", || {
        (0..20).try_for_each(|_| fails(&mik, "/run/nobody/", 404, "not-found"))?;
        match Page::of(&mik).text().contains("nobody") {
            false => Ok(()),
            true => Err("it is on the page of metrics".to_owned()),
        }
    });
    cases.finish();
}

static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);

#[test]
fn an_outgoing_host_has_a_circuit_when_asked() {
    let mut cases = Cases::of("row 29, outgoing");
    let port = ORIGIN.port();
    for (upstream, seen) in [(true, 3), (false, 6)] {
        // The module answers 502 by itself: its own circuit is to stay out of this.
        let config = format!(
            "[middleware.breaker]\nconsecutive = 3\nopen = \"60s\"\nupstream = {upstream}\n\
             failures = [\"trap\"]\n[modules.upstream]\nallowed_hosts = [\"127.0.0.1:{port}\"]\n",
        );
        let mik = Mik::run(&["hello", "upstream"], &config);
        mik.case(&mut cases, &format!("upstream = {upstream}"), || {
            let path = format!("garbage?{upstream}");
            let url = format!("http://127.0.0.1:{port}/garbage%3F{upstream}");
            let mut last = None;
            for _ in 0..6 {
                let answer = mik.get(&format!("/run/upstream/?url={url}"));
                last = Some(answer.map_err(|stop| stop.to_string())?);
            }
            let came = ORIGIN.requests(&path).len();
            if came != seen {
                return Err(format!("{came} requests came, not {seen}"));
            }
            // The guest sees what a client would.
            let status = last.as_ref().and_then(|last| last.field("x-upstream-status"));
            match (upstream, status) {
                (true, Some("503")) | (false, None) => Ok(()),
                _ => Err(format!("the guest has seen {status:?}")),
            }
        });
    }
    cases.finish();
}
