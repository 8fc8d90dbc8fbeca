//! Threads that scripts do not give back, and scripts that wait for one.

use super::*;

/// Threads that may be lost.
const LOST: usize = 4;

/// A script that its orchestrator cannot end: it answers in time, and keeps its thread.
fn stuck(orchestrator: &str) -> &'static str {
    match orchestrator {
        // Nothing interrupts it before it has run its instructions.
        "boa" => "export default () => { for (;;); };",
        // Nothing asks whether it may go on, for an hour.
        _ => "export default () => 'a'.repeat(2 ** 24).indexOf('a'.repeat(2 ** 23) + 'b');",
    }
}

#[test]
fn row_38_threads_that_do_not_return_are_replaced_four_at_most() {
    on_each("row 38, threads", |orchestrator, cases| {
        let scripts = [("stuck.js", stuck(orchestrator))];
        let config = "[scripts.stuck]\ntimeout = \"200ms\"\n";
        let mik = setup(orchestrator, &[], &scripts, config).start();
        // Before anything is lost, as it must be loaded.
        get(&mik, "/script/innocent").expect("an answer");
        cases.lone_case(&mik, "the deadline is kept from outside", || {
            for _ in 0..LOST {
                fails(get(&mik, "/script/stuck"), 504, "timeout")?;
                // Others have threads.
                if mik.health()["status"] == "ready" {
                    same("an innocent one", get(&mik, "/script/innocent")?.status(), 200)?;
                }
            }
            Ok(())
        });
        cases.lone_case(&mik, "then scripts are refused, and it is told", || {
            let is_degraded = || mik.health()["status"] == "degraded";
            if !eventually(BOUND, is_degraded) {
                return Err(format!("/health says {}", mik.health()));
            }
            let health = get(&mik, "/health")?;
            // It is no reason to send requests elsewhere.
            same("the status of /health", health.status(), 200)?;
            if !health.json()["trouble"].as_str().is_some_and(|trouble| trouble.contains("scripts"))
            {
                return Err(format!("no trouble is told: {health}"));
            }
            for script in ["innocent", "stuck"] {
                let answer = get(&mik, &format!("/script/{script}"))?;
                failed_with(&answer, 503, "overloaded")?;
                same("retry-after", answer.field("retry-after"), Some("1"))?;
            }
            Ok(())
        });
        cases.lone_case(&mik, "modules are served as before", || {
            (0..5).try_for_each(|_| same("hello", get(&mik, "/run/hello/")?.status(), 200))
        });
    });
}

#[test]
fn a_thread_that_returns_is_welcome() {
    // A builtin of some seconds.
    let text = "export default () => 'a'.repeat(180_000).indexOf('a'.repeat(90_000) + 'b');";
    let config = "[scripts.slow]\ntimeout = \"200ms\"\n";
    let mik = setup("rquickjs", &[], &[("slow.js", text)], config).start();
    let mut cases = Cases::of("threads that return");
    mik.lone_case(&mut cases, "scripts are answered again", || {
        get(&mik, "/script/innocent")?;
        // At once, so that none returns before the last begins.
        let mut all: Vec<_> = (0..LOST).map(|_| mik.connect()).collect();
        for raw in &mut all {
            let sent = raw.send(request("GET", "/script/slow", &[], b""));
            sent.map_err(|error| error.to_string())?;
        }
        for raw in &mut all {
            fails(raw.response().map_err(|stop| stop.to_string()), 504, "timeout")?;
        }
        let is = |status: &str| mik.health()["status"] == status;
        if !eventually(BOUND, || is("degraded")) {
            return Err(format!("it was never degraded: {}", mik.health()));
        }
        if !eventually(Duration::from_secs(240), || is("ready")) {
            return Err(format!("it stays degraded: {}", mik.health()));
        }
        logs(&mik, 0, &["WARN", "has returned"])?;
        gives(get(&mik, "/script/innocent"), 200, &json!("Hello from mik! And from a script."))
    });
    cases.finish();
}

#[test]
fn as_many_may_wait_for_a_thread_as_the_queue_holds() {
    on_each("the queue", |orchestrator, cases| {
        let scripts = [
            // Stops by itself, so that no thread is lost.
            (
                "works.js",
                "export default () => { console.log('at work'); const end = performance.now() + 3000; while (performance.now() < end); return 'worked'; };",
            ),
            ("quick.js", "export default () => 1;"),
        ];
        let mik = setup(orchestrator, &[], &scripts, "threads = 1\nqueue = 1\n").start();
        get(&mik, "/script/quick").expect("an answer");
        get(&mik, "/script/works").expect("an answer");
        cases.lone_case(&mik, "one works, one waits, one more is refused", || {
            let mut held = Vec::new();
            let mark = mik.log().mark();
            for number in 1..=2 {
                let mut raw = mik.connect();
                let sent = raw.send(request("GET", "/script/works", &[], b""));
                sent.map_err(|error| error.to_string())?;
                if !mik.wait_in_flight(number, BOUND) {
                    return Err(format!("{:?} are in flight, not {number}", mik.in_flight()));
                }
                // Until its thread has taken it, it waits in the queue as well.
                if number == 1 {
                    logs(&mik, mark, &["at work"])?;
                }
                held.push(raw);
            }
            let answer = get(&mik, "/script/quick")?;
            failed_with(&answer, 503, "overloaded")?;
            same("retry-after", answer.field("retry-after"), Some("1"))?;
            same("a module", get(&mik, "/run/hello/")?.status(), 200)?;
            for raw in &mut held {
                let answer = raw.response().map_err(|stop| stop.to_string());
                gives(answer, 200, &json!("worked"))?;
            }
            gives(get(&mik, "/script/quick"), 200, &json!(1))
        });
    });
}
