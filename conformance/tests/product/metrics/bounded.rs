//! Row 51: what clients send makes no series.

use std::thread;

use mik_conformance::{Cases, Mik, Outcome, request, told};

use super::Page;

const REQUESTS: &str = "http_server_request_duration_seconds_count";
const NO_ROUTE: [(&str, &str); 4] = [
    ("error_type", "not-found"),
    ("http_request_method", "GET"),
    ("http_response_status_class", "4xx"),
    ("http_route", ""),
];

/// Sends `count` requests that `make` writes, many at a time, and reads their answers.
fn flood(mik: &Mik, count: usize, make: impl Fn(usize) -> Vec<u8>) -> Outcome {
    const AT_ONCE: usize = 100;
    let mut raw = mik.connect();
    for start in (0..count).step_by(AT_ONCE) {
        let batch = start..count.min(start + AT_ONCE);
        let bytes: Vec<u8> = batch.clone().flat_map(&make).collect();
        raw.send(bytes).map_err(|error| error.to_string())?;
        for i in batch {
            let answer = raw.response();
            if answer.is_err() {
                return Err(format!("{i}: {}", told(&answer)));
            }
        }
    }
    Ok(())
}

#[test]
fn row_51_series_are_bounded() {
    let mut cases = Cases::of("row 51");
    let mik = Mik::run(&["hello"], "[middleware.access-log]\nenabled = false\n");
    let series = || Page::of(&mik).series(REQUESTS).len();
    mik.case(&mut cases, "100,000 paths", || {
        let paths = |thread: usize| {
            let path = move |i| format!("/{thread}-{i}%22%0a%5C/{i}");
            flood(&mik, 25_000, move |i| request("GET", &path(i), &[], b""))
        };
        thread::scope(|scope| {
            let all: Vec<_> = (0..4).map(|thread| scope.spawn(move || paths(thread))).collect();
            all.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err("panic".into())))
        })?;
        let page = Page::of(&mik);
        match page.value(REQUESTS, &NO_ROUTE) {
            100_000.0 => Ok(()),
            count => Err(format!("{count} requests without a route")),
        }
    });
    mik.case(&mut cases, "1,000 methods", || {
        let before = series();
        flood(&mik, 1_000, |i| request(&format!("M{i}"), "/run/hello/", &[], b""))?;
        let labels = [
            ("http_request_method", "other"),
            ("http_response_status_class", "2xx"),
            ("http_route", "/run/hello/*"),
        ];
        let count = Page::of(&mik).value(REQUESTS, &labels);
        let more = series() - before;
        if count == 1_000.0 && more == 1 {
            Ok(())
        } else {
            Err(format!("{count}, {more} more series"))
        }
    });
    mik.case(&mut cases, "hostile bytes", || {
        for target in
            ["/\"}\\", "/run/hello/\"} 1\\n#", "/metrics/%00", "/run/a%22%7D/", "/%FF%C0%AF"]
        {
            let mut raw = mik.connect();
            let fields =
                [("user-agent", "\"}\\n# TYPE x counter\\nx 1"), ("x-forwarded-for", "\"}")];
            let _ = raw.request("GET", target, &fields, b"");
        }
        let more = series();
        if more <= 6 { Ok(()) } else { Err(format!("{more} series:\n{}", Page::of(&mik).text())) }
    });
    cases.finish();
}
