//! What a handler asks of others.

use std::time::{Duration, Instant};

use mik_conformance::{Cases, Outcome, same};

use super::{MIK, ORIGIN, ask, escaped, get, says};

fn origin(path: &str) -> String {
    escaped(&format!("http://127.0.0.1:{}{path}", ORIGIN.port()))
}

#[test]
fn other_servers_are_asked() {
    let mut cases = Cases::of("fetch!");
    let mut case = |name: &str, run: &dyn Fn() -> Outcome| MIK.case(&mut cases, name, run);
    case("GET", &|| {
        let answer = get(&format!("/run/sdk/ask?url={}", origin("/asked?z=1")))?;
        let seen = ORIGIN.requests("/asked?z=1").pop().ok_or("nothing arrived")?;
        same("line", seen.line.as_str(), "GET /asked?z=1&a=b+c HTTP/1.1")?;
        same("field", seen.fields.value("x-asked-by"), Some("sdk"))?;
        says(&answer, 200, &[r#"{"status":200,"type":"text/plain","content":"origin ok"}"#])
    });
    for size in [0, 1, 5_000, 1_000_000] {
        case(&format!("POST of {size} bytes"), &|| {
            let body = vec![b'y'; size];
            let answer = ask("POST", &format!("/run/sdk/ask?url={}", origin("/echo")), &[], &body)?;
            same("content", answer.json()["content"].as_str().map(str::len), Some(size))
        });
    }
    for (name, url, error) in [
        ("a host that is not allowed", "http://192.0.2.1/".to_owned(), "denied"),
        ("nobody listens", "http://127.0.0.1:1/".to_owned(), "connect"),
        ("no such name", "http://nowhere.invalid/".to_owned(), "dns"),
        ("no answer in time", format!("http://127.0.0.1:{}/stall", ORIGIN.port()), "timeout"),
        ("content that stalls", format!("http://127.0.0.1:{}/drip", ORIGIN.port()), "timeout"),
        ("content that breaks off", format!("http://127.0.0.1:{}/half", ORIGIN.port()), "broken"),
        ("no HTTP", format!("http://127.0.0.1:{}/garbage", ORIGIN.port()), "broken"),
        ("no URL", "ftp://127.0.0.1/".to_owned(), "request"),
    ] {
        case(name, &|| {
            let started = Instant::now();
            let answer = get(&format!("/run/sdk/ask?timeout=500&url={}", escaped(&url)))?;
            same("in time", started.elapsed() < Duration::from_secs(5), true)?;
            says(&answer, 200, &[&format!(r#""error":"{error}""#)])
        });
    }
    case("all is denied unless allowed", &|| {
        says(
            &get(&format!("/run/shut/ask?url={}", origin("/")))?,
            200,
            &[r#""error":"denied""#, "allowed_hosts"],
        )
    });
    cases.finish();
}

#[test]
fn content_streams_through_both_ways() {
    let mut cases = Cases::of("forward");
    for size in [0, 100, 300_000, 5_000_000] {
        let body: Vec<u8> = (0..=255).cycle().take(size).collect();
        for (name, url) in
            [("a server", origin("/echo")), ("a module", escaped("http://echo.mik.internal/"))]
        {
            MIK.case(&mut cases, &format!("{size} bytes through {name}"), || {
                let answer = ask("POST", &format!("/run/sdk/forward?url={url}"), &[], &body)?;
                if answer.status() == 200 && answer.body == body {
                    Ok(())
                } else {
                    Err(answer.to_string())
                }
            });
        }
    }
    MIK.case(&mut cases, "to nobody", || {
        let url = escaped("http://127.0.0.1:1/");
        says(
            &ask("POST", &format!("/run/sdk/forward?url={url}"), &[], b"abc")?,
            502,
            &["did not answer as it should"],
        )
    });
    cases.finish();
}

#[test]
fn several_are_asked_at_the_same_time() {
    let mut cases = Cases::of("together");
    MIK.case(&mut cases, "modules and servers", || {
        // Each of them takes 20 ms and more.
        let module = escaped("http://sdk.mik.internal/now");
        let urls = format!(
            "url={module}&url={}&url={module}&url={}",
            origin("/x"),
            escaped("http://127.0.0.1:1/")
        );
        says(&get(&format!("/run/sdk/together?{urls}"))?, 200, &[r#""statuses":[200,200,200,0]"#])
    });
    cases.finish();
}

#[test]
fn other_modules_are_asked() {
    let mut cases = Cases::of("call!");
    MIK.case(&mut cases, "GET", || {
        let answer = get("/run/sdk/call/hello")?;
        same("x-called", answer.field("x-called"), Some("yes"))?;
        says(&answer, 200, &["Hello from mik!"])
    });
    MIK.case(&mut cases, "POST", || {
        says(&ask("POST", "/run/sdk/call/echo", &[], b"")?, 200, &[r#"{"from":"sdk"}"#])
    });
    MIK.case(&mut cases, "one that is not there", || {
        same("status", get("/run/sdk/call/nobody")?.status(), 404)
    });
    MIK.case(&mut cases, "one that may not be called", || {
        says(&get("/run/shut/call/hello")?, 502, &["did not answer as it should"])
    });
    cases.finish();
}
