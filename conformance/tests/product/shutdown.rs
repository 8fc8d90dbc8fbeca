//! Row 45 in its full number: fifty responses and ten idle connections. The rest is told by the cases.

use std::thread;
use std::time::Duration;

use mik_conformance::{Cases, Mik, Raw, Stop, failed_with, request, told};

const BOUND: Duration = Duration::from_secs(20);

#[test]
fn row_45_a_clean_drain() {
    let mik = Mik::run(&["hello", "stream"], "");
    let mut cases = Cases::of("row 45");
    let mut idle: Vec<Raw> = (0..10).map(|_| mik.connect()).collect();
    for raw in &mut idle {
        let answer = raw.get("/run/hello/");
        cases.check(
            "before",
            answer.as_ref().is_ok_and(|answer| answer.status() == 200),
            told(&answer),
        );
    }
    let mut busy: Vec<Raw> = (0..50).map(|_| mik.connect()).collect();
    for raw in &mut busy {
        let target = "/run/stream/?chunks=30&size=1000&delay_ms=100";
        raw.send(request("GET", target, &[], b"")).expect("a request can be sent");
    }
    let mut heads = Vec::new();
    for raw in &mut busy {
        heads.push(raw.head("GET").expect("a response begins"));
    }

    mik.terminate();
    thread::sleep(Duration::from_millis(300));
    let late =
        Raw::try_connect(mik.address()).map_err(|error| error.to_string()).and_then(|mut raw| {
            let answer = raw.get("/run/hello/").map_err(|stop| stop.to_string())?;
            failed_with(&answer, 503, "draining")?;
            if answer.field("connection") != Some("close") {
                return Err(format!("no connection: close in {answer}"));
            }
            match raw.response() {
                Err(Stop::Closed | Stop::Reset) => Ok(()),
                other => Err(format!("after the 503: {}", told(&other))),
            }
        });
    cases.note("a new connection while it drains", late);
    let health = Raw::try_connect(mik.address()).map(|mut raw| raw.get("/health"));
    let draining = matches!(&health, Ok(Ok(answer)) if answer.status() == 503);
    cases.check("/health while it drains", draining, format!("{health:?}"));
    for raw in &mut idle {
        let end = raw.patience(BOUND).response();
        cases.check("idle", matches!(end, Err(Stop::Closed | Stop::Reset)), told(&end));
    }
    for (raw, head) in busy.iter_mut().zip(&mut heads) {
        let mut body = Vec::new();
        let end = loop {
            match raw.piece(head) {
                Ok(Some(piece)) => body.extend(piece),
                Ok(None) => break None,
                Err(stop) => break Some(stop),
            }
        };
        let right = |(at, byte): (usize, &u8)| usize::from(byte - b'a') == at / 1_000 % 26;
        let exact = body.len() == 30_000 && body.iter().enumerate().all(right);
        cases.check(
            "in flight",
            exact && end.is_none(),
            format!("{} bytes, end {end:?}", body.len()),
        );
        let after = raw.patience(BOUND).response();
        cases.check(
            "closed after it",
            matches!(after, Err(Stop::Closed | Stop::Reset)),
            told(&after),
        );
    }
    let status = mik.exit(BOUND);
    let stderr = mik.stderr();
    cases.check(
        "exit",
        status.and_then(|status| status.code()) == Some(0),
        format!("{status:?}; {stderr}"),
    );
    cases.check("stdout", mik.stdout().is_empty(), mik.stdout());
    cases.finish();
}
