//! Header fields that are set, removed, or added for safety.

use std::sync::LazyLock;

use mik_conformance::{Cases, Mik, Setup, failed_with};

use super::{ask, has, same};

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = r#"
        [middleware]
        static = "public"
        [middleware.headers]
        security = true
        remove = ["x-powered-by", "cross-origin-opener-policy"]
        set = { "x-served-by" = "mik", "x-frame-options" = "SAMEORIGIN" }
        hsts = { max_age = "8760h", include_subdomains = true, preload = true }
        request = { set = { "x-tier" = "edge" }, remove = ["x-internal"] }
        [modules.bare.headers]
        enabled = false
    "#;
    let setup = Setup::new(&["hello", "inspect", "trap"]).guest("inspect", "bare");
    setup.file("public/a.txt", "a").config(config).start()
});

const FIELDS: [(&str, Option<&str>); 7] = [
    ("x-content-type-options", Some("nosniff")),
    ("x-frame-options", Some("SAMEORIGIN")),
    ("referrer-policy", Some("same-origin")),
    ("cross-origin-opener-policy", None),
    ("cross-origin-resource-policy", Some("same-origin")),
    ("x-served-by", Some("mik")),
    ("strict-transport-security", Some("max-age=31536000; includeSubDomains; preload")),
];

#[test]
fn every_answer_has_them() {
    let mut cases = Cases::of("headers: responses");
    for (target, status) in [("/run/hello/", 200), ("/static/a.txt", 200), ("/health", 200)] {
        MIK.case(&mut cases, target, || {
            let answer = ask(&MIK, "GET", target, &[])?;
            same("status", answer.status(), status)?;
            has(&answer, &FIELDS)
        });
    }
    for (target, status, kind) in
        [("/nowhere", 404, "not-found"), ("/run/trap/?how=unreachable", 500, "trap")]
    {
        MIK.case(&mut cases, target, || {
            let answer = ask(&MIK, "GET", target, &[])?;
            failed_with(&answer, status, kind)?;
            has(&answer, &FIELDS)
        });
    }
    MIK.case(&mut cases, "off for a module", || {
        let answer = ask(&MIK, "GET", "/run/bare/", &[("x-internal", "1")])?;
        has(&answer, &FIELDS.map(|(name, _)| (name, None)))?;
        same("seen", seen(&answer, "x-internal"), vec!["1".to_owned()])
    });
    cases.finish();
}

/// The values of a header that the guest `inspect` saw.
fn seen(answer: &mik_conformance::Response, name: &str) -> Vec<String> {
    let json = answer.json();
    let fields = json["headers"].as_array().cloned().unwrap_or_default();
    let of_name = fields.iter().filter(|field| field[0] == name);
    of_name.filter_map(|field| field[1].as_str().map(ToOwned::to_owned)).collect()
}

#[test]
fn modules_see_the_requests_changed() {
    let mut cases = Cases::of("headers: requests");
    MIK.case(&mut cases, "set and removed", || {
        let fields =
            [("x-tier", "forged"), ("x-tier", "twice"), ("x-internal", "1"), ("x-other", "1")];
        let answer = ask(&MIK, "GET", "/run/inspect/", &fields)?;
        same("x-tier", seen(&answer, "x-tier"), vec!["edge".to_owned()])?;
        same("x-internal", seen(&answer, "x-internal"), vec![])?;
        same("x-other", seen(&answer, "x-other"), vec!["1".to_owned()])
    });
    cases.finish();
}
