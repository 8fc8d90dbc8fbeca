//! Row 28, the rate limit, and row 14 for what it and `auth` refuse. Who may come in stands in `auth`.

mod auth;

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use mik_conformance::{
    Cases, Mik, Outcome, Raw, Response, Setup, closed, eventually, failed_with, request, told,
};

use crate::cli::ends;
use crate::exchange;
use auth::GUARDED;

/// What a burst must fit into: so long that no more is earned while a test runs.
const HOUR: u64 = 3_600;
/// Ten times the second in which `quick` earns a request.
const EARNED: Duration = Duration::from_secs(10);
/// Keys that the limit of `MANY` remembers.
const REMEMBERED: u64 = 1_000;

/// `hello` stays without limit and without guard: it is the innocent request.
static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = "[modules.echo.rate-limit]\nrequests = 5\nper = \"1h\"\n\
                  [modules.burst.rate-limit]\nrequests = 5\nper = \"1h\"\nburst = 2\n\
                  [modules.forged.rate-limit]\nrequests = 5\nper = \"1h\"\n\
                  [modules.spent.rate-limit]\nrequests = 1\nper = \"1h\"\n\
                  [modules.quick.rate-limit]\nrequests = 1\nper = \"1s\"\n\
                  [modules.called.rate-limit]\nrequests = 1\nper = \"1h\"\nring = \"call\"\n\
                  [modules.upstream]\nallowed_hosts = [\"*.mik.internal\"]\n";
    Setup::new(&["hello", "echo", "upstream", "inspect"])
        .guest("hello", "burst")
        .guest("hello", "forged")
        .guest("hello", "spent")
        .guest("hello", "quick")
        .guest("hello", "called")
        .config(config)
        .start()
});

static MANY: LazyLock<Mik> = LazyLock::new(|| {
    let config = format!(
        "[modules.echo.rate-limit]\nrequests = 3\nper = \"1h\"\nmax_keys = {REMEMBERED}\n\
         trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n"
    );
    Mik::run(&["hello", "echo"], &config)
});

/// The value of a number on the page of metrics; 0 where it is not there.
fn number(mik: &Mik, start: &str, labels: &[&str]) -> u64 {
    let page = mik.text("/metrics");
    let fits =
        |line: &&str| line.starts_with(start) && labels.iter().all(|label| line.contains(label));
    let value = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    page.lines().filter(fits).filter_map(value).sum::<f64>() as u64
}

fn rejections(mik: &Mik, module: &str) -> u64 {
    number(mik, "mik_rate_limit_rejections_total{", &[&format!("mik_module=\"{module}\"")])
}

fn answer(raw: &mut Raw, target: &str, fields: &[(&str, &str)]) -> Result<Response, String> {
    let answer = raw.request("GET", target, fields, b"");
    answer.map_err(|stop| format!("no response: {stop}"))
}

fn has(response: &Response, name: &str, value: &str) -> Outcome {
    match response.field(name) == Some(value) {
        true => Ok(()),
        false => Err(format!("{name} is {:?}, not {value:?}: {response}", response.field(name))),
    }
}

/// A refusal that says how long to wait, at most as long as one request takes to be earned.
fn limited(response: &Response, policy: &str, longest: u64) -> Outcome {
    failed_with(response, 429, "rate-limited")?;
    let after = response.field("retry-after").unwrap_or_default();
    if !after.parse::<u64>().is_ok_and(|seconds| (1..=longest).contains(&seconds)) {
        return Err(format!("retry-after is {after:?}: {response}"));
    }
    has(response, "ratelimit", &format!("\"{policy}\";r=0;t={after}"))
}

#[test]
fn row_28_one_more_than_the_window_has() {
    let mut cases = Cases::of("row 28: one more");
    MIK.case(&mut cases, "five in an hour", || {
        let before = rejections(&MIK, "echo");
        let mut raw = MIK.connect();
        for left in (0..5).rev() {
            let response = answer(&mut raw, "/run/echo/", &[])?;
            if response.status() != 200 {
                return Err(format!("{left} left: {response}"));
            }
            has(&response, "ratelimit-policy", "\"echo\";q=5;w=3600")?;
            has(&response, "ratelimit", &format!("\"echo\";r={left};t=720"))?;
        }
        for _ in 0..3 {
            let response = answer(&mut raw, "/run/echo/", &[])?;
            limited(&response, "echo", HOUR / 5)?;
            has(&response, "ratelimit-policy", "\"echo\";q=5;w=3600")?;
        }
        // A client is no connection.
        limited(&answer(&mut MIK.connect(), "/run/echo/", &[])?, "echo", HOUR / 5)?;
        let counted = rejections(&MIK, "echo") - before;
        if counted == 4 { Ok(()) } else { Err(format!("{counted} rejections are counted")) }
    });
    MIK.case(&mut cases, "a burst of two", || {
        let mut raw = MIK.connect();
        for left in [1, 0] {
            let response = answer(&mut raw, "/run/burst/", &[])?;
            has(&response, "ratelimit-policy", "\"burst\";q=5;w=3600;mik-burst=2")?;
            has(&response, "ratelimit", &format!("\"burst\";r={left};t=720"))?;
        }
        limited(&answer(&mut raw, "/run/burst/", &[])?, "burst", HOUR / 5)
    });
    MIK.case(&mut cases, "forged addresses of a peer that nobody trusts", || {
        let mut raw = MIK.connect();
        for n in 0..5 {
            let client = format!("203.0.113.{n}");
            let forwarded = format!("for={client}");
            let fields =
                [("x-forwarded-for", &*client), ("forwarded", &forwarded), ("x-real-ip", &client)];
            let response = answer(&mut raw, "/run/forged/", &fields)?;
            if response.status() != 200 {
                return Err(format!("request {n}: {response}"));
            }
        }
        let forged = [("x-forwarded-for", "203.0.113.99")];
        limited(&answer(&mut raw, "/run/forged/", &forged)?, "forged", HOUR / 5)
    });
    MIK.case(&mut cases, "again when it is earned", || {
        let mut raw = MIK.connect();
        // On a slow machine one is earned between two requests.
        let refused = (0..20).find_map(|_| match answer(&mut raw, "/run/quick/", &[]) {
            Ok(response) if response.status() == 200 => None,
            other => Some(other),
        });
        limited(&refused.ok_or("never refused")??, "quick", 1)?;
        let mut is_in = || answer(&mut raw, "/run/quick/", &[]).is_ok_and(|r| r.status() == 200);
        if eventually(EARNED, &mut is_in) { Ok(()) } else { Err("refused for ever".to_owned()) }
    });
    MIK.case(&mut cases, "calls from module to module", || {
        let nested = "/run/upstream/?url=http%3A%2F%2Fcalled.mik.internal%2F";
        let mut raw = MIK.connect();
        let first = answer(&mut raw, nested, &[])?;
        if first.status() != 200 || first.field("ratelimit").is_some() {
            return Err(first.to_string());
        }
        let second = answer(&mut raw, nested, &[])?;
        if second.status() == 200 {
            return Err(format!("let through: {second}"));
        }
        failed_with(&answer(&mut raw, "/run/called/", &[])?, 429, "rate-limited")
    });
    MIK.case(&mut cases, "health, metrics and other modules", || {
        let mut raw = MIK.connect();
        for target in ["/health", "/metrics", "/run/hello/"] {
            for _ in 0..20 {
                let response = answer(&mut raw, target, &[])?;
                if response.status() != 200 || response.field("ratelimit").is_some() {
                    return Err(format!("{target}: {response}"));
                }
            }
        }
        Ok(())
    });
    cases.finish();
}

/// One request of a client that a trusted proxy names.
fn ask(raw: &mut Raw, client: &str) -> Result<u16, String> {
    Ok(answer(raw, "/run/echo/", &[("x-forwarded-for", client)])?.status())
}

/// One request from each of these addresses, a hundred at a time; all must be let in.
fn come(raw: &mut Raw, numbers: Range<u32>) -> Outcome {
    for start in numbers.clone().step_by(100) {
        let batch = start..numbers.end.min(start + 100);
        let one = |number| {
            let client = address(number);
            request("GET", "/run/echo/", &[("x-forwarded-for", &client)], b"")
        };
        let sent: Vec<u8> = batch.clone().flat_map(one).collect();
        raw.send(sent).map_err(|error| error.to_string())?;
        for number in batch {
            let response = raw.response().map_err(|stop| format!("address {number}: {stop}"))?;
            if response.status() != 200 {
                return Err(format!("address {number}: {response}"));
            }
        }
    }
    Ok(())
}

/// A different address for each number.
fn address(number: u32) -> String {
    std::net::Ipv4Addr::from_bits(0xb000_0000 | number).to_string()
}

#[test]
fn row_28_many_keys_are_bounded() {
    let mut cases = Cases::of("row 28: many keys");
    MANY.case(&mut cases, "thirty thousand addresses", || {
        let mut raw = MANY.connect();
        come(&mut raw, 0..5_000)?;
        let (memory, keys) = (MANY.memory(), number(&MANY, "mik_rate_limit_keys", &[]));
        come(&mut raw, 5_000..30_000)?;
        let grown = MANY.memory().saturating_sub(memory);
        let kept = number(&MANY, "mik_rate_limit_keys", &[]);
        if !(REMEMBERED / 2..=REMEMBERED).contains(&kept) || keys > REMEMBERED {
            return Err(format!("{keys}, then {kept} keys are remembered"));
        }
        // 25,000 keys, were they kept, would be about 2 MiB.
        if grown > 1024 { Err(format!("memory grew by {grown} KiB")) } else { Ok(()) }
    });
    MANY.case(&mut cases, "addresses forged in front of a trusted proxy", || {
        let mut raw = MANY.connect();
        for (field, status) in [
            ("198.51.100.1", 200),
            ("198.51.100.1, 10.0.0.7", 200),
            ("192.0.2.1, 198.51.100.1", 200),
            ("192.0.2.2, 198.51.100.1, 10.0.0.7", 429),
            ("198.51.100.2", 200),
            ("[2001:db8:1:2::1]:4711", 200),
            ("2001:db8:1:2::2", 200),
            ("2001:db8:1:2:3::3", 200),
            ("2001:db8:1:2:4::4", 429),
            ("2001:db8:1:3::1", 200),
        ] {
            let found = ask(&mut raw, field)?;
            if found != status {
                return Err(format!("{field}: {found}, not {status}"));
            }
        }
        Ok(())
    });
    cases.finish();
}

const SMUGGLED: &str = "GET /run/inspect/smuggled HTTP/1.1\r\nhost: h\r\n\r\n";

#[test]
fn row_14_bodies_that_a_refusal_left_unread() {
    let mut cases = Cases::of("row 14: 401 and 429");
    let spent = MIK.get("/run/spent/");
    cases.check(
        "the one that is allowed",
        spent.as_ref().is_ok_and(|one| one.status() == 200),
        told(&spent),
    );
    let next = "GET /run/inspect/open/next HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    for (mik, target, status) in [(&*GUARDED, "/run/inspect/", 401), (&*MIK, "/run/spent/", 429)] {
        for size in [100, 60 * 1024, 1024 * 1024] {
            let body: String = SMUGGLED.chars().cycle().take(size).collect();
            let sent = [&request("POST", target, &[], body.as_bytes()), next.as_bytes()].concat();
            exchange(mik, &mut cases, &format!("{status} to {size} bytes"), &sent, |received| {
                let Some(first) = received.answers.first().filter(|first| first.status() == status)
                else {
                    return Err(format!("expected {status} first"));
                };
                mik_conformance::problem(first)?;
                match received.answers.as_slice() {
                    [_] => closed(received),
                    [_, next] if next.json()["path"] == "/open/next" => Ok(()),
                    _ => {
                        Err("expected an answer, then that of the next request or close".to_owned())
                    }
                }
            });
        }
    }
    cases.finish();
}

#[test]
fn what_makes_no_sense_is_refused_at_the_start() {
    let mut cases = Cases::of("configuration of the guards");
    for (name, config, told) in [
        (
            "a key that is none",
            "[middleware.rate-limit]\nkey = \"clent\"\n",
            &["mik.toml:2", "clent", "client"][..],
        ),
        (
            "part of a second",
            "[middleware.rate-limit]\nper = \"1500ms\"\n",
            &["mik.toml:1", "whole seconds"],
        ),
        (
            "no network",
            "[middleware.rate-limit]\ntrusted_proxies = [\"10.0.0.1/8\"]\n",
            &["mik.toml:2", "10.0.0.0/8"],
        ),
        (
            "an unknown key",
            "[modules.hello.rate-limit]\nrequest = 1\n",
            &["mik.toml:2", "request", "requests"],
        ),
        (
            "no credentials",
            "[middleware.auth]\n",
            &["mik.toml:1", "tokens = [{ env = \"API_TOKEN\" }]"],
        ),
        (
            "no variable",
            "[middleware.auth]\ntokens = [{ env = \"NO_TOKEN\" }]\n",
            &["NO_TOKEN is not set"],
        ),
        (
            "no file",
            "[middleware.auth]\nkeys = [{ file = \"secrets/none\" }]\n",
            &["secrets/none cannot be read"],
        ),
        (
            "an empty file",
            "[middleware.auth]\nkeys = [{ file = \"empty\" }]\n",
            &["empty has no secret in it"],
        ),
        (
            "a secret",
            "[middleware.auth]\ntokens = [\"s3cret\"]\n",
            &["mik.toml:1", "no secret may stand in mik.toml"],
        ),
        (
            "a misspelt key",
            "[middleware.auth]\ntoken = \"s3cret\"\n",
            &["mik.toml:1", "unknown key `token`"],
        ),
        (
            "for a module",
            "[modules.hello.auth]\nkeys = \"s3cret\"\n",
            &["for module hello: `keys`", "no secret may stand in mik.toml"],
        ),
    ] {
        let setup = Setup::new(&["hello"]).file("empty", "\n").config(config);
        let finished = setup.run(&["check", "."]);
        let outcome = ends(&finished, 1, told).and_then(|()| match crate::cli::all(&finished) {
            all if all.contains("s3cret") => Err(format!("it repeats the secret:\n{all}")),
            _ => Ok(()),
        });
        cases.note(name, outcome);
    }
    cases.finish();
}
