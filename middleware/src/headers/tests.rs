//! What goes, what stays, what is added.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use mik_core::Body;

use super::*;
use crate::rig::{Rig, Served, get, make};

fn serving(document: &str) -> Served {
    rig().made("headers", document).build()
}

fn rig() -> Rig {
    Rig::default()
        .says("plain", "plain")
        .module("talks", |_, _| async {
            let response = http::Response::builder()
                .header("server", "guest/1.0")
                .header("x-powered-by", "wasm")
                .header("x-powered-by", "rust")
                .header("x-frame-options", "SAMEORIGIN")
                .header("x-kept", "1");
            Ok(response.body(Body::from("talks")).unwrap())
        })
        .module("listens", |request, _| async move {
            let heard = request.headers().iter();
            let heard = heard.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
            let mut heard: Vec<_> = heard.collect();
            heard.sort();
            Ok(Response::new(Body::from(heard.join("\n"))))
        })
}

/// The fields of a response, sorted.
async fn fields(served: &Served, target: &str) -> Vec<String> {
    let response = served.get(target).await;
    let mut fields: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    fields.sort();
    fields
}

#[tokio::test]
async fn fields_are_removed_and_replaced() {
    let served = serving(
        r#"
        [middleware.headers]
        remove = ["Server", "x-powered-by", "x-none"]
        set = { "X-Frame-Options" = "DENY", "x-new" = "a b", "x-empty" = "" }
        "#,
    );
    let expected = ["x-empty: ", "x-frame-options: DENY", "x-kept: 1", "x-new: a b"];
    assert_eq!(fields(&served, "/run/talks").await, expected);
    let expected = ["x-empty: ", "x-frame-options: DENY", "x-new: a b"];
    assert_eq!(fields(&served, "/run/plain").await, expected);
}

#[tokio::test]
async fn security_adds_what_a_module_has_not_set() {
    let served = serving("[middleware.headers]\nsecurity = true\n");
    let all = [
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "referrer-policy: same-origin",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
    ];
    assert_eq!(fields(&served, "/run/plain").await, all);
    let talks = fields(&served, "/run/talks").await;
    assert!(talks.contains(&"x-frame-options: SAMEORIGIN".to_owned()), "{talks:?}");
    assert!(!talks.contains(&"x-frame-options: DENY".to_owned()), "{talks:?}");
    for target in ["/none", "/run/none"] {
        let answer = served.get(target).await;
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "errors too");
    }
}

#[tokio::test]
async fn set_and_remove_have_the_last_word() {
    let served = serving(
        r#"
        [middleware.headers]
        security = true
        set = { "x-frame-options" = "ALLOW" }
        remove = ["referrer-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"]
        "#,
    );
    let expected = ["x-content-type-options: nosniff", "x-frame-options: ALLOW"];
    assert_eq!(fields(&served, "/run/plain").await, expected);
}

#[tokio::test]
async fn hsts_is_written_as_browsers_read_it() {
    for (table, value) in [
        ("{}", "max-age=31536000"),
        ("{ max_age = \"0s\" }", "max-age=0"),
        ("{ max_age = \"1h\", include_subdomains = true }", "max-age=3600; includeSubDomains"),
        (
            "{ max_age = \"17520h\", include_subdomains = true, preload = true }",
            "max-age=63072000; includeSubDomains; preload",
        ),
    ] {
        let served = serving(&format!("[middleware.headers]\nhsts = {table}\n"));
        let expected = [format!("strict-transport-security: {value}")];
        assert_eq!(fields(&served, "/run/plain").await, expected);
    }
}

#[tokio::test]
async fn requests_are_changed_on_their_way_in() {
    let served = serving(
        r#"
        [middleware.headers.request]
        set = { "x-tier" = "edge" }
        remove = ["x-internal"]
        "#,
    );
    let mut request = get("/run/listens");
    for (name, value) in
        [("x-tier", "forged"), ("x-tier", "twice"), ("x-internal", "1"), ("x-a", "1")]
    {
        request.headers_mut().append(name, HeaderValue::from_static(value));
    }
    let heard = crate::rig::text(served.send(request).await).await;
    assert_eq!(heard, "x-a: 1\nx-forwarded-prefix: /run/listens\nx-tier: edge");
}

#[tokio::test]
async fn a_module_may_have_rules_of_its_own_or_none() {
    let served = serving(
        r#"
        [middleware.headers]
        set = { "x-all" = "1" }
        remove = ["server", "x-powered-by", "x-frame-options"]
        [modules.talks.headers]
        set = { "x-own" = "1" }
        [modules.plain.headers]
        enabled = false
        "#,
    );
    assert_eq!(fields(&served, "/run/talks").await, ["x-kept: 1", "x-own: 1"]);
    assert!(fields(&served, "/run/plain").await.is_empty());
    assert_eq!(served.get("/none").await.headers()["x-all"], "1");
}

#[tokio::test]
async fn rules_in_rust_do_the_same() {
    let name = HeaderName::from_static;
    let value = HeaderValue::from_static;
    let rules = HeaderRules::new()
        .set(name("x-a"), value("1"))
        .remove(name("server"))
        .remove(name("x-powered-by"))
        .set_in_request(name("x-b"), value("2"))
        .remove_from_request(name("x-c"))
        .hsts(Hsts { max_age: Duration::from_secs(5), ..Hsts::default() });
    let served = rig().with(Headers::new(rules).unwrap()).build();
    let expected = [
        "strict-transport-security: max-age=5",
        "x-a: 1",
        "x-frame-options: SAMEORIGIN",
        "x-kept: 1",
    ];
    assert_eq!(fields(&served, "/run/talks").await, expected);
    let heard = crate::rig::text(served.get("/run/listens").await).await;
    assert_eq!(heard, "x-b: 2\nx-forwarded-prefix: /run/listens");
    let host = HeaderRules::new().set_in_request(http::header::HOST, value("h"));
    assert!(Headers::new(host).is_err());
}

#[test]
fn what_must_be_left_alone_is_refused() {
    let refused = |line: &str, told: &str| {
        let document = format!("[middleware.headers]\n{line}\n");
        let error = make("headers", &document).map(|_| ()).unwrap_err();
        assert!(error.contains(told), "{line}: {error}");
    };
    let both = [
        "connection",
        "Content-Length",
        "content-encoding",
        "content-range",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    for name in both {
        let told = format!("{} can be neither set nor removed", name.to_lowercase());
        refused(&format!("set = {{ \"{name}\" = \"x\" }}"), &told);
        refused(&format!("remove = [\"{name}\"]"), &told);
        refused(&format!("request = {{ set = {{ \"{name}\" = \"x\" }} }}"), &told);
        refused(&format!("request.remove = [\"{name}\"]"), &told);
    }
    refused("remove = [\"mik-error\"]", "what failed");
    refused("remove = [\"vary\"]", "caching");
    refused("request.remove = [\"host\"]", "exactly one");
    refused("request.set = { \"x-forwarded-prefix\" = \"/\" }", "mounted");
    for (line, told) in [
        ("set = { \"x y\" = \"1\" }", "not the name of a header field"),
        ("set = { \"\" = \"1\" }", "not the name of a header field"),
        ("set = { x = 1 }", "printable ASCII"),
        ("set = { x = \"a\\r\\nb: c\" }", "printable ASCII"),
        ("set = { x = \"ä\" }", "printable ASCII"),
        ("set = { x = \"1\" }\nremove = [\"X\"]", "set as well as removed"),
        ("hsts = { preload = true }", "include_subdomains = true"),
        ("hsts = { preload = true, include_subdomains = true, max_age = \"1h\" }", "8760h"),
        ("hsts = { max_age = \"365d\" }", "a time"),
        ("hsts = {}\nremove = [\"strict-transport-security\"]", "hsts says"),
        ("hsts = 5", "expected a table, such as"),
        ("request = 5", "expected a table, such as"),
        ("add = { x = \"1\" }", "unknown field"),
        ("request.add = { x = \"1\" }", "unknown field"),
    ] {
        refused(line, told);
    }
}
