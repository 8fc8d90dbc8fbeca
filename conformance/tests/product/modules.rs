//! The modules of a folder: compiled once, replaced, and let go, where numbers or the way of writing matter. The rest
//! is told by the cases.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use mik_conformance::{Cases, Mik, Outcome, Setup, eventually, guest, request, told};

/// A change is noticed within moments; this bounds hanging.
const NOTICED: Duration = Duration::from_secs(20);

const HELLO: &str = "Hello from mik!\n";

fn bytes(name: &str) -> Vec<u8> {
    fs::read(guest(name)).expect("a guest can be read")
}

/// Waits until a GET is answered so.
fn becomes(mik: &Mik, target: &str, status: u16, text: &str) -> Outcome {
    let is_it = || {
        mik.get(target)
            .is_ok_and(|answer| answer.status() == status && answer.text().contains(text))
    };
    if eventually(NOTICED, is_it) {
        return Ok(());
    }
    Err(format!(
        "GET {target} after {NOTICED:?}: {}; stderr:\n{}",
        told(&mik.get(target)),
        mik.stderr()
    ))
}

#[test]
fn one_compile_however_many_wait() {
    const CALLERS: usize = 24;
    let mik = Setup::new(&["inspect"]).empty_cache().start();
    let gate = Barrier::new(CALLERS);
    let statuses: Vec<_> = thread::scope(|scope| {
        let callers = (0..CALLERS).map(|_| {
            scope.spawn(|| {
                let mut raw = mik.connect();
                raw.patience(Duration::from_secs(60));
                gate.wait();
                raw.get("/run/inspect/").map(|answer| answer.status())
            })
        });
        let callers: Vec<_> = callers.collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller does not panic")).collect()
    });
    assert_eq!(statuses, vec![Ok(200); CALLERS]);
    let loads = || mik.log().lines().iter().filter(|line| line.contains("\"loaded\"")).count();
    // The log is a moment behind.
    eventually(NOTICED, || loads() > 0);
    assert_eq!(loads(), 1, "stderr:\n{}", mik.stderr());
}

#[test]
fn a_file_that_is_written_slowly() {
    let mik = Mik::run(&["hello"], "");
    let mut cases = Cases::of("changes of the folder");
    mik.case(&mut cases, "a file that is written slowly", || {
        let content = bytes("hello");
        let path = mik.module("slow");
        for end in [0, content.len() / 2, content.len()] {
            fs::write(&path, &content[..end]).map_err(|error| error.to_string())?;
            let _ = mik.get("/run/slow/");
            thread::sleep(Duration::from_millis(300));
        }
        becomes(&mik, "/run/slow/", 200, HELLO)
    });
    cases.finish();
}

#[test]
fn row_52_a_file_replaced_under_load() {
    const RUNNING: usize = 50;
    let mik = Setup::new(&["hello"]).guest("sleep", "slot").start();
    let mut cases = Cases::of("row 52");
    mik.text("/run/slot/?ms=1");
    mik.case(&mut cases, "old ones finish on the old, new ones get the new", || {
        let mut running: Vec<_> = (0..RUNNING).map(|_| mik.connect()).collect();
        for raw in &mut running {
            let _ = raw.send(request("GET", "/run/slot/?ms=4000", &[], b""));
        }
        if !eventually(NOTICED, || mik.in_flight().is_some_and(|calls| calls >= RUNNING as u64)) {
            return Err(format!("only {:?} are running", mik.in_flight()));
        }
        mik.replace(&mik.module("slot"), bytes("hello"));
        becomes(&mik, "/run/slot/", 200, HELLO)?;
        for raw in &mut running {
            let answer = raw.response().map_err(|stop| stop.to_string())?;
            if answer.text() != "slept 4000\n" {
                return Err(format!("an old one got {answer}"));
            }
        }
        Ok(())
    });
    mik.case(&mut cases, "no request is lost while it is replaced again and again", || {
        let contents = [bytes("hello"), bytes("inspect")];
        for round in 0..6 {
            mik.replace(&mik.module("slot"), &contents[round % 2]);
            for _ in 0..20 {
                let answer = mik.get("/run/slot/").map_err(|stop| stop.to_string())?;
                if answer.status() != 200 {
                    return Err(answer.to_string());
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    });
    cases.finish();
}

#[test]
fn the_least_recently_used_goes() {
    let names = ["hello", "inspect", "echo", "sleep"];
    let mut cases = Cases::of("LRU");
    // Each of these modules takes between a third and a half of a MiB.
    for (name, config, most) in [
        ("by entries", "[cache]\nentries = 2\n", 2),
        ("by bytes", "[cache]\nbytes = \"1MiB\"\n", 2),
    ] {
        let mik = Mik::run(&names, config);
        mik.case(&mut cases, name, || {
            for round in 0..2 {
                for target in ["inspect/", "echo/", "sleep/?ms=1", "inspect/"] {
                    let answer =
                        mik.get(&format!("/run/{target}")).map_err(|stop| stop.to_string())?;
                    let loaded = mik.loaded();
                    if answer.status() != 200
                        || loaded.is_none_or(|loaded| loaded == 0 || loaded > most)
                    {
                        return Err(format!(
                            "round {round}, {target}: {answer}; loaded {loaded:?}"
                        ));
                    }
                }
            }
            Ok(())
        });
    }
    let mik = Mik::run(&names, "[cache]\nentries = 3\n");
    let loads = |module: &str| {
        let of = format!("\"{module}\"");
        mik.log()
            .lines()
            .iter()
            .filter(|line| line.contains("\"loaded\"") && line.contains(&of))
            .count()
    };
    mik.lone_case(&mut cases, "one that is used stays", || {
        for target in
            ["hello/", "inspect/", "echo/", "hello/", "sleep/?ms=1", "hello/", "inspect/", "hello/"]
        {
            mik.text(&format!("/run/{target}"));
            // The order is that of milliseconds.
            thread::sleep(Duration::from_millis(5));
        }
        let found = (loads("hello"), loads("inspect"));
        if found == (1, 2) { Ok(()) } else { Err(format!("loads of hello and inspect: {found:?}")) }
    });
    cases.finish();
}
