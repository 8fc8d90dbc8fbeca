//! Rows 1 to 9: framing, and whom a request is for. Rows 10 to 18 stand in the second half, `sizes`.

mod sizes;

use std::sync::LazyLock;

use mik_conformance::{
    Cases, Mik, Outcome, Received, Stop, answered, closed, refused, refused_or_closed,
};

use crate::exchange;

static MIK: LazyLock<Mik> = LazyLock::new(|| Mik::run(&["hello", "echo", "inspect", "flood"], ""));

/// A request that must never be answered: the guest would write `smuggled` into the log. The escape
/// keeps a line about the request from looking like one of the guest.
const SMUGGLED: &str = "GET /run/flood/?bytes=0&text=smug%67led HTTP/1.1\r\nhost: h\r\n\r\n";

/// No guest wrote that text.
fn nothing_ran(text: &str) -> Outcome {
    if MIK.log().has(text) { Err(format!("a guest ran: the log has {text:?}")) } else { Ok(()) }
}

fn posted(fields: &str, body: &str) -> Vec<u8> {
    format!("POST /run/echo/ HTTP/1.1\r\nhost: h\r\n{fields}\r\n{body}").into_bytes()
}

#[test]
fn row_01_two_framings() {
    let mut cases = Cases::of("row 1");
    for (name, fields) in [
        ("length first", "content-length: 6\r\ntransfer-encoding: chunked\r\n"),
        ("coding first", "transfer-encoding: chunked\r\ncontent-length: 6\r\n"),
        ("length of nothing", "content-length: 0\r\ntransfer-encoding: chunked\r\n"),
        (
            "coding twice",
            "transfer-encoding: chunked\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n",
        ),
    ] {
        let sent = posted(fields, &format!("0\r\n\r\n{SMUGGLED}"));
        exchange(&MIK, &mut cases, name, &sent, |received| {
            let framed_by_coding = answered(received, 200).and_then(|()| closed(received));
            framed_by_coding.or_else(|_| refused(received, &[400]))?;
            nothing_ran("smuggled")
        });
    }
    cases.finish();
}

#[test]
fn row_02_two_lengths() {
    let mut cases = Cases::of("row 2");
    for (name, fields) in [
        ("5 and 6", "content-length: 5\r\ncontent-length: 6\r\n"),
        ("6 and 5", "content-length: 6\r\ncontent-length: 5\r\n"),
        ("a list", "content-length: 5, 6\r\n"),
        ("a list of equals", "content-length: 5, 5\r\n"),
    ] {
        let sent = posted(fields, &format!("hello{SMUGGLED}"));
        exchange(&MIK, &mut cases, name, &sent, |received| {
            refused(received, &[400])?;
            nothing_ran("smuggled")
        });
    }
    cases.finish();
}

#[test]
fn row_03_lengths_that_are_no_numbers() {
    let mut cases = Cases::of("row 3");
    for length in
        ["+5", "-1", "0x5", "1_0", "1 0", "", "99999999999999999999", "18446744073709551616"]
    {
        let sent = posted(&format!("content-length: {length}\r\n"), "hello");
        exchange(&MIK, &mut cases, length, &sent, |received| refused(received, &[400]));
    }
    cases.finish();
}

#[test]
fn row_04_transfer_encodings() {
    let mut cases = Cases::of("row 4");
    for coding in
        ["xchunked", "identity", "chunked, gzip", "gzip", "", "chunked\r\ntransfer-encoding: gzip"]
    {
        let sent =
            posted(&format!("transfer-encoding: {coding}\r\n"), &format!("0\r\n\r\n{SMUGGLED}"));
        exchange(&MIK, &mut cases, coding, &sent, |received| {
            refused(received, &[400, 501])?;
            nothing_ran("smuggled")
        });
    }
    let body = format!("0\r\n\r\n{SMUGGLED}");
    let sent =
        format!("POST /run/echo/ HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{body}");
    exchange(&MIK, &mut cases, "HTTP/1.0", sent.as_bytes(), |received| {
        refused(received, &[400, 501])?;
        nothing_ran("smuggled")
    });
    cases.finish();
}

#[test]
fn row_05_malformed_fields() {
    let mut cases = Cases::of("row 5");
    for (name, field) in [
        ("a space before the colon", "x-a : 1"),
        ("a tab before the colon", "x-a\t: 1"),
        ("obs-fold", "x-a: 1\r\n 2"),
        ("NUL in a value", "x-a: 1\x002"),
        ("a bare CR in a value", "x-a: 1\r2"),
        ("a bracket in a name", "x[a]: 1"),
        ("no colon", "x-a"),
        ("no name", ": 1"),
        ("a space before the first field", " x-a: 1"),
    ] {
        let sent = format!("GET /run/hello/ HTTP/1.1\r\n{field}\r\nhost: h\r\n\r\n");
        exchange(&MIK, &mut cases, name, sent.as_bytes(), |received| refused(received, &[400]));
    }
    cases.finish();
}

/// What a guest that reads a broken body to its end must make of it: it is refused, or the connection
/// ends, or the guest itself answers that it read an error. Never a clean end.
fn broken_body(received: &Received, statuses: &[u16]) -> Outcome {
    let by_guest = |answer: &mik_conformance::Response| answer.status() == 200 && answer.is_whole();
    match received.answers.as_slice() {
        [answer] if by_guest(answer) => {
            if answer.json()["body_error"].is_null() {
                return Err("the guest read a clean end".to_owned());
            }
            closed(received)
        }
        [answer] if !answer.is_whole() => closed(received),
        _ => refused_or_closed(received, statuses),
    }
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let head = b"POST /run/inspect/ HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    [head, body].concat()
}

#[test]
fn row_06_chunk_sizes() {
    let mut cases = Cases::of("row 6");
    for (name, body) in [
        ("0x5", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("+5", "+5\r\nhello\r\n0\r\n\r\n"),
        ("-1", "-1\r\nhello\r\n0\r\n\r\n"),
        ("1_0", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
        ("too large a number", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("no number", "\r\nhello\r\n0\r\n\r\n"),
        ("a chunk longer than declared", "3\r\nhello\r\n0\r\n\r\n"),
        ("a bare LF", "5\nhello\n0\n\n"),
        ("a bad size after a good chunk", "5\r\nhello\r\nxyz\r\n"),
    ] {
        let sent = chunked(body.as_bytes());
        exchange(&MIK, &mut cases, name, &sent, |received| broken_body(received, &[400]));
    }
    for (name, body) in [
        ("cut in a chunk", "5\r\nhel"),
        ("cut in a size", "5"),
        ("no last chunk", "5\r\nhello\r\n"),
    ] {
        MIK.case(&mut cases, name, || {
            let mut raw = MIK.connect();
            let _ = raw.send(chunked(body.as_bytes()));
            raw.finish_sending();
            let received = raw.collect();
            broken_body(&received, &[400])
                .map_err(|failure| format!("{failure}; received {received}"))
        });
    }
    cases.finish();
}

#[test]
fn row_07_extensions_and_trailers() {
    let long = "x".repeat(17 * 1024);
    let each = format!("1;e={}\r\na\r\n", "x".repeat(1_020));
    let mut cases = Cases::of("row 7");
    for (name, body) in [
        ("an extension past 16 KiB", format!("5;{long}\r\nhello\r\n0\r\n\r\n")),
        ("a trailer past 16 KiB", format!("5\r\nhello\r\n0\r\nx-t: {long}\r\n\r\n")),
        ("trailers past 16 KiB", format!("0\r\n{}\r\n", "x-t: 12345678\r\n".repeat(1_200))),
        ("1 MiB of extensions in all", format!("{}0\r\n\r\n", each.repeat(1_024))),
    ] {
        let sent = chunked(body.as_bytes());
        exchange(&MIK, &mut cases, name, &sent, |received| broken_body(received, &[400, 413, 431]));
    }
    cases.finish();
}

#[test]
fn row_08_hosts() {
    let mut cases = Cases::of("row 8");
    for (name, hosts) in [
        ("none", ""),
        ("two", "host: a\r\nhost: b\r\n"),
        ("two equal", "host: a\r\nhost: a\r\n"),
        ("empty", "host:\r\n"),
        ("user information", "host: u@h\r\n"),
        ("a path", "host: h/p\r\n"),
        ("a port that is none", "host: h:x\r\n"),
        ("a list", "host: a, b\r\n"),
    ] {
        let sent = format!("GET /run/hello/ HTTP/1.1\r\n{hosts}\r\n");
        exchange(&MIK, &mut cases, name, sent.as_bytes(), |received| refused(received, &[400]));
    }
    for (name, host) in [("HTTP/1.0 without", ""), ("HTTP/1.0 with", "host: other.example\r\n")] {
        let sent = format!("GET /run/inspect/ HTTP/1.0\r\n{host}\r\n");
        exchange(&MIK, &mut cases, name, sent.as_bytes(), |received| {
            answered(received, 200)?;
            let here = MIK.address().to_string();
            let expected = if host.is_empty() { here.as_str() } else { "other.example" };
            let authority = &received.answers[0].json()["authority"];
            if authority != expected {
                return Err(format!("the guest sees the authority {authority}, not {expected}"));
            }
            closed(received)
        });
    }
    cases.finish();
}

#[test]
fn row_09_absolute_targets() {
    let mut cases = Cases::of("row 9");
    MIK.case(&mut cases, "another host", || {
        let mut raw = MIK.connect();
        let _ = raw.send(
            "GET http://target.example/run/inspect/a?b HTTP/1.1\r\nhost: field.example\r\n\r\n",
        );
        let answer = raw.response().map_err(|stop: Stop| stop.to_string())?;
        if answer.status() == 400 {
            return Ok(());
        }
        let report = answer.json();
        let one_only = report["authority"] == "target.example"
            && !report.to_string().contains("field.example");
        if !one_only || report["path_with_query"] != "/a?b" {
            return Err(format!("the guest sees {report}"));
        }
        Ok(())
    });
    for (name, target) in [
        ("user information", "http://u@h/run/hello/"),
        ("another scheme", "ftp://h/run/hello/"),
        ("no host", "http:///run/hello/"),
    ] {
        let sent = format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n");
        exchange(&MIK, &mut cases, name, sent.as_bytes(), |received| refused(received, &[400]));
    }
    cases.finish();
}
