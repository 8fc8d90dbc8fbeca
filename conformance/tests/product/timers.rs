//! Rows 22 to 24: slow clients. The limits are one second here, so every bound is ten.

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::{Cases, Mik, Raw, Stop, refused_or_closed, request, told_with};

/// Ten times what the rows allow: a second, and a little to notice it.
const BOUND: Duration = Duration::from_secs(20);

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = "[server.limits]\nhead_time = \"1s\"\nbody_time = \"1s\"\nidle_time = \"2s\"\n\
                  write_time = \"1s\"\n";
    Mik::run(&["hello", "echo", "inspect", "stream", "sleep"], config)
});

#[test]
fn row_22_slow_heads() {
    let mut cases = Cases::of("row 22");
    MIK.case(&mut cases, "500 connections, a byte now and then", || {
        let started = Instant::now();
        let mut open: Vec<Raw> = (0..500).map(|_| MIK.connect()).collect();
        let head = b"GET /run/hello/ HTTP/1.1\r\nhost: h\r\nx-slow: 123456789";
        for byte in head.iter().cycle() {
            // A connection that ended refuses the next byte, or the one after.
            open.retain_mut(|raw| raw.send([*byte]).is_ok());
            if open.is_empty() {
                return Ok(());
            }
            if started.elapsed() > BOUND {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(format!("{} of 500 are still open after {BOUND:?}", open.len()))
    });
    for (name, sent) in [
        ("nothing at all", &b""[..]),
        ("a line end", b"\r\n"),
        ("half a head", b"GET /run/hello/ HTTP/1.1\r\nhost: h\r\n"),
    ] {
        MIK.case(&mut cases, name, || {
            let mut raw = MIK.connect();
            raw.patience(BOUND);
            let _ = raw.send(sent);
            let received = raw.collect();
            told_with(refused_or_closed(&received, &[408]), sent, &received)
        });
    }
    cases.finish();
}

#[test]
fn idle_connections_are_closed() {
    let mut cases = Cases::of("idle keep-alive");
    MIK.case(&mut cases, "after an answer", || {
        let mut raw = MIK.connect();
        raw.get("/run/hello/").map_err(|stop| stop.to_string())?;
        match raw.patience(BOUND).response() {
            Err(Stop::Closed | Stop::Reset) => Ok(()),
            other => Err(format!("expected close; got {}", mik_conformance::told(&other))),
        }
    });
    MIK.case(&mut cases, "but not while a response is on its way", || {
        let answer = MIK
            .get("/run/stream/?chunks=3&size=10&delay_ms=2500")
            .map_err(|stop| stop.to_string())?;
        if answer.is_whole() && answer.body.len() == 30 { Ok(()) } else { Err(answer.to_string()) }
    });
    MIK.case(&mut cases, "nor while the guest thinks", || {
        let answer = MIK.get("/run/sleep/?ms=3000").map_err(|stop| stop.to_string())?;
        if answer.text() == "slept 3000\n" { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn row_23_slow_bodies() {
    let mut cases = Cases::of("row 23");
    for target in ["/run/inspect/", "/run/echo/"] {
        for (name, field) in [
            ("with a length", ("content-length", "1000")),
            ("chunked", ("transfer-encoding", "chunked")),
        ] {
            MIK.case(&mut cases, &format!("{target} {name}"), || {
                let started = Instant::now();
                let mut raw = MIK.connect();
                let head = request("POST", target, &[field], b"");
                raw.send(&head).map_err(|error| error.to_string())?;
                loop {
                    let sent = match field.0 {
                        "content-length" => raw.send(b"x"),
                        _ => raw.send_chunk(b"x"),
                    };
                    if sent.is_err() {
                        break;
                    }
                    if started.elapsed() > BOUND {
                        return Err(format!("still open after {BOUND:?}"));
                    }
                    thread::sleep(Duration::from_millis(100));
                }
                let received = raw.collect();
                // `echo` had begun its answer, which must then break off.
                let begun = |answer: &mik_conformance::Response| {
                    answer.status() == 200 && !answer.is_whole()
                };
                let outcome = match received.answers.as_slice() {
                    [answer] if begun(answer) => mik_conformance::closed(&received),
                    _ => refused_or_closed(&received, &[408]),
                };
                told_with(outcome, &head, &received)
            });
        }
    }
    cases.finish();
}

/// Starts so many responses and does not read them; waits until nothing moves. Returns the connections
/// and the memory that the process then holds.
fn stalled(count: usize, target: &str) -> (Vec<Raw>, u64) {
    let connections: Vec<Raw> = (0..count)
        .map(|_| {
            let mut raw = MIK.connect();
            let _ = raw.send(request("GET", target, &[], b""));
            raw
        })
        .collect();
    thread::sleep(Duration::from_millis(700));
    (connections, MIK.memory())
}

#[test]
fn row_24_clients_that_stop_reading() {
    const CLIENTS: usize = 8;
    let hundred_mib = "/run/stream/?chunks=1600&size=65536";
    let mut cases = Cases::of("row 24");
    // What as many instances take that have nothing to send.
    let (waiting, base) = stalled(CLIENTS, "/run/sleep/?ms=3000&after=head");
    drop(waiting);
    MIK.case(&mut cases, "100 MiB, unread", || {
        let (mut connections, held) = stalled(CLIENTS, hundred_mib);
        let grown = held.saturating_sub(base) / CLIENTS as u64;
        if !MIK.wait_in_flight(0, BOUND) {
            return Err(format!("still in flight {BOUND:?} later"));
        }
        for raw in &mut connections {
            let answer = raw.response().map_err(|stop| stop.to_string())?;
            if answer.is_whole() {
                return Err(format!("expected a body that breaks off, got {answer}"));
            }
        }
        // The row says 1 MiB; a page or two of the allocator's come on top.
        if grown > 1_536 { Err(format!("{grown} KiB are held for each")) } else { Ok(()) }
    });
    MIK.case(&mut cases, "a slow reader is no stalled one", || {
        let mut raw = MIK.connect();
        let _ = raw.send(request("GET", "/run/stream/?chunks=64&size=65536", &[], b""));
        let mut head = raw.head("GET").map_err(|stop| stop.to_string())?;
        let mut read = 0;
        while let Some(piece) =
            raw.piece(&mut head).map_err(|stop| format!("{stop} after {read} bytes"))?
        {
            read += piece.len();
            thread::sleep(Duration::from_millis(40));
        }
        if read == 64 * 65_536 { Ok(()) } else { Err(format!("{read} bytes")) }
    });
    cases.finish();
}
