//! The bridge that makes responses of what a handler of `mik:core/handler` answers, composed by `mik build`
//! with the guest `answers`.

use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use mik_conformance::{
    Answer, BASELINE, Cases, Mik, Outcome, Response, Setup, eventually, same, told,
};

static MIK: LazyLock<Mik> = LazyLock::new(|| composed("").start());

/// A project whose component is `answers` and the bridge.
fn composed(config: &str) -> Setup {
    // It would not let through what comes after so many failures.
    let breaker = "[middleware.breaker]\nenabled = false\n";
    Setup::new(&["hello"]).config(&format!("{breaker}{config}")).composed("answers", "answers")
}

fn ask(method: &str, query: &str) -> Answer {
    MIK.connect().request(method, &format!("/run/answers/?{query}"), &[], &[])
}

/// A case that judges the answer to a request of its own.
fn case(cases: &mut Cases, method: &str, query: &str, judge: impl FnOnce(&Response) -> Outcome) {
    MIK.case(cases, &format!("{method} {query}"), || {
        let answer = ask(method, query);
        let Ok(response) = &answer else { return Err(told(&answer)) };
        judge(response).map_err(|failure| format!("{failure}: {response}"))
    });
}

/// The whole of this content.
fn whole(response: &Response, content: &[u8]) -> Outcome {
    same("status", response.status(), 200)?;
    same("whether the content is the same", response.body == content, true)?;
    same("whether it is whole", response.is_whole(), true)
}

fn with_length(response: &Response, content: &[u8]) -> Outcome {
    let length = content.len().to_string();
    same("content-length", response.field("content-length"), Some(length.as_str()))?;
    whole(response, content)
}

/// The answer of the bridge in place of one that is none. Nothing of the handler is in it.
fn faulty(response: &Response, reason: &str) -> Outcome {
    same("status", response.status(), 500)?;
    same("mik-handler-error", response.field("mik-handler-error"), Some(reason))?;
    same("content-type", response.field("content-type"), Some("application/problem+json"))?;
    same("status in the content", &response.json()["status"], &500.into())?;
    same("x-calls", response.field("x-calls"), None)
}

fn letters(bytes: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(bytes).collect()
}

fn pieces(chunks: u8, size: usize) -> Vec<u8> {
    (b'a'..b'a' + chunks).flat_map(|letter| vec![letter; size]).collect()
}

#[test]
fn bytes_of_all_sizes_arrive_with_their_length() {
    let mut cases = Cases::of("bytes");
    for bytes in [0, 1, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 1_000_003, 9_000_000] {
        case(&mut cases, "GET", &format!("bytes={bytes}"), |response| {
            with_length(response, &letters(bytes))
        });
    }
    for characters in [0, 1, 2_048, 2_049, 32_768, 500_001] {
        case(&mut cases, "GET", &format!("text={characters}"), |response| {
            with_length(response, "é".repeat(characters).as_bytes())
        });
    }
    case(&mut cases, "GET", "bytes=3&name=Content-Length&value=3", |response| {
        with_length(response, b"abc")
    });
    cases.finish();
}

#[test]
fn streams_arrive_piece_by_piece() {
    let mut cases = Cases::of("streams");
    for (chunks, size) in
        [(0, 1), (1, 0), (3, 1), (5, 4_096), (5, 4_097), (20, 65_536), (3, 3_000_000)]
    {
        case(&mut cases, "GET", &format!("chunks={chunks}&size={size}"), |response| {
            whole(response, &pieces(chunks, size))
        });
    }
    case(&mut cases, "GET", "chunks=3&size=10&name=content-length&value=30", |response| {
        with_length(response, &pieces(3, 10))
    });
    case(&mut cases, "GET", "chunks=3&size=10&delay_ms=50", |response| {
        whole(response, &pieces(3, 10))
    });
    cases.finish();
}

#[test]
fn a_stream_that_fails_is_broken_off() {
    let mut cases = Cases::of("broken streams");
    for how in ["error", "trap"] {
        for (when, status) in [("fail=0", 500), ("fail=2", 500), ("fail=2&delay_ms=100", 200)] {
            let query = format!("chunks=3&size=10&how={how}&{when}");
            case(&mut cases, "GET", &query, |response| {
                same("status", response.status(), status)?;
                let is_told = response.text().contains("secret");
                same("whether it is whole", response.is_whole(), status == 500)?;
                same("whether it tells what the handler said", is_told, false)
            });
        }
    }
    // The host sees what was promised.
    case(
        &mut cases,
        "GET",
        "chunks=3&size=10&delay_ms=50&name=content-length&value=31",
        |response| same("whether it is whole", response.is_whole(), false),
    );
    cases.finish();
}

#[test]
fn a_head_that_is_none_is_answered_by_the_bridge() {
    let mut cases = Cases::of("heads that are none");
    let fields = [
        ("name=connection&value=close", "header-forbidden"),
        ("name=Transfer-Encoding&value=chunked", "header-forbidden"),
        ("name=host&value=h", "header-forbidden"),
        ("name=&value=x", "header-syntax"),
        ("name=a%20b&value=x", "header-syntax"),
        ("name=x%0d%0ay&value=x", "header-syntax"),
        ("name=x&value=x%0d%0ax-injected:%201", "header-syntax"),
        ("name=x&value=x%00", "header-syntax"),
        ("name=content-length&value=4", "content-length"),
        ("name=content-length&value=03", "content-length"),
        ("name=content-length&value=%2b3", "content-length"),
        ("name=content-length&value=3&count=2", "header-syntax"),
        ("chunks=1&name=content-length&value=x", "header-syntax"),
    ];
    for (query, reason) in fields {
        case(&mut cases, "GET", &format!("bytes=3&{query}"), |response| faulty(response, reason));
    }
    for status in [0, 1, 99, 100, 101, 199, 600, 999, 1_000, 65_535] {
        case(&mut cases, "GET", &format!("status={status}&bytes=3"), |response| {
            faulty(response, "status")
        });
        case(&mut cases, "GET", &format!("status={status}&chunks=3"), |response| {
            faulty(response, "status")
        });
    }
    case(&mut cases, "HEAD", "status=0", |response| same("status", response.status(), 500));
    for status in [200, 201, 301, 404, 418, 500, 503, 599] {
        case(&mut cases, "GET", &format!("status={status}&bytes=3"), |response| {
            same("status", response.status(), status)?;
            same("content", response.text().as_str(), "abc")?;
            same("mik-handler-error", response.field("mik-handler-error"), None)
        });
    }
    cases.finish();
}

#[test]
fn some_answers_have_no_content() {
    let mut cases = Cases::of("no content");
    let length = |response: &Response, length: Option<&str>| {
        same("content-length", response.field("content-length"), length)?;
        same("whether there is content", response.body.is_empty() && response.is_whole(), true)
    };
    for content in ["bytes=0", "bytes=10", "bytes=10&name=content-length&value=10", "chunks=3"] {
        for status in [204, 304] {
            let query = format!("status={status}&{content}");
            case(&mut cases, "GET", &query, |response| {
                same("status", response.status(), status)?;
                length(response, None)
            });
        }
    }
    case(&mut cases, "HEAD", "bytes=10", |response| length(response, Some("10")));
    case(&mut cases, "HEAD", "bytes=9000000", |response| length(response, Some("9000000")));
    case(&mut cases, "HEAD", "name=content-length&value=7", |response| length(response, Some("7")));
    let mark = MIK.log().mark();
    case(&mut cases, "HEAD", "chunks=3&log=1", |response| same("status", response.status(), 200));
    // What a guest writes may reach the log after its answer has left.
    let log = || MIK.log().since(mark).join("\n");
    let is_dropped = eventually(BASELINE, || log().contains("dropped after 0"));
    let log = log();
    cases.check("a stream is dropped", is_dropped, &log);
    cases.check("a stream is not pulled from", !log.contains("pulled"), &log);
    cases.finish();
}

#[test]
fn a_response_streams_while_its_request_is_still_open() {
    let mut cases = Cases::of("both ways at once");
    MIK.case(&mut cases, "chunk by chunk", || {
        let mut raw = MIK.connect();
        let head =
            "POST /run/answers/?echo=1 HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
        raw.send(head).map_err(|error| error.to_string())?;
        let mut head = None;
        for text in ["one", "two", "three"] {
            raw.send_chunk(text.as_bytes()).map_err(|error| error.to_string())?;
            let head = match &mut head {
                Some(head) => head,
                none => none.insert(raw.head("POST").map_err(|stop| format!("no head: {stop}"))?),
            };
            let piece = raw.piece(head).map_err(|stop| format!("{stop} instead of {text}"))?;
            same("what came back", piece.as_deref(), Some(text.as_bytes()))?;
        }
        raw.send_chunk(b"").map_err(|error| error.to_string())?;
        let mut head = head.ok_or("no head")?;
        let end = raw.piece(&mut head).map_err(|stop| format!("no end: {stop}"))?;
        same("the end", end, None)
    });
    let body = letters(5_000_000);
    MIK.case(&mut cases, "five megabytes", || {
        let answer = MIK.post("/run/answers/?echo=1", &body);
        let Ok(response) = &answer else { return Err(told(&answer)) };
        whole(response, &body).map_err(|failure| format!("{failure}: {response}"))
    });
    cases.finish();
}

#[test]
fn nothing_is_pulled_for_a_client_that_does_not_read() {
    let mut cases = Cases::of("backpressure");
    MIK.case(&mut cases, "64 MiB that nobody reads", || {
        let mark = MIK.log().mark();
        let mut raw = MIK.connect();
        let head = "GET /run/answers/?chunks=1024&size=65536&log=1 HTTP/1.1\r\nhost: h\r\n\r\n";
        raw.send(head).map_err(|error| error.to_string())?;
        raw.head("GET").map_err(|stop| stop.to_string())?;
        thread::sleep(Duration::from_secs(1));
        let pulled = || MIK.log().since(mark).iter().filter(|line| line.contains("pulled")).count();
        let before = pulled();
        thread::sleep(Duration::from_secs(1));
        same("pieces pulled in the next second", pulled() - before, 0)?;
        if before < 512 { Ok(()) } else { Err(format!("{before} pieces were pulled")) }
    });
    cases.finish();
}

#[test]
fn a_reused_instance_does_not_grow() {
    // Half of it is what an instance may have that waits for its next call.
    let mik = composed("[engine]\nreuse = 100000\nmemory = \"8MiB\"\n").start();
    let queries = [
        ("GET", "bytes=100000"),
        ("GET", "chunks=200&size=65536"),
        ("GET", "chunks=3&size=10&fail=2"),
        ("GET", "name=connection&value=close"),
        ("GET", "status=0&bytes=100000"),
        ("GET", "status=204&chunks=3"),
        ("HEAD", "bytes=100000"),
    ];
    let mut calls = 0;
    for round in 0..10 {
        for (method, query) in queries {
            let _ = mik.connect().request(method, &format!("/run/answers/?{query}"), &[], &[]);
            calls += 1;
        }
        calls += 1;
        let answer = mik.get("/run/answers/");
        let count = answer.as_ref().ok().and_then(|answer| answer.field("x-calls"));
        let count = count.unwrap_or_else(|| panic!("round {round}: {}", told(&answer)));
        assert_eq!(count, calls.to_string(), "round {round}: the instance is another one");
    }
}
