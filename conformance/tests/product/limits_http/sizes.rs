//! Rows 10 to 18: odd requests, and large ones.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::{
    Cases, Mik, Outcome, Received, Response, Stop, answered, failed_with, refused,
    refused_or_closed, request, told_with,
};

use super::{MIK, SMUGGLED, nothing_ran};
use crate::exchange;

/// A target whose guest tells the log that it ran.
const RAN: &str = "/run/flood/?bytes=0&text=odd%2Drequest%2Dran";

#[test]
fn row_10_odd_methods_and_targets() {
    let mut cases = Cases::of("row 10");
    let long = "M".repeat(100 * 1024);
    let rows: [(&str, String, &[u16]); 6] = [
        ("GET *", "GET *".into(), &[400]),
        ("CONNECT", "CONNECT h:1".into(), &[405]),
        ("TRACE", format!("TRACE {RAN}"), &[405]),
        ("a method of 100 KiB", format!("{long} {RAN}"), &[400, 414, 431]),
        ("a method that is no token", format!("GE(T {RAN}"), &[400]),
        ("a relative target", "GET run/hello".into(), &[400]),
    ];
    for (name, line, statuses) in rows {
        let sent = format!("{line} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        exchange(&MIK, &mut cases, name, sent.as_bytes(), |received| {
            refused(received, statuses)?;
            if statuses == [405] && received.answers[0].field("allow").is_none() {
                return Err("a 405 without `allow`".to_owned());
            }
            nothing_ran("odd-request-ran")
        });
    }
    cases.finish();
}

#[test]
fn row_11_what_is_not_http_1() {
    let mut cases = Cases::of("row 11");
    let mut junk: Vec<u8> = (0..=255).cycle().take(2_048).collect();
    junk.rotate_left(128);
    let rows: [(&str, &[u8]); 9] = [
        ("HTTP/0.9", b"GET /run/hello/\r\n\r\n"),
        ("HTTP/1", b"GET /run/hello/ HTTP/1\r\nhost: h\r\n\r\n"),
        ("http/1.1", b"GET /run/hello/ http/1.1\r\nhost: h\r\n\r\n"),
        ("HTTP/2.0", b"GET /run/hello/ HTTP/2.0\r\nhost: h\r\n\r\n"),
        ("HTTP/1.2", b"GET /run/hello/ HTTP/1.2\r\nhost: h\r\n\r\n"),
        (
            "a TLS hello",
            b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\x00\x01\x02\x03\x04\x05\x06\x07\x08",
        ),
        ("an h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        ("binary junk", &junk),
        ("NULs", &[0; 512]),
    ];
    for (name, sent) in rows {
        exchange(&MIK, &mut cases, name, sent, |received| refused_or_closed(received, &[400, 505]));
    }
    cases.finish();
}

#[test]
fn row_12_pipelines_and_expectations() {
    let mut cases = Cases::of("row 12");
    let last = "GET /run/inspect/2 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let two = format!("GET /run/inspect/1 HTTP/1.1\r\nhost: h\r\n\r\n{last}");
    exchange(&MIK, &mut cases, "two pipelined", two.as_bytes(), |received| {
        let paths: Vec<_> =
            received.answers.iter().map(|answer| answer.json()["path"].clone()).collect();
        if paths == ["/1", "/2"] { Ok(()) } else { Err(format!("answered in the order {paths:?}")) }
    });
    let unknown = "POST /run/echo/ HTTP/1.1\r\nhost: h\r\nexpect: x\r\ncontent-length: 2\r\n\
                   connection: close\r\n\r\nok";
    exchange(&MIK, &mut cases, "Expect: x", unknown.as_bytes(), |received| {
        match received.answers.as_slice() {
            [answer] if answer.status() == 417 || answer.text() == "ok" => Ok(()),
            _ => Err("expected 417, or that it is ignored".to_owned()),
        }
    });
    let large = "POST /run/echo/ HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n";
    exchange(&MIK, &mut cases, "100-continue, too large", large.as_bytes(), |received| {
        refused(received, &[413])?;
        let interim = &received.answers[0].head.interim;
        if interim.is_empty() { Ok(()) } else { Err(format!("interim responses {interim:?}")) }
    });
    MIK.case(&mut cases, "100-continue, as it should be", || {
        let mut raw = MIK.connect();
        let head = request(
            "POST",
            "/run/inspect/",
            &[("expect", "100-continue"), ("content-length", "2")],
            b"",
        );
        let _ = raw.send(head);
        // Without the body: the interim response must come first, and the final one only after it.
        let mut writer = raw.writer();
        let later = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            writer.write_all(b"ok")
        });
        let answer = raw.response().map_err(|stop| stop.to_string())?;
        later.join().map_err(|_| "the writer panicked")?.map_err(|error| error.to_string())?;
        if answer.json()["body_bytes"] == 2 && answer.head.interim == [100] {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    });
    cases.finish();
}

#[test]
fn row_13_upgrades() {
    let mut cases = Cases::of("row 13");
    for upgrade in ["foo", "websocket", "h2c"] {
        let first = format!(
            "GET /run/inspect/1 HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: {upgrade}\r\n\r\n"
        );
        let sent = first + "GET /run/inspect/2 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        exchange(&MIK, &mut cases, upgrade, sent.as_bytes(), |received| {
            let statuses: Vec<_> = received.answers.iter().map(Response::status).collect();
            match (statuses.as_slice(), &received.end) {
                ([200, 200] | [200], Stop::Closed) => Ok(()),
                _ => Err(format!("expected one or two times 200, then close; got {statuses:?}")),
            }
        });
    }
    cases.finish();
}

#[test]
fn row_14_bodies_that_nobody_read() {
    let mut cases = Cases::of("row 14");
    for (size, target) in [
        (100, "/nothing"),
        (60 * 1024, "/nothing"),
        (1024 * 1024, "/nothing"),
        (60 * 1024, "/health"),
        (60 * 1024, "/run/hello/"),
        (1024 * 1024, "/run/hello/"),
    ] {
        let body: String = SMUGGLED.chars().cycle().take(size).collect();
        let last = "GET /run/inspect/next HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        let sent = [&request("POST", target, &[], body.as_bytes()), last.as_bytes()].concat();
        exchange(&MIK, &mut cases, &format!("{size} bytes to {target}"), &sent, |received| {
            nothing_ran("smuggled")?;
            match received.answers.as_slice() {
                [_] => mik_conformance::closed(received),
                [_, next] if next.json()["path"] == "/next" => Ok(()),
                _ => Err("expected an answer, then that of the next request or close".to_owned()),
            }
        });
    }
    cases.finish();
}

fn target_of(length: usize) -> Vec<u8> {
    let start = "/run/inspect/?";
    request(
        "GET",
        &format!("{start}{}", "q".repeat(length - start.len())),
        &[("connection", "close")],
        b"",
    )
}

#[test]
fn row_15_long_targets() {
    let mut cases = Cases::of("row 15");
    for length in [8_000, 8_192] {
        exchange(&MIK, &mut cases, &length.to_string(), &target_of(length), |received| {
            answered(received, 200)?;
            let query = received.answers[0].json()["query"].as_str().map_or(0, str::len);
            let expected = length - "/run/inspect/?".len();
            if query == expected {
                Ok(())
            } else {
                Err(format!("a query of {query} bytes, not {expected}"))
            }
        });
    }
    exchange(&MIK, &mut cases, "8193", &target_of(8_193), |received| refused(received, &[414]));
    exchange(&MIK, &mut cases, "100 KiB", &target_of(102_400), |received| {
        refused(received, &[414, 431])
    });
    cases.finish();
}

fn head_of(count: usize, size: usize) -> Vec<u8> {
    let fields: String = (0..count).map(|i| format!("x-{i}: {}\r\n", "v".repeat(size))).collect();
    format!("GET /run/hello/ HTTP/1.1\r\nhost: h\r\n{fields}connection: close\r\n\r\n").into_bytes()
}

#[test]
fn row_16_large_heads() {
    // Its memory is measured, so that nobody else may use it.
    let mik = Mik::run(&["hello"], "");
    let mut cases = Cases::of("row 16");
    // Two more are in each head: `host` and `connection`.
    exchange(&mik, &mut cases, "100 fields", &head_of(98, 1), |received| answered(received, 200));
    let large = [
        ("101 fields", head_of(99, 1)),
        ("one of 65 KiB", head_of(1, 65 * 1024)),
        ("10,000 fields", head_of(10_000, 1)),
    ];
    for (name, sent) in &large {
        exchange(&mik, &mut cases, name, sent, |received| refused(received, &[431]));
    }
    // Without a bystander, whose instances would be counted, too.
    let round = || {
        for (_, sent) in large.iter().cycle().take(60) {
            let mut raw = mik.connect();
            let _ = raw.send(sent);
            raw.collect();
        }
    };
    // The first lets every thread of the server have some.
    round();
    let before = mik.memory();
    round();
    let grown = mik.memory().saturating_sub(before);
    cases.check("memory after the same again", grown < 1_024, format!("grew by {grown} KiB"));
    cases.finish();
}

/// Sends a head, then a body in pieces from another thread for as long as the server takes it; reads
/// all that comes.
fn upload(mik: &Mik, head: &[u8], piece: &[u8], pieces: usize) -> Received {
    let mut raw = mik.connect();
    let _ = raw.send(head);
    let mut writer = raw.writer();
    let piece = piece.to_vec();
    let sender = thread::spawn(move || (0..pieces).try_for_each(|_| writer.write_all(&piece)));
    let received = raw.collect();
    let _ = sender.join();
    received
}

#[test]
fn row_17_bodies_past_the_limit() {
    let mut cases = Cases::of("row 17");
    let too_large = |received: &Received| -> Outcome {
        refused(received, &[413])?;
        failed_with(&received.answers[0], 413, "body")
    };
    let ran = "/run/flood/?bytes=0&text=too%2Dlarge%2Dran";
    for (name, pieces) in
        [("declared, nothing sent", 0), ("declared, 512 KiB sent", 8), ("declared, all sent", 176)]
    {
        let head = request("POST", ran, &[("content-length", "11534336")], b"");
        MIK.case(&mut cases, name, || {
            let received = upload(&MIK, &head, &[b'x'; 65_536], pieces);
            let outcome = too_large(&received).and_then(|()| nothing_ran("too-large-ran"));
            told_with(outcome, &head, &received)
        });
    }
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 65_536], b"\r\n"].concat();
    for target in ["/run/inspect/", "/run/echo/"] {
        MIK.case(&mut cases, &format!("chunked to {target}"), || {
            let head = request("POST", target, &[("transfer-encoding", "chunked")], b"");
            let received = upload(&MIK, &head, &chunk, 200);
            let outcome = match received.answers.as_slice() {
                [answer] if target == "/run/echo/" && answer.status() == 200 => {
                    if answer.is_whole() { Err("a clean end".to_owned()) } else { Ok(()) }
                }
                _ => too_large(&received),
            };
            told_with(outcome, &head, &received)
        });
    }
    MIK.case(&mut cases, "just within", || {
        let body = vec![b'x'; 10 * 1024 * 1024];
        let answer = MIK.post("/run/inspect/", &body).map_err(|stop| stop.to_string())?;
        if answer.json()["body_bytes"] == body.len() { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn row_18_promised_and_never_sent() {
    let mut cases = Cases::of("row 18");
    let head = request("POST", "/run/inspect/", &[("content-length", "999999999")], b"");
    exchange(&MIK, &mut cases, "by the limit", &head, |received| refused(received, &[413]));
    let raised = "[server.limits]\nbody_bytes = \"1GiB\"\nbody_time = \"1s\"\n";
    let mik = Mik::run(&["hello", "inspect"], raised);
    mik.case(&mut cases, "under a raised limit", || {
        mik.text("/run/inspect/");
        let before = mik.memory();
        let started = Instant::now();
        let mut raw = mik.connect();
        let _ = raw.send(&head);
        thread::sleep(Duration::from_millis(500));
        let grown = mik.memory().saturating_sub(before);
        if grown > 32 * 1024 {
            return Err(format!("memory grew by {grown} KiB for a body that never came"));
        }
        let received = raw.collect();
        told_with(refused_or_closed(&received, &[408]), &head, &received)?;
        let took = started.elapsed();
        if took < Duration::from_secs(10) { Ok(()) } else { Err(format!("closed after {took:?}")) }
    });
    cases.finish();
}
