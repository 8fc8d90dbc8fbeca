//! What a handler answers.

use std::time::Duration;

use mik_conformance::{Cases, Mik, closed, request, same};

use super::{MIK, get, says};

#[test]
fn content_of_any_size_is_sent() {
    let mut cases = Cases::of("content of responses");
    for size in [0, 1, 4_097, 65_537, 3_000_000] {
        for kind in ["bytes", "stream"] {
            MIK.case(&mut cases, &format!("{size} as {kind}"), || {
                let answer = get(&format!("/run/sdk/{kind}/{size}"))?;
                let length = answer.field("content-length").map(ToOwned::to_owned);
                if kind == "bytes" {
                    same("content-length", length, Some(size.to_string()))?;
                }
                same("status", answer.status(), 200)?;
                let is_same =
                    answer.body.len() == size && answer.body.iter().all(|byte| *byte == b'x');
                if is_same { Ok(()) } else { Err(answer.to_string()) }
            });
        }
    }
    MIK.case(&mut cases, "one that fails breaks off", || {
        let mut raw = MIK.connect();
        let _ = raw.send(request("GET", "/run/sdk/broken", &[], b""));
        let received = raw.collect();
        match received.answers.as_slice() {
            [answer] if answer.status() == 200 && !answer.is_whole() => closed(&received),
            // Where the head had not left yet, this says more.
            [answer] if answer.status() == 500 => Ok(()),
            _ => Err(format!("expected a response that breaks off, got {received}")),
        }
    });
    MIK.case(&mut cases, "events", || {
        let answer = get("/run/sdk/events")?;
        same("content-type", answer.field("content-type"), Some("text/event-stream"))?;
        let events: String = (0..3)
            .map(|n| format!("data: tick {n}\ndata: of 3\nevent: tick\nid: {n}\n\n"))
            .collect();
        same("events", answer.text(), events)
    });
    cases.finish();
}

#[test]
fn heads_are_what_the_handler_says_as_far_as_http_allows() {
    let mut cases = Cases::of("heads of responses");
    MIK.case(&mut cases, "cookies", || {
        let answer = get("/run/sdk/cookies")?;
        same("status", answer.status(), 204)?;
        let cookies: Vec<_> = answer.head.fields.values("set-cookie").collect();
        same(
            "cookies",
            cookies,
            vec![
                "session=abc; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax",
                "old=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax",
            ],
        )?;
        same("vary", answer.head.fields.values("vary").collect(), vec!["a", "b"])
    });
    MIK.case(&mut cases, "a problem", || {
        let problem = r#"{"type":"https://example.org/paid","title":"Paid","status":409,"detail":"twice","order":7}"#;
        says(&get("/run/sdk/problem")?, 409, &[problem])
    });
    MIK.case(&mut cases, "what is not allowed", || {
        let answer = get("/run/sdk/forbidden")?;
        same("x-good", answer.field("x-good"), Some("fine"))?;
        for name in ["x-injected", "x-evil", "bad name"] {
            same(name, answer.field(name), None)?;
        }
        says(&answer, 200, &["{}"])
    });
    MIK.case(&mut cases, "a panic is a 500, and the next request is answered", || {
        same("status", get("/run/sdk/panic")?.status(), 500)?;
        says(&get("/run/sdk/")?, 200, &["Hello from the SDK!"])
    });
    cases.finish();
}

#[test]
fn a_handler_has_time_random_numbers_and_a_log() {
    let mut cases = Cases::of("time, random, log");
    MIK.case(&mut cases, "time", || {
        let now = get("/run/sdk/now")?.json();
        let slept = now["slept"].as_u64().unwrap_or_default();
        if !(20..2_000).contains(&slept) {
            return Err(format!("slept {slept} ms"));
        }
        same("bytes", now["bytes"].as_u64(), Some(70_000))?;
        same("uuid", now["uuid"].as_str().map(str::len), Some(36))?;
        let time = now["time"].as_str().unwrap_or_default();
        if time.starts_with("20") && time.ends_with('Z') {
            Ok(())
        } else {
            Err(format!("time {time}"))
        }
    });
    MIK.case(&mut cases, "log", || {
        same("status", get("/run/sdk/log")?.status(), 204)?;
        line(&MIK, "INFO plain")?;
        line(&MIK, "WARN two\\\\nlines, 7")
    });
    cases.finish();
}

fn line(mik: &Mik, text: &str) -> Result<(), String> {
    match mik.log().wait_for(Duration::from_secs(5), |line| line.contains(text)) {
        Some(_) => Ok(()),
        None => Err(format!("no line with {text:?} in\n{}", mik.stderr())),
    }
}
