//! Calls: where they go, how they nest, when they end.

use super::*;
use crate::{AllowedHost, Grants, MIK_ERROR, ModuleName, ModuleSettings, RoutePath, ServerLimits};
use std::sync::Arc;

/// Settings that allow calls to the hosts given.
fn allowing(hosts: &[&str]) -> ModuleSettings {
    let allowed_hosts = hosts.iter().map(|host| host.parse::<AllowedHost>().unwrap()).collect();
    let grants = Grants { allowed_hosts, ..Grants::default() };
    ModuleSettings { grants: Arc::new(grants), ..ModuleSettings::default() }
}

#[tokio::test]
async fn a_module_sees_its_own_path() {
    let with = fixture(&[("modules/p.wasm", "path")]);
    assert_eq!(with.ask("/run/p/a%20b/c?x=1&y=%2F").await, (200, "/a%20b/c?x=1&y=%2F\n".into()));
    assert_eq!(with.ask("/run/p").await, (200, "/\n".into()));
    assert_eq!(with.ask("/run/p?q").await, (200, "/?q\n".into()));
}

#[tokio::test]
async fn a_mounted_module_answers_below_its_route() {
    let mount = |builder: HostBuilder| {
        let name = || ModuleName::new("p").unwrap();
        builder.route(RoutePath::root(), name()).route(RoutePath::new("/api").unwrap(), name())
    };
    let with = fixture_with(&[("modules/p.wasm", "path")], mount);
    assert_eq!(with.ask("/x").await.1, "/x\n");
    assert_eq!(with.ask("/api/x").await.1, "/x\n");
    assert_eq!(with.ask("/apix").await.1, "/apix\n");
    assert_eq!(with.get("/health").await.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn what_is_not_there_is_404_and_leaves_no_trace() {
    let with = fixture(&[]);
    for path in ["/", "/run/", "/run/no", "/run/no/x", "/script/no", "/runx", "/run/%61"] {
        assert_eq!(with.get(path).await.status(), 404, "{path}");
    }
    assert_eq!(with.host.module_counts(), (0, 0));
}

#[tokio::test]
async fn modules_reach_each_other_only_when_allowed() {
    let files = [("modules/a.wasm", "call http://b.mik.internal/x"), ("modules/b.wasm", "path")];
    let with = fixture(&files);
    let denied = with.get("/run/a").await;
    assert_eq!(
        (denied.status().as_u16(), &denied.headers()[MIK_ERROR]),
        (502, &"bad-gateway".parse().unwrap())
    );
    for hosts in [["b.mik.internal"], ["*.mik.internal"]] {
        let with = fixture_with(&files, |builder| builder.module_defaults(allowing(&hosts)));
        let (status, body) = with.ask("/run/a").await;
        assert_eq!(status, 200, "{hosts:?}");
        assert!(body.ends_with("/x\n"), "{body}");
    }
}

#[tokio::test]
async fn calls_that_nest_too_deep_are_a_loop() {
    let files = [("modules/a.wasm", "call http://a.mik.internal/")];
    let with =
        fixture_with(&files, |builder| builder.module_defaults(allowing(&["*.mik.internal"])));
    assert_eq!(with.get("/run/a").await.status(), 508);
    eventually(|| with.host.in_flight() == 0).await;
}

#[tokio::test]
async fn a_script_calls_modules_one_after_another() {
    let files = [
        ("modules/a.wasm", "say one"),
        ("modules/b.wasm", "say two"),
        ("scripts/s.js", "http://a.mik.internal/\nhttp://b.mik.internal/"),
    ];
    let with =
        fixture_with(&files, |builder| builder.script_defaults(allowing(&["*.mik.internal"])));
    assert_eq!(with.ask("/script/s").await, (200, "one\ntwo\n".into()));
}

#[tokio::test]
async fn one_call_too_many_is_refused_and_the_place_comes_back() {
    let limits = ServerLimits { in_flight: 1, ..ServerLimits::default() };
    let files = [("modules/w.wasm", "wait"), ("modules/a.wasm", "say a")];
    let with = fixture_with(&files, |builder| builder.limits(limits));
    let host = with.host.clone();
    let waiting = tokio::spawn(async move { host.serve(get("/run/w"), None).await });
    eventually(|| with.host.in_flight() == 1).await;
    let refused = with.get("/run/a").await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    waiting.abort();
    eventually(|| with.host.in_flight() == 0).await;
}

#[tokio::test]
async fn a_call_counts_until_its_body_ends() {
    let limits = ServerLimits { in_flight: 1, ..ServerLimits::default() };
    let with = fixture_with(&[("modules/a.wasm", "say a")], |builder| builder.limits(limits));
    let first = with.get("/run/a").await;
    assert_eq!(with.host.in_flight(), 1);
    assert_eq!(with.get("/run/a").await.status(), 503);
    drop(first);
    assert_eq!(with.host.in_flight(), 0);
    assert_eq!(with.get("/run/a").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_host_keeps_a_deadline_that_the_engine_does_not() {
    let with = fixture(&[("modules/w.wasm", "wait")]);
    assert_eq!(with.get("/run/w").await.status(), 504);
}

#[tokio::test]
async fn a_panic_is_one_requests() {
    let with = fixture(&[("modules/p.wasm", "panic"), ("modules/a.wasm", "say a")]);
    let response = with.get("/run/p").await;
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()[MIK_ERROR], "panic");
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(with.host.in_flight(), 0);
    assert_eq!(with.ask("/run/a").await.0, 200);
}

#[tokio::test]
async fn draining_refuses_everything_and_says_so() {
    let with = fixture(&[("modules/a.wasm", "say a")]);
    let (status, health) = with.ask("/health").await;
    assert_eq!(status, 200);
    assert!(health.contains("\"ready\""), "{health}");
    with.host.drain();
    let refused = with.get("/run/a").await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["connection"], "close");
    assert_eq!(with.get("/health").await.status(), 503);
}
