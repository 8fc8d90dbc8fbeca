//! Rows 31 to 36: guests that misbehave. Each harms itself alone.

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use mik_conformance::{
    Cases, Mik, Outcome, Raw, Response, Setup, closed, eventually, failed_with, problem, request,
    told_with,
};

/// The limits below are one second; a bound on hanging is ten times that and a little.
const BOUND: Duration = Duration::from_secs(12);

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    // These guests fail on purpose, again and again.
    let config = "[middleware.breaker]\nenabled = false\n\
                  [engine]\ntimeout = \"1s\"\ncpu = \"1s\"\nsilence = \"1s\"\n\
                  [modules.flood]\ntimeout = \"60s\"\ncpu = \"60s\"\n\
                  [modules.hog]\ntimeout = \"60s\"\ncpu = \"60s\"\n\
                  [modules.greedy]\ntimeout = \"60s\"\ncpu = \"60s\"\n";
    let guests = [
        "hello", "trap", "spin", "sleep", "hog", "silent", "half", "fields", "flood", "greedy",
        "stream",
    ];
    Setup::new(&guests).config(config).start()
});

fn answer(target: &str) -> Result<Response, String> {
    MIK.get(target).map_err(|stop| format!("GET {target}: no response: {stop}"))
}

fn failing(target: &str, status: u16, kinds: &[&str]) -> Outcome {
    let answer = answer(target)?;
    problem(&answer)?;
    match answer.kind() {
        Some(kind) if answer.status() == status && kinds.contains(&kind) => Ok(()),
        _ => Err(format!("expected {status} with mik-error {kinds:?}, got {answer}")),
    }
}

fn works(target: &str, expected: &str) -> Outcome {
    let answer = answer(target)?;
    let right = answer.status() == 200 && answer.text() == expected && answer.is_whole();
    if right {
        Ok(())
    } else {
        Err(format!("GET {target}: expected 200 {expected:?}, got {answer}"))
    }
}

/// A response that has begun with 200 and breaks off: never a clean end. Where its head had not left yet,
/// a 500 says more.
fn breaks_off(target: &str, may_be_500: bool) -> Outcome {
    let started = Instant::now();
    let mut raw = MIK.connect();
    let sent = request("GET", target, &[("connection", "close")], b"");
    let _ = raw.send(&sent);
    let received = raw.patience(BOUND).collect();
    let outcome = match received.answers.as_slice() {
        [answer] if answer.status() == 200 && !answer.is_whole() => closed(&received),
        [answer] if may_be_500 && answer.status() == 500 => failed_with(answer, 500, "trap"),
        _ => Err("expected 200 and a body that breaks off".to_owned()),
    };
    told_with(outcome, &sent, &received)?;
    let took = started.elapsed();
    if took < BOUND { Ok(()) } else { Err(format!("broke off after {took:?}")) }
}

#[test]
fn row_31_traps() {
    let mut cases = Cases::of("row 31");
    for how in ["unreachable", "overflow", "oob", "panic", "exit"] {
        MIK.case(&mut cases, how, || {
            let target = format!("/run/trap/?how={how}");
            let mut raw = MIK.connect();
            for round in ["first", "second"] {
                let answer = raw.get(&target).map_err(|stop| format!("the {round}: {stop}"))?;
                failed_with(&answer, 500, "trap")
                    .map_err(|failure| format!("the {round}: {failure}"))?;
                let body = answer.text();
                if ["wasm", "backtrace", "asked to"].iter().any(|inner| body.contains(inner)) {
                    return Err(format!("what happened inside is told: {body}"));
                }
            }
            // A guest that answers in words was made anew; and the connection is still good.
            let next =
                raw.get("/run/trap/?how=nothing").map_err(|stop| format!("the next: {stop}"))?;
            if next.status() == 400 { Ok(()) } else { Err(format!("the next request got {next}")) }
        });
    }
    cases.check("the log says why", MIK.log().has("unreachable"), "no line with `unreachable`");
    cases.finish();
}

#[test]
fn row_32_for_ever() {
    let mut cases = Cases::of("row 32");
    for (name, target) in [("spins", "/run/spin/"), ("waits", "/run/sleep/?for_ever=1")] {
        MIK.case(&mut cases, name, || {
            let started = Instant::now();
            failing(target, 504, &["timeout"])?;
            let took = started.elapsed();
            if took < BOUND { Ok(()) } else { Err(format!("504 after {took:?}")) }
        });
    }
    MIK.case(&mut cases, "spins after the head", || breaks_off("/run/spin/?after=head", false));
    MIK.case(&mut cases, "waits after the head", || {
        breaks_off("/run/sleep/?for_ever=1&after=head", false)
    });
    // While this goes on, the case's own bystander asks another module.
    MIK.case(&mut cases, "one spinner a core", || {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let mut spinners: Vec<Raw> = (0..cores).map(|_| MIK.connect()).collect();
        for raw in &mut spinners {
            let _ = raw.send(request("GET", "/run/spin/", &[], b""));
        }
        for raw in &mut spinners {
            let answer = raw.response().map_err(|stop| stop.to_string())?;
            failed_with(&answer, 504, "timeout")?;
        }
        Ok(())
    });
    MIK.case(&mut cases, "works within its time", || works("/run/spin/?ms=50", "spun 50\n"));
    cases.finish();
}

#[test]
fn row_33_memory() {
    let mut cases = Cases::of("row 33");
    MIK.case(&mut cases, "grows until it is refused", || {
        let answer = answer("/run/hog/")?;
        let text = answer.text();
        let pages = text
            .strip_prefix("grown to ")
            .and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        match pages {
            Some(pages) if answer.status() == 200 && (1_024..=2_048).contains(&pages) => Ok(()),
            _ => Err(format!("expected at most 2048 pages (128 MiB), got {answer}")),
        }
    });
    MIK.case(&mut cases, "allocates until it dies", || {
        failing("/run/hog/?how=alloc", 500, &["memory", "trap"])
    });
    MIK.case(&mut cases, "wants 4 GiB", || failing("/run/hog/?mib=4000", 500, &["memory", "trap"]));
    MIK.case(&mut cases, "wants what it may have", || works("/run/hog/?mib=64", "64\n"));
    MIK.case(&mut cases, "never data of an earlier instance", || {
        for _ in 0..4 {
            works("/run/hog/?how=dirty&mib=32", "32\n")?;
            works("/run/hog/?how=peek&mib=64", "0\n")?;
        }
        Ok(())
    });
    let small = Setup::new(&["hello", "hog"]).config("[modules.hog]\nmemory = \"16MiB\"\n").start();
    small.case(&mut cases, "a limit of its own", || {
        let answer = small.get("/run/hog/").map_err(|stop| stop.to_string())?;
        let pages = answer.text().split(' ').nth(2).and_then(|pages| pages.parse::<u64>().ok());
        if pages.is_some_and(|pages| pages <= 256) { Ok(()) } else { Err(answer.to_string()) }
    });
    let all = Setup::new(&["hello", "hog"]).config("[engine]\ntotal_memory = \"64MiB\"\n").start();
    all.case(&mut cases, "a limit for all guests together", || {
        let answer = all.get("/run/hog/").map_err(|stop| stop.to_string())?;
        let pages = answer.text().split(' ').nth(2).and_then(|pages| pages.parse::<u64>().ok());
        let refused = answer.status() == 500 || answer.status() == 503;
        if refused || pages.is_some_and(|pages| pages <= 1_024) {
            Ok(())
        } else {
            Err(answer.to_string())
        }
    });
    cases.finish();
}

#[test]
fn row_34_answers_that_are_none() {
    let mut cases = Cases::of("row 34");
    for how in ["", "?how=drop", "?how=error"] {
        MIK.case(&mut cases, &format!("silent{how}"), || {
            let answer = answer(&format!("/run/silent/{how}"))?;
            if answer.text().contains("secret") {
                return Err(format!("what the guest said is told: {answer}"));
            }
            failed_with(&answer, 500, "no-response")
        });
    }
    for how in ["trap", "panic", "drop", "short", "long"] {
        for pause in [0, 100] {
            let target = format!("/run/half/?how={how}&pause_ms={pause}&bytes=10");
            MIK.case(&mut cases, &format!("half, {how}, after {pause} ms"), || {
                breaks_off(&target, pause == 0)
            });
        }
    }
    MIK.case(&mut cases, "half, large, trap", || {
        breaks_off("/run/half/?how=trap&bytes=1000000&pause_ms=10", false)
    });
    MIK.case(&mut cases, "half, ok", || works("/run/half/?how=ok", "hhhhhhhhhh"));
    MIK.case(&mut cases, "a true length", || {
        works("/run/stream/?chunks=2&size=5&length=1", "aaaaabbbbb")
    });
    cases.finish();
}

#[test]
fn row_35_fields() {
    let mut cases = Cases::of("row 35, fields");
    for bad in
        ["crlf", "nul", "name", "host", "connection", "keep-alive", "transfer-encoding", "upgrade"]
    {
        MIK.case(&mut cases, bad, || {
            let mut raw = MIK.connect();
            let sent = request("GET", &format!("/run/fields/?bad={bad}"), &[], b"");
            let _ = raw.send(&sent);
            let answer = raw.response().map_err(|stop| stop.to_string())?;
            let fields = &answer.head.fields;
            let injected = ["set-cookie", "host", "keep-alive", "upgrade", "connection", "x-bad"];
            if let Some(name) = injected.iter().find(|name| fields.has(name)) {
                return Err(format!("{name} got out: {:?}", fields.0));
            }
            if answer.text().contains("append: Ok") {
                return Err(format!("the host took it: {}", answer.text()));
            }
            match answer.status() {
                200 => {
                    raw.get("/run/hello/").map(|_| ()).map_err(|stop| format!("afterwards {stop}"))
                }
                500 => failed_with(&answer, 500, "trap"),
                _ => Err(answer.to_string()),
            }
        });
    }
    for bad in ["cl-two", "cl-plus"] {
        MIK.case(&mut cases, bad, || {
            let answer = answer(&format!("/run/fields/?bad={bad}"))?;
            let lengths = answer.head.fields.values("content-length").count();
            match answer.status() {
                // The host refused the field, so that the guest could say so.
                200 if lengths <= 1 && !answer.text().contains("append: Ok") => Ok(()),
                500 => failed_with(&answer, 500, "trap"),
                _ => Err(answer.to_string()),
            }
        });
    }
    for (name, target) in [
        ("10,000 fields", "/run/fields/?count=10000&size=20"),
        ("a megabyte in one", "/run/fields/?count=1&size=1000000"),
    ] {
        MIK.case(&mut cases, name, || {
            let answer = answer(target)?;
            // The guest's own answer when it is refused, or the host's when it trapped.
            if matches!(answer.status(), 400 | 500) { Ok(()) } else { Err(answer.to_string()) }
        });
    }
    for trailer in ["host", "transfer-encoding"] {
        MIK.case(&mut cases, &format!("trailer {trailer}"), || {
            let mut raw = MIK.connect();
            let target = format!("/run/fields/?trailer={trailer}");
            let answer = raw.request("GET", &target, &[("te", "trailers")], b"");
            let answer = answer.map_err(|stop| stop.to_string())?;
            if answer.trailers.has(trailer) { Err(answer.to_string()) } else { Ok(()) }
        });
    }
    cases.finish();
}

#[test]
fn row_35_greed() {
    let mut cases = Cases::of("row 35, greed");
    for (name, query) in [
        ("1 TB of random", "random=1000000000000"),
        ("1 GiB of random", "random=1073741824"),
        ("1 MB of random in one call", "random=1000000"),
        ("a million resources", "resources=1000000"),
        ("a million timers", "pollables=1000000"),
        ("a string of 64 MB", "string=64000000"),
    ] {
        MIK.case(&mut cases, name, || {
            let before = MIK.memory();
            let answer = answer(&format!("/run/greedy/?{query}"))?;
            let grown = MIK.memory().saturating_sub(before) / 1_024;
            if !matches!(answer.status(), 400 | 500) {
                return Err(format!("expected an error for it alone, got {answer}"));
            }
            if grown > 192 { Err(format!("memory grew by {grown} MiB")) } else { Ok(()) }
        });
    }
    MIK.case(&mut cases, "what is decent", || {
        works(
            "/run/greedy/?random=1000000&call=60000&resources=1000&pollables=1000&string=1000",
            "ok",
        )
    });
    cases.finish();
}

#[test]
fn row_35_output() {
    let mut cases = Cases::of("row 35, output");
    // A debug build takes its time for a GiB.
    let bytes: u64 = if cfg!(debug_assertions) { 64 << 20 } else { 1 << 30 };
    for (name, query) in [
        ("stdout", format!("bytes={bytes}")),
        ("stderr", format!("bytes={bytes}&err=1")),
        ("one line", format!("bytes={bytes}&line=0")),
    ] {
        MIK.case(&mut cases, name, || {
            let mark = MIK.log().mark();
            let answer = MIK
                .connect()
                .patience(Duration::from_secs(120))
                .get(&format!("/run/flood/?{query}"));
            let answer = answer.map_err(|stop| stop.to_string())?;
            if answer.text() != "ok" {
                return Err(answer.to_string());
            }
            thread::sleep(Duration::from_millis(200));
            let logged: usize =
                MIK.log().since(mark).iter().map(|line| line.matches('x').count()).sum();
            // 64 KiB, and what names the lines; nothing at all would be wrong, too.
            if (1_000..100_000).contains(&logged) {
                Ok(())
            } else {
                Err(format!("{logged} bytes were logged"))
            }
        });
    }
    MIK.case(&mut cases, "terminal escapes", || {
        let text = "mark%1b%5b31mred%07%08%00%0d%7f%c2%9b%e2%80%ae%22end";
        works(&format!("/run/flood/?text={text}"), "ok")?;
        let is_it =
            |line: &str| line.contains("mark") && line.contains("red") && line.contains("end");
        let line = MIK.log().wait_for(BOUND, is_it).ok_or("no line in the log")?;
        let harmful = |c: char| c.is_control() || c == '\u{202e}';
        if line.contains(harmful) {
            Err(format!("a raw control character in {line:?}"))
        } else {
            Ok(())
        }
    });
    MIK.case(&mut cases, "whose it is", || {
        works("/run/flood/?text=whose", "ok")?;
        let guest =
            MIK.log().wait(BOUND, &["mik::guest", "whose"]).ok_or("no line of the guest")?;
        let guest: serde_json::Value =
            serde_json::from_str(&guest).map_err(|error| error.to_string())?;
        let id = guest["request_id"].as_str().ok_or("no request_id")?.to_owned();
        if guest["module"] != "flood" {
            return Err(format!("not the module's name: {guest}"));
        }
        let same = MIK.log().wait(BOUND, &["mik::access", &id]);
        same.map(|_| ()).ok_or_else(|| format!("no access line with the request id {id}"))
    });
    MIK.case(&mut cases, "lines that look like ours", || {
        let forged = "%7B%22level%22:%22ERROR%22,%22forged%22:1%7D%0d%0aforged-line";
        works(&format!("/run/flood/?text={forged}"), "ok")?;
        eventually(BOUND, || MIK.log().has("forged-line"));
        let lines = MIK.log().lines();
        let bad =
            lines.iter().skip(1).find(|line| line.contains("forged") && !line.contains("flood"));
        bad.map_or(Ok(()), |line| Err(format!("a line without the module's name: {line}")))
    });
    cases.finish();
}

#[test]
fn memory_is_what_a_first_run_left() {
    let mik = Mik::run(&["hello", "trap", "hog", "half", "flood"], "");
    let round = || {
        for target in
            ["trap/", "trap/?how=oob", "hog/", "hog/?how=alloc", "half/?bytes=1000000", "flood/"]
        {
            for _ in 0..3 {
                let _ = mik.get(&format!("/run/{target}"));
            }
        }
    };
    round();
    let first = mik.memory();
    (0..4).for_each(|_| round());
    let grown = mik.memory().saturating_sub(first) / 1_024;
    assert!(
        grown < 24,
        "after four more identical runs, {grown} MiB more are held ({first} KiB before)"
    );
}
