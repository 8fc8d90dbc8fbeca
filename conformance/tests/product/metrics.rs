//! The page of metrics: what it says of real traffic. Row 51, and what rows 26 and 36 count.

mod bounded;
mod page;

use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use mik_conformance::{
    Cases, Mik, Origin, Outcome, Raw, Setup, Stop, eventually, failed_with, request, told,
};

use crate::cli::ends;
pub(crate) use page::Page;

const BOUND: Duration = Duration::from_secs(20);

const REQUESTS: &str = "http_server_request_duration_seconds_count";
const CALLS: &str = "mik_module_call_duration_seconds_count";
const REJECTIONS: &str = "mik_rejections_total";

static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::start);

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = format!(
        "[server.limits]\nin_flight = 4\n\
         [modules.upstream]\nallowed_hosts = [\"localhost:{}\", \"*.mik.internal\"]\n\
         [modules.echo.fault]\npanic = {{ rate = 1.0 }}\n",
        ORIGIN.port()
    );
    let guests = ["hello", "trap", "sleep", "upstream", "echo", "half"];
    Setup::new(&guests).config(&config).empty_cache().start()
});

/// The labels of a GET.
fn get<'a>(route: &'a str, class: &'a str, error: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let mut labels = vec![
        ("http_request_method", "GET"),
        ("http_response_status_class", class),
        ("http_route", route),
    ];
    labels.extend(error.map(|error| ("error_type", error)));
    labels
}

/// A series, and by how much it grows.
type Growth<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

/// Runs `work`; afterwards each series must have grown by so much.
fn grows(work: impl FnOnce() -> Outcome, series: &[Growth<'_>]) -> Outcome {
    let before = Page::of(&MIK);
    work()?;
    let mut wrong = String::new();
    let all = eventually(BOUND, || {
        let after = Page::of(&MIK);
        let grown =
            |(name, labels, _): &Growth<'_>| after.value(name, labels) - before.value(name, labels);
        let other = series.iter().find(|one| grown(one) != one.2);
        wrong = other.map_or(String::new(), |one| {
            format!("{}{:?} has grown by {}, not {}", one.0, one.1, grown(one), one.2)
        });
        other.is_none()
    });
    if all { Ok(()) } else { Err(wrong) }
}

fn answers(target: &str, status: u16) -> Outcome {
    let answer = MIK.get(target);
    match &answer {
        Ok(response) if response.status() == status => Ok(()),
        _ => Err(format!("{target}: expected {status}, got {}", told(&answer))),
    }
}

#[test]
fn each_number_changes_as_it_should() {
    let mut cases = Cases::of("metrics");
    let module = |name, outcome| [("mik_module", name), ("mik_outcome", outcome)];
    MIK.lone_case(&mut cases, "a first call", || {
        let name = [("mik_module", "half")];
        let work = || answers("/run/half/?how=ok", 200);
        grows(
            work,
            &[
                (REQUESTS, &get("/run/half/*", "2xx", None), 1.0),
                (CALLS, &module("half", "ok"), 1.0),
                ("mik_cache_misses_total", &[], 1.0),
                ("mik_cache_entries", &[], 1.0),
                ("mik_module_compiles_total", &name, 1.0),
                ("mik_module_load_duration_seconds_count", &module("half", "ok"), 1.0),
                ("mik_module_instantiation_duration_seconds_count", &name, 1.0),
            ],
        )
    });
    MIK.lone_case(&mut cases, "a second call", || {
        let work = || answers("/run/half/?how=ok", 200);
        grows(
            work,
            &[
                ("mik_cache_hits_total", &[], 1.0),
                ("mik_cache_misses_total", &[], 0.0),
                ("mik_module_compiles_total", &[("mik_module", "half")], 0.0),
            ],
        )?;
        let peak = Page::of(&MIK).value("mik_module_memory_peak_bytes", &[("mik_module", "half")]);
        if peak >= 65_536.0 { Ok(()) } else { Err(format!("{peak} bytes of memory")) }
    });
    MIK.lone_case(&mut cases, "a trap", || {
        let work = || answers("/run/trap/", 500);
        let series = get("/run/trap/*", "5xx", Some("trap"));
        grows(work, &[(REQUESTS, &series, 1.0), (CALLS, &module("trap", "trap"), 1.0)])
    });
    MIK.lone_case(&mut cases, "a trap after the head", || {
        let work = || match MIK.get("/run/half/?how=trap&pause_ms=100") {
            Ok(answer) if answer.status() == 200 && !answer.is_whole() => Ok(()),
            other => Err(told(&other)),
        };
        let series = get("/run/half/*", "2xx", Some("trap"));
        grows(work, &[(REQUESTS, &series, 1.0), (CALLS, &module("half", "trap"), 1.0)])
    });
    MIK.lone_case(&mut cases, "no route", || {
        let work = || answers("/nowhere", 404);
        grows(work, &[(REQUESTS, &get("", "4xx", Some("not-found")), 1.0)])
    });
    MIK.lone_case(&mut cases, "row 36: a panic", || {
        let work =
            || failed_with(&MIK.get("/run/echo/").map_err(|stop| stop.to_string())?, 500, "panic");
        let series = get("/run/echo/*", "5xx", Some("panic"));
        grows(work, &[(REQUESTS, &series, 1.0), (CALLS, &module("echo", "panic"), 1.0)])
    });
    MIK.lone_case(&mut cases, "a client that leaves", || {
        let work = || {
            let mut raw = MIK.connect();
            let _ = raw.send(request("GET", "/run/sleep/?for_ever=1", &[], b""));
            if !MIK.wait_in_flight(1, BOUND) {
                return Err("it is not in flight".to_owned());
            }
            let page = Page::of(&MIK);
            let now = ["mik_calls_in_flight", "http_server_active_requests"];
            // The page itself is a request as well.
            match now.map(|name| page.value(name, &[])) {
                [1.0, 2.0] => Ok(()),
                found => Err(format!("{now:?} are {found:?}")),
            }
        };
        grows(
            work,
            &[
                (REQUESTS, &get("/run/sleep/*", "4xx", Some("client-gone")), 1.0),
                (CALLS, &module("sleep", "cancelled"), 1.0),
                ("mik_calls_in_flight", &[], 0.0),
                ("http_server_active_requests", &[], 0.0),
            ],
        )
    });
    MIK.lone_case(&mut cases, "a nested call", || {
        let work = || answers("/run/upstream/?url=http%3A%2F%2Fhello.mik.internal%2F", 200);
        grows(
            work,
            &[
                (CALLS, &module("upstream", "ok"), 1.0),
                (CALLS, &module("hello", "ok"), 1.0),
                (REQUESTS, &get("/run/hello/*", "2xx", None), 0.0),
            ],
        )
    });
    MIK.lone_case(&mut cases, "a request that leaves", || {
        let port = ORIGIN.port().to_string();
        let target = format!("/run/upstream/?url=http%3A%2F%2Flocalhost:{port}%2Fx");
        let labels = [
            ("http_response_status_class", "2xx"),
            ("server_address", "localhost"),
            ("server_port", port.as_str()),
        ];
        let work = || answers(&target, 200);
        grows(work, &[("http_client_request_duration_seconds_count", &labels, 1.0)])
    });
    cases.finish();
}

#[test]
fn refusals_are_counted() {
    let mut cases = Cases::of("metrics of refusals");
    MIK.lone_case(&mut cases, "overload", || {
        let work = || {
            let mut held = Vec::new();
            for number in 1..=4 {
                let mut raw = MIK.connect();
                let _ = raw.send(request("GET", "/run/sleep/?for_ever=1", &[], b""));
                held.push(raw);
                if !MIK.wait_in_flight(number, BOUND) {
                    return Err("not in flight".to_owned());
                }
            }
            let answer = MIK.get("/run/hello/").map_err(|stop| stop.to_string())?;
            failed_with(&answer, 503, "overloaded")
        };
        let rejected = [("error_type", "overloaded"), ("http_route", "/run/hello/*")];
        let failed = get("/run/hello/*", "5xx", Some("overloaded"));
        grows(work, &[(REJECTIONS, &rejected, 1.0), (REQUESTS, &failed, 1.0)])
    });
    MIK.lone_case(&mut cases, "what is no request", || {
        let work = || {
            let mut raw = MIK.connect();
            let _ = raw.send("this is not HTTP\r\n\r\n");
            let received = raw.collect();
            match received.end {
                Stop::Closed | Stop::Reset => Ok(()),
                _ => Err(received.to_string()),
            }
        };
        let none = get("", "4xx", Some("malformed"));
        grows(work, &[("mik_server_unparsed_total", &[], 1.0), (REQUESTS, &none, 0.0)])
    });
    MIK.lone_case(&mut cases, "connections", || {
        let work = || answers("/health", 200);
        let before = Page::of(&MIK).value("mik_server_accepted_total", &[]);
        work()?;
        let page = Page::of(&MIK);
        let more = page.value("mik_server_accepted_total", &[]) - before;
        // One for the health, one for the page; and the page is read on an open one.
        if more >= 2.0 && page.value("mik_server_connections", &[]) >= 1.0 {
            Ok(())
        } else {
            Err(format!("{more} more accepted; {}", page.text()))
        }
    });
    cases.finish();
}

#[test]
fn row_26_a_pause_is_counted() {
    let mut cases = Cases::of("row 26, counted");
    let mik = Mik::run(&["hello", "sleep"], "[server.limits]\nconnections = 4\n");
    mik.lone_case(&mut cases, "all busy", || {
        let before = Page::of(&mik).value("mik_server_accept_pauses_total", &[]);
        let mut busy: Vec<Raw> = Vec::new();
        for _ in 0..4 {
            let mut raw = mik.connect();
            let _ = raw.send(request("GET", "/run/sleep/?for_ever=1&after=head", &[], b""));
            raw.head("GET").map_err(|stop| format!("a busy one: {stop}"))?;
            busy.push(raw);
        }
        let mut late = mik.connect();
        let _ = late.send(request("GET", "/health", &[], b""));
        if !matches!(late.patience(Duration::from_secs(1)).response(), Err(Stop::Silent)) {
            return Err("the fifth did not have to wait".to_owned());
        }
        busy.clear();
        late.patience(BOUND).response().map_err(|stop| format!("once there is room: {stop}"))?;
        drop(late);
        let page = Page::of(&mik);
        let pauses = page.value("mik_server_accept_pauses_total", &[]) - before;
        // One, not one each time the server looked again. Two where the connection that read the
        // first page was still closing when the last of the busy ones came.
        if (1.0..=2.0).contains(&pauses) { Ok(()) } else { Err(format!("{pauses} pauses")) }
    });
    cases.finish();
}

#[test]
fn numbers_go_on_when_the_configuration_is_read_again() {
    let mik = Mik::run(&["hello"], "");
    let mut cases = Cases::of("metrics and reload");
    let served = get("/run/hello/*", "2xx", None);
    let called = [("mik_module", "hello"), ("mik_outcome", "ok")];
    mik.lone_case(&mut cases, "the same, with another path", || {
        for round in 1..=3_u32 {
            mik.text("/run/hello/");
            let path = format!("/metrics-{round}");
            let config = format!("[middleware.metrics]\npath = \"{path}\"\n");
            fs::write(mik.path().join("mik.toml"), config).map_err(|error| error.to_string())?;
            mik.reload();
            let there = || mik.get(&path).is_ok_and(|answer| answer.status() == 200);
            if !eventually(BOUND, there) {
                return Err(format!("no page at {path}; stderr:\n{}", mik.stderr()));
            }
            let page = Page::read(mik.text(&path));
            let counts = [
                page.value(REQUESTS, &served),
                page.value(CALLS, &called),
                page.value("mik_modules", &[]),
            ];
            if counts != [f64::from(round), f64::from(round), 1.0] {
                return Err(format!("round {round}: {counts:?}\n{}", page.text()));
            }
        }
        let gone = mik.get("/metrics").map(|answer| answer.status());
        if gone == Ok(404) { Ok(()) } else { Err(format!("at the old path: {gone:?}")) }
    });
    cases.finish();
}

#[test]
fn the_page_is_read_and_nothing_else() {
    let mik = Mik::run(&["hello", "sleep"], "");
    let mut cases = Cases::of("the page of metrics");
    mik.case(&mut cases, "GET", || {
        let answer = mik.get("/metrics").map_err(|stop| stop.to_string())?;
        let fields = ["content-type", "cache-control"].map(|name| answer.field(name));
        let expected = [Some("text/plain; version=0.0.4; charset=utf-8"), Some("no-store")];
        if fields == expected { Ok(()) } else { Err(format!("{fields:?}")) }
    });
    mik.case(&mut cases, "HEAD", || {
        let answer = mik.connect().request("HEAD", "/metrics", &[], b"");
        match &answer {
            Ok(response) if response.status() == 200 && response.body.is_empty() => Ok(()),
            _ => Err(told(&answer)),
        }
    });
    for method in ["POST", "PUT", "DELETE"] {
        mik.case(&mut cases, method, || {
            let answer = mik.connect().request(method, "/metrics", &[], b"");
            let answer = answer.map_err(|stop| stop.to_string())?;
            failed_with(&answer, 405, "method")?;
            let allow = answer.field("allow");
            if allow == Some("GET, HEAD") { Ok(()) } else { Err(format!("allow: {allow:?}")) }
        });
    }
    let drained = || {
        let mut raw = mik.connect();
        let _ = raw.send(request("GET", "/run/sleep/?ms=3000", &[], b""));
        if !mik.wait_in_flight(1, BOUND) {
            return Err("it is not in flight".to_owned());
        }
        mik.terminate();
        let draining = || mik.get("/run/hello/").is_ok_and(|answer| answer.status() == 503);
        if !eventually(BOUND, draining) {
            return Err("it does not drain".to_owned());
        }
        let page = mik.get("/metrics");
        let served = matches!(&page, Ok(page) if page.status() == 200 && page.is_whole());
        // What is in flight ends before the process does.
        let answer = raw.response();
        match &answer {
            Ok(response) if served && response.status() == 200 => {}
            _ => return Err(format!("{}; the page: {}", told(&answer), told(&page))),
        }
        let status = mik.exit(BOUND).and_then(|status| status.code());
        if status == Some(0) { Ok(()) } else { Err(format!("exit {status:?}")) }
    };
    cases.note("while draining", drained());
    let without = Mik::run(&["hello"], "[middleware.metrics]\nenabled = false\n");
    without.case(&mut cases, "switched off", || {
        let answer = without.get("/metrics").map_err(|stop| stop.to_string())?;
        failed_with(&answer, 404, "not-found")
    });
    cases.finish();
}

#[test]
fn a_table_that_makes_no_sense_is_refused() {
    let mut cases = Cases::of("[middleware.metrics]");
    for (table, told) in [
        ("path = \"metrics\"", &["mik.toml:2", "a route starts with '/'"][..]),
        ("path = \"/health\"", &["/health is the host's own", "/metrics"]),
        ("paht = \"/x\"", &["mik.toml:2", "paht", "path"]),
        ("path = 5", &["mik.toml:2", "path"]),
    ] {
        let setup = Setup::new(&[]).config(&format!("[middleware.metrics]\n{table}\n"));
        cases.note(table, ends(&setup.run(&["check"]), 1, told));
    }
    cases.finish();
}
