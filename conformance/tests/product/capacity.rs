//! Rows 25 to 27: more than fits, and clients that leave.

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::{
    Cases, Mik, Outcome, Raw, Setup, Stop, eventually, failed_with, request, told,
};

/// Ten times the 100 ms that a refusal may take.
const REFUSAL: Duration = Duration::from_secs(1);
/// Ten times the second within which a server recovers.
const RECOVERY: Duration = Duration::from_secs(10);

const FOR_EVER: &str = "/run/sleep/?for_ever=1";

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = "[server.limits]\nin_flight = 12\n[modules.sleep]\nconcurrency = 10\n";
    Setup::new(&["hello", "sleep", "stream"]).guest("sleep", "other").config(config).start()
});

/// So many requests that are in flight until they are dropped.
fn occupy(mik: &Mik, count: usize, target: &str) -> Result<Vec<Raw>, String> {
    let mut held = Vec::new();
    for number in 1..=count {
        let mut raw = mik.connect();
        raw.send(request("GET", target, &[], b"")).map_err(|error| error.to_string())?;
        held.push(raw);
        // One by one, or a bystander's request in between would be refused for want of places.
        if !mik.wait_in_flight(number as u64, RECOVERY) {
            return Err(format!("{:?} are in flight, not {number}", mik.in_flight()));
        }
    }
    Ok(held)
}

fn overloaded(mik: &Mik, target: &str) -> Outcome {
    let started = Instant::now();
    let answer = mik.get(target).map_err(|stop| stop.to_string())?;
    let took = started.elapsed();
    failed_with(&answer, 503, "overloaded")?;
    let retry = answer.field("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    if retry.is_none() {
        return Err(format!("no retry-after: {answer}"));
    }
    if took > REFUSAL { Err(format!("refused after {took:?}")) } else { Ok(()) }
}

#[test]
fn row_25_too_many_in_flight() {
    let mut cases = Cases::of("row 25");
    MIK.case(&mut cases, "one more than a module may have", || {
        let held = occupy(&MIK, 10, FOR_EVER)?;
        overloaded(&MIK, FOR_EVER)?;
        // Others are unaffected.
        MIK.text("/run/other/?ms=1");
        drop(held);
        if !MIK.wait_in_flight(0, RECOVERY) {
            return Err("the places were not given back".to_owned());
        }
        MIK.text("/run/sleep/?ms=1");
        Ok(())
    });
    MIK.lone_case(&mut cases, "one more than the server may have", || {
        let mut held = occupy(&MIK, 12, "/run/other/?for_ever=1")?;
        overloaded(&MIK, "/run/hello/")?;
        overloaded(&MIK, FOR_EVER)?;
        let health = MIK.health();
        if health["status"] != "ready" {
            return Err(format!("/health while full: {health}"));
        }
        held.pop();
        let back = eventually(RECOVERY, || {
            MIK.get("/run/hello/").is_ok_and(|answer| answer.status() == 200)
        });
        if back { Ok(()) } else { Err("no place for another once one is free".to_owned()) }
    });
    cases.finish();
}

#[test]
fn row_25_the_default_of_a_module_is_100() {
    let mik = Mik::run(&["hello", "sleep"], "");
    let mut cases = Cases::of("row 25, defaults");
    mik.case(&mut cases, "the 101st", || {
        let held = occupy(&mik, 100, FOR_EVER)?;
        overloaded(&mik, FOR_EVER)?;
        drop(held);
        Ok(())
    });
    cases.finish();
}

/// The processor time that it takes in a second of doing nothing must be little.
fn does_not_spin(mik: &Mik) -> Outcome {
    let before = mik.cpu();
    thread::sleep(Duration::from_secs(1));
    let spent = mik.cpu().saturating_sub(before);
    if spent < Duration::from_millis(500) {
        Ok(())
    } else {
        Err(format!("{spent:?} of CPU in an idle second"))
    }
}

fn hello(raw: &mut Raw) -> Outcome {
    let answer = raw.get("/run/hello/");
    match &answer {
        Ok(response) if response.status() == 200 => Ok(()),
        _ => Err(told(&answer)),
    }
}

#[test]
fn row_26_more_connections_than_allowed() {
    let mut cases = Cases::of("row 26");
    let mik = Mik::run(&["hello", "sleep"], "[server.limits]\nconnections = 12\n");
    mik.lone_case(&mut cases, "all idle: the oldest goes", || {
        let mut idle: Vec<Raw> = (0..12).map(|_| mik.connect()).collect();
        for raw in &mut idle {
            hello(raw)?;
            // Age is told in milliseconds.
            thread::sleep(Duration::from_millis(5));
        }
        hello(&mut mik.connect()).map_err(|failure| format!("the 13th: {failure}"))?;
        match idle[0].patience(RECOVERY).response() {
            Err(Stop::Closed | Stop::Reset) => Ok(()),
            other => Err(format!("the oldest was not closed: {}", told(&other))),
        }
    });
    mik.lone_case(&mut cases, "all busy: it waits", || {
        let mut busy: Vec<Raw> = (0..12)
            .map(|_| {
                let mut raw = mik.connect();
                let _ = raw.send(request("GET", "/run/sleep/?ms=60000&after=head", &[], b""));
                raw
            })
            .collect();
        for raw in &mut busy {
            raw.head("GET").map_err(|stop| format!("a busy one: {stop}"))?;
        }
        let mut late = Raw::connect(mik.address());
        let _ = late.send(request("GET", "/run/hello/", &[], b""));
        let early = late.patience(Duration::from_secs(1)).response();
        if !matches!(early, Err(Stop::Silent)) {
            return Err(format!("the 13th should wait; it got {}", told(&early)));
        }
        does_not_spin(&mik)?;
        busy.clear();
        let answer = late.patience(RECOVERY).response();
        match &answer {
            Ok(response) if response.status() == 200 => Ok(()),
            _ => Err(format!("once there is room: {}", told(&answer))),
        }
    });
    cases.finish();
}

#[test]
fn row_26_few_descriptors() {
    let mut cases = Cases::of("row 26");
    let mik = Setup::new(&["hello"]).descriptors(64).start();
    mik.text("/run/hello/");
    mik.lone_case(&mut cases, "ulimit -n 64", || {
        let open: Vec<Raw> =
            (0..200).filter_map(|_| Raw::try_connect(mik.address()).ok()).collect();
        does_not_spin(&mik)?;
        drop(open);
        let back = eventually(RECOVERY, || {
            Raw::try_connect(mik.address())
                .is_ok_and(|mut raw| hello(raw.patience(RECOVERY)).is_ok())
        });
        if back { Ok(()) } else { Err(format!("not answering again; stderr:\n{}", mik.stderr())) }
    });
    cases.finish();
}

#[test]
fn row_27_clients_that_leave() {
    let mut cases = Cases::of("row 27");
    for (name, target) in [
        ("before the head", "/run/sleep/?for_ever=1"),
        ("in the body", "/run/sleep/?for_ever=1&after=head"),
        ("in a stream", "/run/stream/?chunks=1000000&size=10&delay_ms=10"),
    ] {
        MIK.case(&mut cases, name, || {
            let held = occupy(&MIK, 1, target)?;
            let mark = MIK.log().mark();
            drop(held);
            // Cancelled within 100 ms, or ten times that.
            if !eventually(REFUSAL, || MIK.in_flight() == Some(0)) {
                return Err(format!("{:?} still in flight after {REFUSAL:?}", MIK.in_flight()));
            }
            let counted = |line: &String| line.contains("mik::access") && line.contains("499");
            if eventually(RECOVERY, || MIK.log().since(mark).iter().any(counted)) {
                Ok(())
            } else {
                Err(format!("no access line with 499; the log since: {:?}", MIK.log().since(mark)))
            }
        });
    }
    MIK.case(&mut cases, "10,000 times connect and close", || {
        for _ in 0..10_000 {
            drop(MIK.connect());
        }
        hello(&mut MIK.connect())
    });
    MIK.case(&mut cases, "1,000 requests and away", || {
        for _ in 0..1_000 {
            let mut raw = MIK.connect();
            let _ = raw.send(request("GET", "/health", &[], b""));
        }
        hello(&mut MIK.connect())
    });
    cases.finish();
}
