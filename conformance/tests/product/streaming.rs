//! Bodies that pass as they come, in both directions.

use std::io::Write;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::{Cases, Mik, Stop, closed, request};

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    Mik::run(&["hello", "echo", "inspect", "stream", "sse", "fields", "half"], "")
});

const BOUND: Duration = Duration::from_secs(10);

#[test]
fn an_echo_answers_while_its_request_is_still_open() {
    let mut cases = Cases::of("both ways at once");
    MIK.case(&mut cases, "chunk by chunk", || {
        let mut raw = MIK.connect();
        let fields = [("transfer-encoding", "chunked"), ("content-type", "text/x-echo")];
        raw.send(request("POST", "/run/echo/", &fields, b"")).map_err(|error| error.to_string())?;
        let mut head = None;
        for text in ["one", "two", "three"] {
            raw.send_chunk(text.as_bytes()).map_err(|error| error.to_string())?;
            let head = match &mut head {
                Some(head) => head,
                none => none.insert(
                    raw.head("POST").map_err(|stop| format!("no head after {text}: {stop}"))?,
                ),
            };
            let mut back = Vec::new();
            while back.len() < text.len() {
                let piece = raw.piece(head).map_err(|stop| format!("{stop} instead of {text}"))?;
                back.extend(piece.ok_or("the body ended early")?);
            }
            if back != text.as_bytes() {
                return Err(format!("{:?} instead of {text}", String::from_utf8_lossy(&back)));
            }
        }
        raw.send_chunk(b"").map_err(|error| error.to_string())?;
        let mut head = head.ok_or("no head")?;
        let end = raw.piece(&mut head).map_err(|stop| format!("no end: {stop}"))?;
        let kind = head.fields.value("content-type").map(ToOwned::to_owned);
        if end.is_some() || kind.as_deref() != Some("text/x-echo") {
            return Err(format!("end {end:?}, content-type {kind:?}"));
        }
        // The connection is as good as before.
        raw.get("/run/hello/").map(|_| ()).map_err(|stop| stop.to_string())
    });
    cases.finish();
}

#[test]
fn bodies_of_all_sizes_come_back_unchanged() {
    let mut cases = Cases::of("echo");
    for size in [0, 1, 4_095, 4_096, 4_097, 65_536, 1_000_003, 9_000_000] {
        let body: Vec<u8> = (0..=255).rev().cycle().take(size).collect();
        MIK.case(&mut cases, &format!("{size} bytes with a length"), || {
            let answer = MIK.post("/run/echo/", &body).map_err(|stop| stop.to_string())?;
            if answer.body == body && answer.is_whole() { Ok(()) } else { Err(answer.to_string()) }
        });
        MIK.case(&mut cases, &format!("{size} bytes in chunks"), || {
            let mut raw = MIK.connect();
            let _ =
                raw.send(request("POST", "/run/echo/", &[("transfer-encoding", "chunked")], b""));
            let mut writer = raw.writer();
            let chunks = body.clone();
            let sender = thread::spawn(move || {
                for chunk in chunks.chunks(10_000) {
                    let line = format!("{:x}\r\n", chunk.len());
                    writer.write_all(&[line.as_bytes(), chunk, b"\r\n"].concat())?;
                }
                writer.write_all(b"0\r\n\r\n")
            });
            let answer = raw.response().map_err(|stop| stop.to_string())?;
            sender.join().map_err(|_| "the sender panicked")?.map_err(|error| error.to_string())?;
            if answer.body == body && answer.is_whole() { Ok(()) } else { Err(answer.to_string()) }
        });
    }
    MIK.case(&mut cases, "many chunks, every byte in its place", || {
        let answer =
            MIK.get("/run/stream/?chunks=100&size=1000").map_err(|stop| stop.to_string())?;
        let right = |(at, byte): (usize, &u8)| usize::from(byte - b'a') == at / 1_000 % 26;
        let whole = answer.body.len() == 100_000 && answer.body.iter().enumerate().all(right);
        if whole && answer.is_whole() { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn an_old_client_gets_no_chunks() {
    let mut cases = Cases::of("HTTP/1.0");
    for target in
        ["/run/stream/?chunks=3&size=10&delay_ms=50", "/run/stream/?chunks=3&size=10&length=1"]
    {
        MIK.case(&mut cases, target, || {
            let mut raw = MIK.connect();
            let _ = raw.send(format!("GET {target} HTTP/1.0\r\nhost: h\r\n\r\n"));
            let received = raw.collect();
            let outcome = match received.answers.as_slice() {
                [answer] if answer.field("transfer-encoding").is_some() => Err("chunks".to_owned()),
                [answer] if answer.is_whole() && answer.body.len() == 30 => closed(&received),
                _ => Err("expected 30 bytes, then close".to_owned()),
            };
            outcome.map_err(|failure| format!("{failure}; received {received}"))
        });
    }
    MIK.case(&mut cases, "a body that breaks off is no clean end", || {
        let mut raw = MIK.connect();
        let _ = raw.send("GET /run/half/?pause_ms=100 HTTP/1.0\r\nhost: h\r\n\r\n");
        let received = raw.collect();
        match received.end {
            Stop::Reset => Ok(()),
            _ => Err(format!("only a reset tells such a client; received {received}")),
        }
    });
    cases.finish();
}

#[test]
fn many_at_once_each_get_their_own() {
    const CLIENTS: usize = 32;
    let reusing = Mik::run(&["hello", "echo"], "[engine]\nreuse = 1000\n");
    let mut cases = Cases::of("many at once");
    for (name, mik) in [("fresh instances", &*MIK), ("instances that are used again", &reusing)] {
        mik.case(&mut cases, name, || {
            let wrong: Vec<String> = thread::scope(|scope| {
                let client = |number: usize| {
                    let mut raw = mik.connect();
                    (0..10).find_map(|round| {
                        let body = format!("{number}.{round};").repeat(1 + 700 * (round % 3));
                        match raw.request("POST", "/run/echo/", &[], body.as_bytes()) {
                            Ok(answer) if answer.text() == body && answer.is_whole() => None,
                            other => {
                                Some(format!("{number}.{round}: {}", mik_conformance::told(&other)))
                            }
                        }
                    })
                };
                let clients: Vec<_> =
                    (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
                clients
                    .into_iter()
                    .filter_map(|client| client.join().expect("a client does not panic"))
                    .collect()
            });
            if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
        });
    }
    cases.finish();
}

#[test]
fn trailers_pass_in_and_out() {
    let mut cases = Cases::of("trailers");
    let body = "5\r\nhello\r\n0\r\nx-sum: 5\r\nX-More: yes\r\n\r\n";
    let head = |target: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nhost: h\r\nte: trailers\r\ntrailer: x-sum, x-more\r\n\
             transfer-encoding: chunked\r\n\r\n{body}"
        )
    };
    MIK.case(&mut cases, "in", || {
        let mut raw = MIK.connect();
        let _ = raw.send(head("/run/inspect/"));
        let report = raw.response().map_err(|stop| stop.to_string())?.json();
        let expected = serde_json::json!([["x-sum", "5"], ["x-more", "yes"]]);
        if report["trailers"] == expected && report["body_bytes"] == 5 {
            Ok(())
        } else {
            Err(report.to_string())
        }
    });
    MIK.case(&mut cases, "in and out", || {
        let mut raw = MIK.connect();
        let _ = raw.send(head("/run/echo/"));
        let answer = raw.response().map_err(|stop| stop.to_string())?;
        let sums: Vec<_> =
            answer.trailers.values("x-sum").chain(answer.trailers.values("x-more")).collect();
        if answer.text() == "hello" && sums == ["5", "yes"] {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    });
    MIK.case(&mut cases, "out", || {
        let mut raw = MIK.connect();
        let answer = raw.request("GET", "/run/fields/?trailer=ok", &[("te", "trailers")], b"");
        let answer = answer.map_err(|stop| stop.to_string())?;
        if answer.trailers.value("x-trailer") == Some("1") {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    });
    MIK.case(&mut cases, "forbidden ones stay outside", || {
        let mut raw = MIK.connect();
        let _ = raw.send(
            "POST /run/inspect/ HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n\
             5\r\nhello\r\n0\r\nhost: evil\r\ncontent-length: 9\r\ntransfer-encoding: gzip\r\n\r\n",
        );
        let answer = raw.response().map_err(|stop| stop.to_string())?;
        let report = answer.json();
        let none = report["trailers"].as_array().is_some_and(Vec::is_empty)
            || !report["body_error"].is_null();
        if none || answer.status() == 400 { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn events_arrive_one_by_one() {
    let mut cases = Cases::of("server-sent events");
    MIK.case(&mut cases, "five, 300 ms apart", || {
        let mut raw = MIK.connect();
        let _ = raw.send(request(
            "GET",
            "/run/sse/?events=5&ms=300",
            &[("accept", "text/event-stream")],
            b"",
        ));
        let mut head = raw.patience(BOUND).head("GET").map_err(|stop| stop.to_string())?;
        if head.fields.value("content-type") != Some("text/event-stream") {
            return Err(format!("{:?}", head.fields));
        }
        let mut arrivals = Vec::new();
        let mut text = String::new();
        while let Some(piece) = raw.piece(&mut head).map_err(|stop| stop.to_string())? {
            text += &String::from_utf8_lossy(&piece);
            arrivals.push(Instant::now());
        }
        if text != "data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n" {
            return Err(text);
        }
        // Kept back until the end, they would all arrive together.
        let spread = arrivals.last().zip(arrivals.first()).map(|(last, first)| *last - *first);
        match spread {
            Some(spread) if spread > Duration::from_millis(900) && arrivals.len() >= 5 => Ok(()),
            _ => Err(format!("{} pieces within {spread:?}", arrivals.len())),
        }
    });
    cases.finish();
}

#[test]
fn a_guest_may_finish_its_work_after_its_answer() {
    let mut cases = Cases::of("work after the answer");
    MIK.case(&mut cases, "a tail of 500 ms", || {
        let answer = MIK.get("/run/half/?how=tail&ms=500").map_err(|stop| stop.to_string())?;
        if answer.text() != "hhhhhhhhhh" || !answer.is_whole() {
            return Err(answer.to_string());
        }
        MIK.log().wait(BOUND, &["tail done"]).map(|_| ()).ok_or_else(|| "it was cut".to_owned())
    });
    cases.finish();
}

#[test]
fn a_hundred_mebibytes_pass_in_and_out_in_little_memory() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 1_600;
    let raised = "[server.limits]\nbody_bytes = \"200MiB\"\nbody_time = \"10m\"\n\
                  [modules.echo]\ncpu = \"10m\"\n";
    let mik = Mik::run(&["hello", "echo"], raised);
    let mut cases = Cases::of("100 MiB through echo");
    mik.case(&mut cases, "byte for byte", || {
        let mut raw = mik.connect();
        let length = (PIECE * PIECES).to_string();
        let _ = raw.send(request("POST", "/run/echo/", &[("content-length", &length)], b""));
        let mut writer = raw.writer();
        let sender = thread::spawn(move || {
            (0..PIECES).try_for_each(|index| writer.write_all(&[index as u8; PIECE]))
        });
        let mut head =
            raw.patience(Duration::from_secs(60)).head("POST").map_err(|stop| stop.to_string())?;
        let mut read = 0;
        while let Some(piece) =
            raw.piece(&mut head).map_err(|stop| format!("{stop} after {read} bytes"))?
        {
            let wrong =
                piece.iter().enumerate().find(|(at, byte)| **byte != ((read + at) / PIECE) as u8);
            if let Some((at, byte)) = wrong {
                return Err(format!("the byte {} is {byte}", read + at));
            }
            read += piece.len();
        }
        sender.join().map_err(|_| "the sender panicked")?.map_err(|error| error.to_string())?;
        if read == PIECE * PIECES { Ok(()) } else { Err(format!("{read} bytes came back")) }
    });
    let peak = mik.peak_memory() / 1_024;
    eprintln!("100 MiB through echo: VmHWM {peak} MiB");
    if !cfg!(debug_assertions) {
        cases.check("VmHWM under 120 MiB", peak < 120, format!("{peak} MiB"));
    }
    cases.finish();
}
