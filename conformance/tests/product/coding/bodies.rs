//! Row 19, and the limits of request bodies.

use std::io::Write;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use mik_conformance::{Cases, Mik, Outcome, Received, failed_with, refused, request, told_with};

static INFLATING: LazyLock<Mik> = LazyLock::new(|| {
    let config =
        "[middleware.compression]\ninflate = true\n[modules.hello.compression]\ninflate = false\n";
    Mik::run(&["hello", "echo", "inspect"], config)
});

static LIMITED: LazyLock<Mik> = LazyLock::new(|| {
    let config = "[middleware]\nbody-limit = \"10kB\"\n[middleware.compression]\ninflate = true\n\
                  [modules.echo]\nbody-limit = \"20kB\"\n";
    Mik::run(&["hello", "echo", "inspect", "flood"], config)
});

/// Zeros that take a thousandth of their size: pieces of one MiB that stand each for itself.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let mut piece = Vec::with_capacity(1 << 16);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&zeros, &mut piece, FlushCompress::Full).expect("there is room");
    let mut crc_of_one = Crc::new();
    crc_of_one.update(&zeros);
    let mut crc = Crc::new();
    (0..mebibytes).for_each(|_| crc.combine(&crc_of_one));
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    bomb.extend(piece.repeat(mebibytes));
    bomb.extend([3, 0]);
    bomb.extend(crc.sum().to_le_bytes());
    bomb.extend(crc.amount().to_le_bytes());
    bomb
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("a vector takes all")
}

/// A request in this coding, of known length or in chunks of a KiB.
fn post(target: &str, coding: &str, body: &[u8], is_chunked: bool) -> Vec<u8> {
    let mut fields = vec![("connection", "close")];
    if !coding.is_empty() {
        fields.push(("content-encoding", coding));
    }
    if !is_chunked {
        return request("POST", target, &fields, body);
    }
    fields.push(("transfer-encoding", "chunked"));
    let mut sent = request("POST", target, &fields, b"");
    for chunk in body.chunks(1_024) {
        sent.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        sent.extend_from_slice(chunk);
        sent.extend(b"\r\n");
    }
    sent.extend(b"0\r\n\r\n");
    sent
}

/// Sends while it reads: the answer may come before all is sent.
fn exchange(
    mik: &Mik,
    cases: &mut Cases,
    name: &str,
    sent: &[u8],
    judge: impl FnOnce(&Received) -> Outcome,
) {
    mik.case(cases, name, || {
        let mut raw = mik.connect();
        let mut writer = raw.writer();
        let bytes = sent.to_vec();
        let sender = thread::spawn(move || writer.write_all(&bytes));
        let received = raw.collect();
        let _ = sender.join();
        told_with(judge(&received), sent, &received)
    });
}

fn fails(received: &Received, status: u16, kind: &str) -> Outcome {
    refused(received, &[status])?;
    failed_with(&received.answers[0], status, kind)
}

/// The same, unless the head was out before: then its body breaks off.
fn fails_or_breaks(received: &Received, status: u16, kind: &str) -> Outcome {
    match received.answers.as_slice() {
        [answer] if answer.status() == 200 && !answer.is_whole() => Ok(()),
        _ => fails(received, status, kind),
    }
}

fn inspected(received: &Received, bytes: usize) -> Outcome {
    match received.answers.as_slice() {
        [answer] if answer.status() == 200 => {
            let report = answer.json();
            let is_it = report["body_bytes"] == bytes && report["body_error"].is_null();
            if is_it { Ok(()) } else { Err(report.to_string()) }
        }
        _ => Err("expected one answer with 200".to_owned()),
    }
}

#[test]
fn row_19_bombs() {
    let mut cases = Cases::of("row 19");
    let mik = &*INFLATING;
    for (name, bomb) in [("10 KiB to 10 MiB", bomb(10)), ("1 MiB to 1 GiB", bomb(1_024))] {
        for is_chunked in [false, true] {
            let name = if is_chunked { format!("{name}, chunked") } else { name.to_owned() };
            let sent = post("/run/inspect/", "gzip", &bomb, is_chunked);
            exchange(mik, &mut cases, &name, &sent, |received| fails(received, 413, "body"));
            let sent = post("/run/echo/", "gzip", &bomb, is_chunked);
            exchange(mik, &mut cases, &format!("{name}, echoed"), &sent, |received| {
                fails_or_breaks(received, 413, "body")
            });
        }
    }
    // What one costs, once everything has been paged in.
    let sent = post("/run/inspect/", "gzip", &bomb(1_024), false);
    let (memory, cpu) = (mik.memory(), mik.cpu());
    exchange(mik, &mut cases, "its cost", &sent, |received| fails(received, 413, "body"));
    let (grown, spent) = (mik.memory().saturating_sub(memory), mik.cpu() - cpu);
    cases.check("CPU", spent < Duration::from_secs(2), format!("{spent:?}"));
    cases.check("memory", grown < 10 * 1_024, format!("{grown} KiB"));
    cases.finish();
}

#[test]
fn row_19_codings() {
    let mut cases = Cases::of("row 19");
    for coding in ["deflate", "br", "zstd", "gzip, gzip", "compress", "gzip;q=1", "\u{e9}"] {
        let sent = post("/run/inspect/", coding, b"no matter what", false);
        exchange(&INFLATING, &mut cases, coding, &sent, |received| {
            fails(received, 415, "coding")?;
            match received.answers[0].field("accept-encoding") {
                Some("gzip") => Ok(()),
                other => Err(format!("accept-encoding: {other:?}")),
            }
        });
    }
    let whole = gzip(&b"some text, again and again".repeat(1_000));
    let mut corrupt = whole.clone();
    *corrupt.last_mut().expect("it has bytes") ^= 1;
    for (name, body) in [
        ("truncated", &whole[..whole.len() - 1]),
        ("another checksum", &corrupt),
        ("a request behind it", &[whole.as_slice(), b"GET / HTTP/1.1\r\n\r\n"].concat()),
        ("no gzip", b"some text"),
    ] {
        for is_chunked in [false, true] {
            let sent = post("/run/inspect/", "gzip", body, is_chunked);
            exchange(&INFLATING, &mut cases, name, &sent, |received| {
                fails(received, 400, "malformed")
            });
            let sent = post("/run/echo/", "gzip", body, is_chunked);
            exchange(&INFLATING, &mut cases, name, &sent, |received| {
                fails_or_breaks(received, 400, "malformed")
            });
        }
    }
    cases.finish();
}

#[test]
fn request_bodies_are_inflated() {
    let mut cases = Cases::of("inflated bodies");
    let text: Vec<u8> = (0..20_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    for coding in ["gzip", "x-gzip", "GZIP"] {
        for is_chunked in [false, true] {
            let name = format!("{coding}, {is_chunked}");
            let sent = post("/run/echo/", coding, &gzip(&text), is_chunked);
            exchange(&INFLATING, &mut cases, &name, &sent, |received| {
                match received.answers.as_slice() {
                    [answer] if answer.is_whole() && answer.body == text => Ok(()),
                    _ => Err("not what was sent".to_owned()),
                }
            });
            let sent = post("/run/inspect/", coding, &gzip(&text), is_chunked);
            exchange(&INFLATING, &mut cases, &name, &sent, |received| {
                inspected(received, text.len())?;
                let headers = received.answers[0].json()["headers"].to_string();
                match headers.contains("content-encoding") || headers.contains("content-length") {
                    true => Err(headers),
                    false => Ok(()),
                }
            });
        }
    }
    cases.finish();
}

#[test]
fn unless_it_is_on_they_pass_as_they_are() {
    let mik = Mik::run(&["hello", "inspect"], "");
    let mut cases = Cases::of("bodies that are not inflated");
    let packed = gzip(b"some text");
    for coding in ["gzip", "deflate", "gzip, gzip"] {
        let sent = post("/run/inspect/", coding, &packed, false);
        exchange(&mik, &mut cases, coding, &sent, |received| {
            inspected(received, packed.len())?;
            let headers = received.answers[0].json()["headers"].to_string();
            let expected = format!("[\"content-encoding\",\"{coding}\"]");
            if headers.contains(&expected) { Ok(()) } else { Err(headers) }
        });
    }
    cases.finish();
}

#[test]
fn a_smaller_limit_holds_before_the_guest_runs() {
    let mut cases = Cases::of("body-limit");
    let ran = "/run/flood/?bytes=0&text=past%2Dthe%2Dlimit";
    let sent = post(ran, "", &[b'x'; 10_001], false);
    exchange(&LIMITED, &mut cases, "declared", &sent, |received| {
        fails(received, 413, "body")?;
        if LIMITED.log().has("past-the-limit") { Err("the guest ran".to_owned()) } else { Ok(()) }
    });
    let expecting = request(
        "POST",
        ran,
        &[("content-length", "10001"), ("expect", "100-continue"), ("connection", "close")],
        b"",
    );
    exchange(&LIMITED, &mut cases, "asked for", &expecting, |received| {
        fails(received, 413, "body")?;
        let interim = &received.answers[0].head.interim;
        if interim.is_empty() { Ok(()) } else { Err(format!("{interim:?} before")) }
    });
    cases.finish();
}

#[test]
fn a_smaller_limit_holds_for_chunks_and_for_what_is_inflated() {
    let mut cases = Cases::of("body-limit");
    for (name, coding, is_chunked) in
        [("known", "", false), ("chunked", "", true), ("gzip", "gzip", false)]
    {
        let sent = |target: &str, bytes: usize| {
            let plain = vec![b'x'; bytes];
            let body = if coding.is_empty() { plain } else { gzip(&plain) };
            post(target, coding, &body, is_chunked)
        };
        exchange(
            &LIMITED,
            &mut cases,
            &format!("{name}, within"),
            &sent("/run/inspect/", 10_000),
            |received| inspected(received, 10_000),
        );
        exchange(
            &LIMITED,
            &mut cases,
            &format!("{name}, past"),
            &sent("/run/inspect/", 10_001),
            |received| fails(received, 413, "body"),
        );
        exchange(
            &LIMITED,
            &mut cases,
            &format!("{name}, its own"),
            &sent("/run/echo/", 20_000),
            |received| match received.answers.as_slice() {
                [answer] if answer.status() == 200 && answer.body.len() == 20_000 => Ok(()),
                _ => Err("expected all of it".to_owned()),
            },
        );
        exchange(
            &LIMITED,
            &mut cases,
            &format!("{name}, past its own"),
            &sent("/run/echo/", 20_001),
            |received| fails_or_breaks(received, 413, "body"),
        );
    }
    cases.finish();
}

#[test]
fn what_is_refused_is_counted() {
    let config = "[middleware]\nbody-limit = \"10kB\"\n[middleware.compression]\ninflate = true\n";
    let mik = Mik::run(&["hello", "inspect"], config);
    let mut cases = Cases::of("metrics of request bodies");
    let zeros = gzip(&vec![0; 1 << 20]);
    for (coding, body) in [("", vec![b'x'; 10_001]), ("br", vec![b'x']), ("gzip", vec![b'x'])] {
        let sent = post("/run/inspect/", coding, &body, false);
        exchange(&mik, &mut cases, coding, &sent, |_| Ok(()));
    }
    exchange(
        &mik,
        &mut cases,
        "zeros",
        &post("/run/inspect/", "gzip", &zeros, false),
        |received| fails(received, 413, "body"),
    );
    cases.finish();
    let page = mik.text("/metrics");
    let count = |name: &str, reason: &str| {
        let is_it = |line: &&str| {
            line.starts_with(name)
                && line.contains("mik_module=\"inspect\"")
                && line.contains(reason)
        };
        page.lines().find(is_it).and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    for (name, reason, expected) in [
        ("mik_inflate_refused_total", "mik_reason=\"coding\"", Some(1.0)),
        ("mik_inflate_refused_total", "mik_reason=\"corrupt\"", Some(1.0)),
        // The smaller limit came first.
        ("mik_inflate_refused_total", "mik_reason=\"size\"", None),
        ("mik_body_limit_refused_total", "", Some(2.0)),
    ] {
        assert_eq!(count(name, reason), expected, "{name} {reason}\n{page}");
    }
}
