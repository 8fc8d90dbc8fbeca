//! Instances that serve more than one call, where a module asks for that.

use mik_conformance::{Cases, Mik, failed_with, told};

fn calls(mik: &Mik, rounds: usize) -> Vec<u64> {
    let mut raw = mik.connect();
    let one = |_| {
        let answer = raw.get("/run/inspect/");
        let count = answer.as_ref().ok().and_then(|answer| answer.json()["calls"].as_u64());
        count.unwrap_or_else(|| panic!("expected a count of calls, got {}", told(&answer)))
    };
    (0..rounds).map(one).collect()
}

#[test]
fn every_call_has_a_fresh_instance_by_default() {
    let mik = Mik::run(&["inspect"], "");
    assert_eq!(calls(&mik, 5), [1; 5]);
}

#[test]
fn an_instance_serves_as_many_calls_as_it_may() {
    let mik = Mik::run(&["inspect"], "[modules.inspect]\nreuse = 3\nreuse_idle = \"60s\"\n");
    assert_eq!(calls(&mik, 7), [1, 2, 3, 1, 2, 3, 1]);
}

#[test]
fn an_instance_that_was_idle_too_long_goes() {
    let mik = Mik::run(&["inspect"], "[modules.inspect]\nreuse = 100\nreuse_idle = \"300ms\"\n");
    assert_eq!(calls(&mik, 2), [1, 2]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(calls(&mik, 1), [1]);
}

#[test]
fn an_instance_that_failed_is_not_used_again() {
    let config = "[engine]\nreuse = 1000\ntimeout = \"1s\"\n";
    let mik = Mik::run(&["hello", "trap", "silent", "half", "hog", "spin", "fields"], config);
    let mut cases = Cases::of("reuse after a failure");
    for (first, status, kind, next) in [
        ("/run/trap/", 500, "trap", "/run/trap/?how=other"),
        ("/run/trap/?how=overflow", 500, "trap", "/run/trap/?how=other"),
        ("/run/trap/?how=exit", 500, "trap", "/run/trap/?how=other"),
        ("/run/spin/", 504, "timeout", "/run/spin/?ms=x"),
        ("/run/silent/", 500, "no-response", "/run/silent/?how=other"),
    ] {
        mik.case(&mut cases, first, || {
            for _ in 0..3 {
                let answer = mik.get(first).map_err(|stop| stop.to_string())?;
                failed_with(&answer, status, kind)?;
                // The guest says in its own words that it does not know that parameter: it is well.
                let answer = mik.get(next).map_err(|stop| stop.to_string())?;
                if answer.status() != 400 {
                    return Err(format!("after it {next} got {answer}"));
                }
            }
            Ok(())
        });
    }
    mik.case(&mut cases, "half a body", || {
        for _ in 0..3 {
            let broken = mik.get("/run/half/").map_err(|stop| stop.to_string())?;
            let whole = mik.get("/run/half/?how=ok").map_err(|stop| stop.to_string())?;
            let failed = !broken.is_whole() || broken.status() == 500;
            if !failed || whole.text() != "hhhhhhhhhh" || !whole.is_whole() {
                return Err(format!("{broken}, then {whole}"));
            }
        }
        Ok(())
    });
    mik.case(&mut cases, "what a client left in the middle", || {
        for _ in 0..3 {
            let mut raw = mik.connect();
            let _ = raw.send("GET /run/half/?how=ok&pause_ms=10000 HTTP/1.1\r\nhost: h\r\n\r\n");
            raw.head("GET").map_err(|stop| stop.to_string())?;
            drop(raw);
            let whole = mik.get("/run/half/?how=ok").map_err(|stop| stop.to_string())?;
            if whole.text() != "hhhhhhhhhh" {
                return Err(whole.to_string());
            }
        }
        Ok(())
    });
    cases.finish();
}

#[test]
fn memory_that_is_new_is_clean_and_what_grew_is_given_back() {
    let mik = Mik::run(&["hello", "hog"], "[engine]\nreuse = 1000\n");
    let mut cases = Cases::of("memory under reuse");
    mik.case(&mut cases, "never what an earlier call wrote", || {
        for _ in 0..6 {
            let dirty = mik.get("/run/hog/?how=dirty&mib=24").map_err(|stop| stop.to_string())?;
            let peek = mik.get("/run/hog/?how=peek&mib=24").map_err(|stop| stop.to_string())?;
            if dirty.text() != "24\n" || peek.text() != "0\n" {
                return Err(format!("{dirty}, then {peek}"));
            }
        }
        Ok(())
    });
    cases.finish();
}
