//! What browsers are told about pages of other origins.

use std::sync::LazyLock;

use mik_conformance::{Cases, Mik, Outcome, Response, failed_with, request};

use super::{ask, has, same};

const APP: &str = "https://app.example.com";
const EVIL: &str = "https://evil.example.com";

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = r#"
        [middleware.cors]
        origins = ["https://app.example.com", "http://localhost:5173"]
        methods = ["GET", "PUT"]
        headers = ["content-type", "x-key"]
        expose = ["x-request-id"]
        credentials = true
        max_age = "1h"
        [modules.open.cors]
        origins = "*"
        credentials = false
        [modules.inspect.cors]
        enabled = false
        [server.limits]
        body_bytes = "1KiB"
    "#;
    let guests = mik_conformance::Setup::new(&["hello", "inspect", "trap"]).guest("hello", "open");
    guests.config(config).start()
});

fn preflight(target: &str, origin: &str) -> Result<Response, String> {
    let fields = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-key"),
    ];
    ask(&MIK, "OPTIONS", target, &fields)
}

/// Says nothing but that it depends on the origin.
fn is_silent(answer: &Response) -> Outcome {
    let fields = answer.head.fields.0.iter();
    let told: Vec<_> = fields.filter(|(name, _)| name.starts_with("access-control-")).collect();
    same("told", told, vec![])?;
    has(answer, &[("vary", Some("origin"))])
}

#[test]
fn preflights_are_answered_at_the_edge() {
    let mut cases = Cases::of("cors: preflights");
    for target in ["/run/hello/", "/run/trap/?how=unreachable", "/run/none", "/nowhere"] {
        MIK.case(&mut cases, target, || {
            let answer = preflight(target, APP)?;
            same("status", answer.status(), 204)?;
            has(
                &answer,
                &[
                    ("access-control-allow-origin", Some(APP)),
                    ("access-control-allow-methods", Some("GET, PUT")),
                    ("access-control-allow-headers", Some("content-type, x-key")),
                    ("access-control-allow-credentials", Some("true")),
                    ("access-control-max-age", Some("3600")),
                    ("vary", Some("origin")),
                    ("content-length", None),
                ],
            )
        });
    }
    for origin in [EVIL, "null", "https://app.example.com.evil.com", "http://app.example.com"] {
        MIK.case(&mut cases, origin, || {
            let answer = preflight("/run/hello/", origin)?;
            same("status", answer.status(), 204)?;
            is_silent(&answer)
        });
    }
    MIK.case(&mut cases, "everybody", || {
        let answer = preflight("/run/open/", EVIL)?;
        has(
            &answer,
            &[
                ("access-control-allow-origin", Some("*")),
                ("access-control-allow-credentials", None),
                ("vary", None),
            ],
        )
    });
    MIK.case(&mut cases, "off for a module: it answers itself", || {
        let answer = preflight("/run/inspect/", APP)?;
        same("method", answer.json()["method"].as_str(), Some("OPTIONS"))?;
        has(&answer, &[("access-control-allow-origin", None)])
    });
    cases.finish();
}

#[test]
fn answers_and_errors_are_marked() {
    let mut cases = Cases::of("cors: answers");
    let marks = [
        ("access-control-allow-origin", Some(APP)),
        ("access-control-allow-credentials", Some("true")),
        ("access-control-expose-headers", Some("x-request-id")),
        ("access-control-allow-methods", None),
        ("vary", Some("origin")),
    ];
    let origin = [("origin", APP)];
    MIK.case(&mut cases, "an answer", || {
        let answer = ask(&MIK, "GET", "/run/hello/", &origin)?;
        same("status", answer.status(), 200)?;
        has(&answer, &marks)
    });
    let errors = [
        ("/nowhere", 404, "not-found"),
        ("/run/none/", 404, "not-found"),
        ("/run/trap/?how=unreachable", 500, "trap"),
    ];
    for (target, status, kind) in errors {
        MIK.case(&mut cases, target, || {
            let answer = ask(&MIK, "GET", target, &origin)?;
            failed_with(&answer, status, kind)?;
            has(&answer, &marks)
        });
    }
    MIK.case(&mut cases, "what is refused before it is read", || {
        let sent = request("POST", "/run/hello/", &origin, &[b'x'; 2_000]);
        let mut raw = MIK.connect();
        let _ = raw.send(sent);
        let answer = raw.response().map_err(|stop| stop.to_string())?;
        failed_with(&answer, 413, "body")?;
        has(&answer, &marks)
    });
    for fields in [&[("origin", EVIL)][..], &[]] {
        MIK.case(&mut cases, &format!("{fields:?}"), || {
            let answer = ask(&MIK, "GET", "/run/hello/", fields)?;
            same("status", answer.status(), 200)?;
            is_silent(&answer)
        });
    }
    cases.finish();
}
