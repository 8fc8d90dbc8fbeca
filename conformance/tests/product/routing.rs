//! Which request reaches which guest, and what the guest sees of it.

use std::sync::LazyLock;

use mik_conformance::{Cases, Mik, Response, SECRET, Setup, failed_with, request, told};
use serde_json::Value;

static MIK: LazyLock<Mik> = LazyLock::new(|| {
    let config = "[modules.inspect]\nenv = { GREETING = \"hi\" }\n\
                  [modules.mounted]\nroute = \"/api\"\n";
    Setup::new(&["hello", "inspect", "echo"]).guest("inspect", "mounted").config(config).start()
});

fn inspected(target: &str, fields: &[(&str, &str)]) -> Value {
    let answer = MIK.connect().request("GET", target, fields, b"");
    match &answer {
        Ok(response) if response.status() == 200 => response.json(),
        _ => panic!("GET {target}: expected 200, got {}", told(&answer)),
    }
}

fn seen<'a>(report: &'a Value, name: &str) -> Vec<&'a str> {
    let pairs = report["headers"].as_array().expect("inspect lists the headers");
    pairs.iter().filter(|pair| pair[0] == name).filter_map(|pair| pair[1].as_str()).collect()
}

#[test]
fn path_and_query_arrive_exactly_as_sent() {
    let mut cases = Cases::of("path and query");
    for (rest, expected) in [
        ("/a%20b/c?x=1&y=%2F", "/a%20b/c?x=1&y=%2F"),
        ("", "/"),
        ("/", "/"),
        ("?", "/?"),
        ("?x=1", "/?x=1"),
        ("/?x=1?y=2", "/?x=1?y=2"),
        ("/a/b/", "/a/b/"),
        ("//a//b", "//a//b"),
        ("/%2e%2e/%2F%5c%00?%zz", "/%2e%2e/%2F%5c%00?%zz"),
        ("/a;b=c,d/:@!$&'()*+", "/a;b=c,d/:@!$&'()*+"),
        ("/run/inspect/x", "/run/inspect/x"),
    ] {
        let report = inspected(&format!("/run/inspect{rest}"), &[]);
        cases.check(rest, report["path_with_query"] == expected, &report["path_with_query"]);
        let prefix = seen(&report, "x-forwarded-prefix");
        cases.check(rest, prefix == ["/run/inspect"], format!("x-forwarded-prefix {prefix:?}"));
    }
    cases.finish();
}

#[test]
fn a_route_of_the_configuration_mounts_a_module() {
    let mut cases = Cases::of("modules.NAME.route");
    for (target, expected) in
        [("/api", "/"), ("/api/", "/"), ("/api/a?b", "/a?b"), ("/run/mounted/a", "/a")]
    {
        let report = inspected(target, &[]);
        cases.check(target, report["path_with_query"] == expected, &report["path_with_query"]);
    }
    let answer = MIK.get("/apix");
    cases.check("/apix", answer.as_ref().is_ok_and(|answer| answer.status() == 404), told(&answer));
    let report = inspected("/api/a", &[("x-forwarded-prefix", "/forged")]);
    let prefix = seen(&report, "x-forwarded-prefix");
    cases.check("a forged prefix", prefix == ["/api"], format!("{prefix:?}"));
    cases.finish();
}

#[test]
fn the_root_can_be_a_component() {
    let mik = Setup::new(&[]).guest("inspect", "only-composed").args(&["--route", "/"]);
    let mik = mik.args(&["./modules/only-composed.wasm"]).start();
    let mut cases = Cases::of("mik run FILE --route /");
    for (target, expected) in
        [("/", "/"), ("/a%20b?x", "/a%20b?x"), ("/run/only/a", "/a"), ("/healthy", "/healthy")]
    {
        let answer = mik.get(target);
        let path = answer
            .as_ref()
            .map(|answer| answer.json()["path_with_query"].clone())
            .unwrap_or_default();
        cases.check(target, path == expected, told(&answer));
    }
    let report: Value = serde_json::from_str(&mik.text("/x")).expect("inspect answers JSON");
    let prefix = seen(&report, "x-forwarded-prefix");
    cases.check("no prefix at the root", prefix.is_empty(), format!("{prefix:?}"));
    cases.check("/health stays", mik.health()["modules"]["known"] == 1, mik.health());
    cases.finish();
}

#[test]
fn what_is_not_there_is_a_404() {
    let mut cases = Cases::of("404");
    for target in [
        "/",
        "/nothing",
        "/run",
        "/run/",
        "/run/nothing",
        "/run/hell",
        "/run/hello.wasm",
        "/run/Hello",
        "/run/%68ello/",
        "/run/../run/hello",
        "/health/x",
        "/script/hello",
        "/%00",
        "/?x",
    ] {
        let answer = MIK.get(target);
        let outcome = answer.as_ref().map_err(ToString::to_string);
        cases.note(target, outcome.and_then(|answer| failed_with(answer, 404, "not-found")));
    }
    cases.finish();
}

#[test]
fn methods_reach_the_guest_and_head_has_no_body() {
    let mut cases = Cases::of("methods");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "x-own"] {
        let answer = MIK.connect().request(method, "/run/inspect/", &[], b"");
        let seen =
            answer.as_ref().map(|answer| answer.json()["method"].clone()).unwrap_or_default();
        cases.check(method, seen == method, told(&answer));
    }
    let mut raw = MIK.connect();
    for target in ["/run/hello/", "/run/inspect/", "/health"] {
        let name = format!("HEAD {target}");
        let answer = raw.request("HEAD", target, &[], b"");
        cases.check(
            &name,
            answer.as_ref().is_ok_and(|answer| answer.status() == 200),
            told(&answer),
        );
        // A body after a HEAD would be read as the next response.
        let next = raw.get("/run/hello/");
        let right = next.as_ref().is_ok_and(|next| next.text() == "Hello from mik!\n");
        cases.check(&format!("the request after {name}"), right, told(&next));
    }
    cases.finish();
}

#[test]
fn health_tells_of_modules_and_knows_its_methods() {
    let health = MIK.health();
    let mut cases = Cases::of("/health");
    cases.check("status", health["status"] == "ready", &health);
    cases.check("version", health["version"].is_string(), &health);
    cases.check("known", health["modules"]["known"] == 4, &health);
    cases.check(
        "loaded",
        health["modules"]["loaded"].as_u64().is_some_and(|loaded| loaded <= 4),
        &health,
    );
    cases.check("in_flight", health["in_flight"].is_u64(), &health);
    let answer = MIK.post("/health", b"x");
    let refused = answer.as_ref().map_err(ToString::to_string);
    cases.note("POST", refused.and_then(|answer| failed_with(answer, 405, "method")));
    let allow = answer.as_ref().ok().and_then(|answer| answer.field("allow").map(str::to_owned));
    cases.check("allow", allow.as_deref() == Some("GET, HEAD"), told(&answer));
    cases.finish();
}

#[test]
fn the_guest_sees_the_authority_and_the_fields_of_the_request_alone() {
    let mut cases = Cases::of("authority and fields");
    let mut raw = MIK.connect();
    let sent = "GET /run/inspect/ HTTP/1.1\r\nhost: shop.example:8080\r\nconnection: keep-alive, x-hop\r\n\
                x-hop: 1\r\nkeep-alive: timeout=5\r\nte: trailers\r\nproxy-connection: close\r\n\
                x-two: a\r\nX-Two: b\r\nx-latin: caf\u{e9}\r\ncookie: a=1\r\n\r\n";
    raw.send(sent).expect("a request can be sent");
    let answer = raw.response();
    let report = answer.as_ref().map(Response::json).unwrap_or_default();
    cases.check("answered", !report.is_null(), told(&answer));
    cases.check("authority", report["authority"] == "shop.example:8080", &report);
    cases.check("scheme", report["scheme"] == "http", &report);
    for (name, expected) in
        [("x-two", &["a", "b"][..]), ("cookie", &["a=1"]), ("x-latin", &["caf\u{e9}"])]
    {
        let values = seen(&report, name);
        cases.check(name, values == expected, format!("{values:?}"));
    }
    for name in ["connection", "x-hop", "keep-alive", "te", "proxy-connection"] {
        let values = seen(&report, name);
        cases.check(name, values.is_empty(), format!("{values:?} reached the guest"));
    }
    cases.finish();
}

#[test]
fn the_guest_sees_its_own_environment_only() {
    let report = inspected("/run/inspect/", &[]);
    let mut cases = Cases::of("environment");
    cases.check("granted", report["env"]["GREETING"] == "hi", &report["env"]);
    cases.check(
        "nothing else",
        report["env"].as_object().is_some_and(|env| env.len() == 1),
        &report["env"],
    );
    let other = inspected("/run/mounted/", &[]);
    cases.check(
        "another module",
        other["env"].as_object().is_some_and(serde_json::Map::is_empty),
        &other["env"],
    );
    cases.check("the host's", !report.to_string().contains(SECRET.0), &report);
    let flag = Setup::new(&["inspect"]).args(&["--env", "A=1", "--env", "B=x=y"]).start();
    let report: Value =
        serde_json::from_str(&flag.text("/run/inspect/")).expect("inspect answers JSON");
    cases.check(
        "--env",
        report["env"] == serde_json::json!({ "A": "1", "B": "x=y" }),
        &report["env"],
    );
    cases.finish();
}

#[test]
fn a_connection_is_kept_across_modules_and_errors() {
    let mut raw = MIK.connect();
    let mut cases = Cases::of("keep-alive");
    for (target, status) in [
        ("/run/hello/", 200),
        ("/nothing", 404),
        ("/run/inspect/", 200),
        ("/health", 200),
        ("/run/hello", 200),
    ] {
        let answer = raw.get(target);
        cases.check(
            target,
            answer.as_ref().is_ok_and(|answer| answer.status() == status),
            told(&answer),
        );
    }
    let _ = raw.send(request("GET", "/run/hello/", &[("connection", "close")], b""));
    let received = raw.collect();
    let last = received.answers.len() == 1 && received.end == mik_conformance::Stop::Closed;
    cases.check("connection: close", last, &received);
    cases.finish();
}
