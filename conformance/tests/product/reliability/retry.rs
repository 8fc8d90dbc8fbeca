//! Calls that are made again, and calls that must not be.

use std::sync::LazyLock;

use mik_conformance::Origin;

use super::*;

/// The module `flaky` fails half of the time, in a sequence that is always the same.
const CONFIG: &str = "\
[middleware.breaker]
enabled = false
[middleware.retry]
attempts = 10
delay = \"1ms\"
max_delay = \"5ms\"
budget = 1.0
min_per_second = 1000
[modules.trap.retry]
attempts = 3
[modules.poor.retry]
budget = 0.0
min_per_second = 1
[modules.flaky.fault]
seed = 1
error = { rate = 0.5, status = 503 }
";

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let setup = Setup::new(&["hello", "trap", "half"]).guest("echo", "flaky");
    setup.guest("trap", "poor").config(CONFIG).start()
});

fn attempts(module: &str) -> f64 {
    Page::of(&MIK).value("mik_retry_attempts_total", &[("mik_module", module)])
}

/// The attempts after the first that `work` has cost.
fn costs(module: &str, work: impl FnOnce() -> Outcome) -> Result<f64, String> {
    let before = attempts(module);
    work()?;
    Ok(attempts(module) - before)
}

fn exactly(found: f64, expected: f64) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{found} more attempts, not {expected}")) }
}

#[test]
fn what_fails_is_tried_again() {
    let mut cases = Cases::of("retry");
    MIK.case(&mut cases, "until it succeeds", || {
        let more = costs("flaky", || (0..30).try_for_each(|_| answers(&MIK, "/run/flaky/", 200)))?;
        if more > 0.0 { Ok(()) } else { Err("nothing had failed".to_owned()) }
    });
    MIK.case(&mut cases, "with the same body", || {
        let body = vec![b'x'; 60_000];
        let more = costs("flaky", || {
            for _ in 0..20 {
                let answer = MIK.connect().request("PUT", "/run/flaky/", &[], &body);
                match &answer {
                    Ok(response) if response.status() == 200 && response.body == body => {}
                    _ => return Err(told(&answer).chars().take(300).collect()),
                }
            }
            Ok(())
        })?;
        if more > 0.0 { Ok(()) } else { Err("nothing had failed".to_owned()) }
    });
    MIK.case(&mut cases, "so often, then the last answer is passed on", || {
        let more = costs("trap", || fails(&MIK, "/run/trap/", 500, "trap"))?;
        exactly(more, 2.0)
    });
    MIK.case(&mut cases, "not with a method that is not idempotent", || {
        let more = costs("trap", || {
            let answer = MIK.post("/run/trap/", b"x").map_err(|stop| stop.to_string())?;
            failed_with(&answer, 500, "trap")
        })?;
        exactly(more, 0.0)
    });
    MIK.case(&mut cases, "not once the head was passed on", || {
        let more = costs("half", || {
            let answer = MIK.get("/run/half/?pause_ms=100").map_err(|stop| stop.to_string())?;
            match (answer.status(), answer.is_whole()) {
                (200, false) => Ok(()),
                _ => Err(format!("{answer}")),
            }
        })?;
        exactly(more, 0.0)
    });
    MIK.case(&mut cases, "not past the budget", || {
        let started = std::time::Instant::now();
        let more =
            costs("poor", || (0..50).try_for_each(|_| fails(&MIK, "/run/poor/", 500, "trap")))?;
        // One is there at the start, and one comes each second.
        let most = 1.0 + started.elapsed().as_secs_f64();
        if !(1.0..=most).contains(&more) {
            return Err(format!("{more} more attempts, and not 1 to {most}"));
        }
        let name = "mik_retry_budget_exhausted_total";
        match Page::of(&MIK).value(name, &[("mik_module", "poor")]) {
            count if count >= 50.0 - most => Ok(()),
            count => Err(format!("{name} is {count}")),
        }
    });
    cases.finish();
}

static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);

#[test]
fn an_outgoing_request_is_tried_again_when_asked() {
    let mut cases = Cases::of("retry, outgoing");
    let port = ORIGIN.port();
    for (upstream, seen) in [(true, 3), (false, 1)] {
        // The module answers 502 itself: that is to be passed on.
        let config = format!(
            "[middleware.retry]\nupstream = {upstream}\ndelay = \"1ms\"\nstatuses = [503]\n\
             [modules.upstream]\nallowed_hosts = [\"127.0.0.1:{port}\"]\n",
        );
        let mik = Mik::run(&["hello", "upstream"], &config);
        mik.case(&mut cases, &format!("upstream = {upstream}"), || {
            let url = format!("http://127.0.0.1:{port}/garbage%3Fretry{upstream}");
            answers(&mik, &format!("/run/upstream/?url={url}"), 502)?;
            let came = ORIGIN.requests(&format!("garbage?retry{upstream}")).len();
            if came == seen { Ok(()) } else { Err(format!("{came} requests came, not {seen}")) }
        });
    }
    cases.finish();
}
