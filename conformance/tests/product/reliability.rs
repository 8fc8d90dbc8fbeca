//! What stands between a failure and everybody else: breaker, concurrency, deadline, retry, and the faults
//! that try them. Rows 25, 29, 34 and 36; row 30 is in `clock.rs`.

mod breaker;
mod fault;
mod limits;
mod retry;

use std::time::Duration;

use mik_conformance::{Cases, Mik, Outcome, Raw, Setup, eventually, failed_with, request, told};

use crate::cli::ends;
use crate::metrics::Page;

/// How long a test waits for what must come.
const BOUND: Duration = Duration::from_secs(20);

/// The answer to a GET has this status.
fn answers(mik: &Mik, target: &str, status: u16) -> Outcome {
    let answer = mik.get(target);
    match &answer {
        Ok(response) if response.status() == status => Ok(()),
        _ => Err(format!("{target}: expected {status}, got {}", told(&answer))),
    }
}

/// The answer to a GET is an error of the host of this kind.
fn fails(mik: &Mik, target: &str, status: u16, kind: &str) -> Outcome {
    let answer = mik.get(target).map_err(|stop| format!("{target}: {stop}"))?;
    failed_with(&answer, status, kind)
}

/// A connection whose GET is in flight.
fn occupy(mik: &Mik, target: &str, in_flight: u64) -> Result<Raw, String> {
    let mut raw = mik.connect();
    raw.send(request("GET", target, &[], b"")).map_err(|error| error.to_string())?;
    match mik.wait_in_flight(in_flight, BOUND) {
        true => Ok(raw),
        false => Err(format!("{:?} are in flight, not {in_flight}", mik.in_flight())),
    }
}

/// A series of the metrics has this value, or comes to it.
fn measures(mik: &Mik, name: &str, labels: &[(&str, &str)], value: f64) -> Outcome {
    let mut found = 0.0;
    let holds = eventually(BOUND, || {
        found = Page::of(mik).value(name, labels);
        found == value
    });
    if holds { Ok(()) } else { Err(format!("{name}{labels:?} is {found}, not {value}")) }
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    let mut cases = Cases::of("tables of the reliability middleware");
    for (table, message) in [
        ("[middleware.breaker]\nconsecutive = 0\n", "it would never open"),
        ("[middleware.breaker]\nopen = \"2m\"\n", "`open` must not be longer than `max_open`"),
        ("[middleware.breaker]\nconsecutiv = 3\n", "consecutive"),
        ("[modules.hello.breaker]\nupstream = true\n", "set `upstream` in [middleware.breaker]"),
        ("[middleware.concurrency]\nlimit = 0\n", "1 to 1000000"),
        ("[modules.hello]\nconcurrency = 0\n", "1 to 1000000"),
        ("[middleware.deadline]\n", "say how long"),
        ("[modules.hello]\ndeadline = \"5\"\n", "a time from 1ms to 1h"),
        ("[middleware.retry]\nattempts = 1\n", "2 to 10"),
        ("[middleware.retry]\nbudget = 7.0\n", "`budget` must be from 0 to 1"),
        ("[middleware.fault]\n", "it would inject nothing"),
        ("[modules.hello.fault]\npanic = { rate = 2.0 }\n", "`rate` of `panic`"),
    ] {
        let setup = Setup::new(&["hello"]).config(table);
        cases.note(table, ends(&setup.run(&["check"]), 1, &[message]));
    }
    cases.finish();
}
