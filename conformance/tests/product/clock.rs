//! Row 30: the wall clock jumps an hour. A small library that is preloaded into `mik` makes it jump, for
//! that process alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mik_conformance::{Answer, Cases, Mik, Outcome, Setup, failed_with, repository};

const CONFIG: &str = "\
[engine]
timeout = \"2s\"
[modules.hello.rate-limit]
requests = 2
per = \"1h\"
burst = 2
[modules.trap.breaker]
consecutive = 2
open = \"30m\"
max_open = \"30m\"
";

/// Builds the library; `None` where there is no C compiler.
fn library(folder: &Path) -> Option<PathBuf> {
    let source = repository().join("conformance/src/clock/jump.c");
    let library = folder.join("jump.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    let built = cc.status().ok()?;
    assert!(built.success(), "jump.c does not compile");
    Some(library)
}

/// A `mik` whose clock can be moved, and the file that moves it.
fn start(library: &Path, folder: &Path) -> (Mik, PathBuf) {
    let jump = folder.join("jump");
    let setup = Setup::new(&["hello", "trap", "sleep"]).config(CONFIG);
    let preload = library.display().to_string();
    let setup = setup.env("LD_PRELOAD", &preload).env("CLOCK_JUMP", &jump.display().to_string());
    (setup.start(), jump)
}

fn refused(answer: &Answer, status: u16, kind: &str) -> Outcome {
    let answer = answer.as_ref().map_err(ToString::to_string)?;
    failed_with(answer, status, kind)
}

#[test]
fn row_30_a_clock_that_jumps() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = library(folder.path()) else {
        println!("skipped: there is no C compiler `cc` to build the clock with");
        return;
    };
    let mut cases = Cases::of("row 30");
    for seconds in ["3600", "-3600"] {
        let (mik, jump) = start(&library, folder.path());
        let to = |seconds: &str| std::fs::write(&jump, seconds).unwrap();
        to("0");
        cases.note(&format!("limiter, {seconds} s"), {
            (0..2).for_each(|_| drop(mik.text("/run/hello/")));
            let before = refused(&mik.get("/run/hello/"), 429, "rate-limited");
            to(seconds);
            before.and(refused(&mik.get("/run/hello/"), 429, "rate-limited"))
        });
        to("0");
        cases.note(&format!("breaker, {seconds} s"), {
            (0..2).for_each(|_| drop(mik.get("/run/trap/")));
            let before = refused(&mik.get("/run/trap/"), 503, "circuit-open");
            to(seconds);
            before.and(refused(&mik.get("/run/trap/"), 503, "circuit-open"))
        });
        to("0");
        cases.note(&format!("timeout, {seconds} s"), {
            let started = Instant::now();
            let call = std::thread::scope(|scope| {
                let call = scope.spawn(|| mik.get("/run/sleep/?for_ever=1"));
                assert!(mik.wait_in_flight(1, Duration::from_secs(10)));
                to(seconds);
                call.join().unwrap()
            });
            let took = started.elapsed();
            refused(&call, 504, "timeout").and(match took {
                took if took < Duration::from_millis(1_900) => {
                    Err(format!("after {took:?} already"))
                }
                _ => Ok(()),
            })
        });
        // That it jumped at all: the log tells the time of day.
        let lines = mik.log().lines();
        let hours: std::collections::BTreeSet<_> = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|line| line["timestamp"].as_str().map(|time| time[..13].to_owned()))
            .collect();
        cases.check("the clock jumped", hours.len() > 1, format!("one hour only: {hours:?}"));
    }
    cases.finish();
}
