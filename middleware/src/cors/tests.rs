//! What browsers are told, case by case of the Fetch standard.

use http::StatusCode;

use super::*;
use crate::rig::{Rig, Served, make, text};

const APP: &str = "https://app.example.com";

const LISTED: &str = r#"
    [middleware.cors]
    origins = ["https://app.example.com", "http://localhost:5173"]
    methods = ["GET", "PUT"]
    headers = ["content-type", "X-Key"]
    expose = ["x-request-id", "etag"]
    credentials = true
    max_age = "1h"
"#;

fn serving(document: &str) -> Served {
    let rig = Rig::default().says("hello", "hello").module("talks", |_, _| async {
        let response = http::Response::builder()
            .header("access-control-allow-origin", "https://evil.example.com")
            .header("access-control-allow-credentials", "true")
            .header("access-control-expose-headers", "x-secret")
            .header("vary", "accept-encoding, Origin");
        Ok(response.body(mik_core::Body::from("talks")).unwrap())
    });
    rig.module("options", |request, _| async move {
        assert_eq!(request.method(), Method::OPTIONS);
        Ok(Response::new(mik_core::Body::from("options")))
    })
    .module("fails", |_, _| async { Err(CallError::Trap("as it is made to".into())) })
    .made("cors", document)
    .build()
}

fn request(method: &str, target: &str, fields: &[(&str, &str)]) -> Request {
    let request = http::Request::builder().method(method).uri(target);
    let request =
        fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(mik_core::Body::empty()).unwrap()
}

fn preflight(target: &str, origin: &str) -> Request {
    request("OPTIONS", target, &[("origin", origin), ("access-control-request-method", "PUT")])
}

/// The fields of a response that CORS is about, sorted.
fn told(response: &Response) -> Vec<(String, String)> {
    let is_ours = |name: &str| name.starts_with("access-control-") || name == "vary";
    let mut all: Vec<_> = response
        .headers()
        .iter()
        .filter(|(name, _)| is_ours(name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    all.sort();
    all
}

fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_preflight_is_answered_without_the_module() {
    let served = serving(LISTED);
    let response = served.send(preflight("/run/fails/x", APP)).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let expected = [
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-headers", "content-type, x-key"),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-origin", APP),
        ("access-control-max-age", "3600"),
        ("vary", "origin"),
    ];
    assert_eq!(told(&response), fields(&expected));
    assert_eq!(text(response).await, "");
    assert_eq!(served.host.in_flight(), 0);
}

#[tokio::test]
async fn a_preflight_from_elsewhere_learns_nothing() {
    let served = serving(LISTED);
    for origin in [
        "https://evil.example.com",
        "null",
        "https://app.example.com.evil.com",
        "https://app.example.com:444",
        "http://app.example.com",
        "https://APP.example.com",
        "*",
        "",
    ] {
        let response = served.send(preflight("/run/hello", origin)).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{origin}");
        assert_eq!(told(&response), fields(&[("vary", "origin")]), "{origin}");
    }
    let two = request(
        "OPTIONS",
        "/run/hello",
        &[("origin", APP), ("origin", APP), ("access-control-request-method", "PUT")],
    );
    assert_eq!(told(&served.send(two).await), fields(&[("vary", "origin")]));
}

#[tokio::test]
async fn only_a_preflight_is_one() {
    let served = serving(LISTED);
    let no_preflights = [
        request("OPTIONS", "/run/options", &[]),
        request("OPTIONS", "/run/options", &[("origin", APP)]),
        request("OPTIONS", "/run/options", &[("access-control-request-method", "PUT")]),
    ];
    for request in no_preflights {
        let response = served.send(request).await;
        assert_eq!(text(response).await, "options");
    }
    let get =
        request("GET", "/run/hello", &[("origin", APP), ("access-control-request-method", "PUT")]);
    assert_eq!(text(served.send(get).await).await, "hello");
}

#[tokio::test]
async fn answers_are_marked_for_the_origins_that_are_allowed() {
    let served = serving(LISTED);
    let marked = |origin: &str| {
        fields(&[
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-origin", origin),
            ("access-control-expose-headers", "x-request-id, etag"),
            ("vary", "origin"),
        ])
    };
    for origin in [APP, "http://localhost:5173"] {
        let response = served.send(request("GET", "/run/hello", &[("origin", origin)])).await;
        assert_eq!(told(&response), marked(origin));
        assert_eq!(text(response).await, "hello");
    }
    for none in [&[("origin", "https://evil.example.com")][..], &[]] {
        let response = served.send(request("GET", "/run/hello", none)).await;
        assert_eq!(told(&response), fields(&[("vary", "origin")]), "{none:?}");
        assert_eq!(text(response).await, "hello", "CORS keeps nobody out");
    }
}

#[tokio::test]
async fn errors_are_marked_too() {
    let served = serving(LISTED);
    for (target, status) in [("/run/fails", 500), ("/run/none", 404), ("/none", 404)] {
        let response = served.send(request("GET", target, &[("origin", APP)])).await;
        assert_eq!(response.status(), status, "{target}");
        assert_eq!(response.headers()["access-control-allow-origin"], APP, "{target}");
        assert_eq!(response.headers()["vary"], "origin", "{target}");
    }
}

#[tokio::test]
async fn a_module_has_no_voice_of_its_own() {
    let served = serving(LISTED);
    let response =
        served.send(request("GET", "/run/talks", &[("origin", "https://evil.example.com")]));
    assert_eq!(told(&response.await), fields(&[("vary", "accept-encoding, Origin")]));
    let response = served.send(request("GET", "/run/talks", &[("origin", APP)])).await;
    let expected = [
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-origin", APP),
        ("access-control-expose-headers", "x-request-id, etag"),
        ("vary", "accept-encoding, Origin"),
    ];
    assert_eq!(told(&response), fields(&expected));
}

#[tokio::test]
async fn everybody_is_one_and_the_same_answer() {
    let document = "[middleware.cors]\norigins = \"*\"\nheaders = \"*\"\nmethods = [\"*\"]\n";
    let served = serving(document);
    for origin in [&[("origin", "https://any.example.com")][..], &[]] {
        let response = served.send(request("GET", "/run/hello", origin)).await;
        assert_eq!(told(&response), fields(&[("access-control-allow-origin", "*")]));
    }
    let response = served.send(preflight("/run/hello", "null")).await;
    let expected = [
        ("access-control-allow-headers", "*"),
        ("access-control-allow-methods", "*"),
        ("access-control-allow-origin", "*"),
        ("access-control-max-age", "600"),
    ];
    assert_eq!(told(&response), fields(&expected));
}

#[tokio::test]
async fn a_module_may_have_a_policy_of_its_own_or_none() {
    let document = r#"
        [middleware.cors]
        origins = ["https://app.example.com"]
        credentials = true
        [modules.hello.cors]
        origins = "*"
        credentials = false
        [modules.options.cors]
        enabled = false
        [modules.talks.cors]
        enabled = false
    "#;
    let served = serving(document);
    let origin = |target| request("GET", target, &[("origin", "https://evil.example.com")]);
    let response = served.send(origin("/run/hello")).await;
    assert_eq!(told(&response), fields(&[("access-control-allow-origin", "*")]));
    let response = served.send(origin("/run/fails")).await;
    assert_eq!(told(&response), fields(&[("vary", "origin")]));
    let response = served.send(origin("/run/talks")).await;
    assert_eq!(response.headers()["access-control-allow-origin"], "https://evil.example.com");
    let response = served.send(preflight("/run/options", APP)).await;
    assert_eq!(text(response).await, "options");
}

#[tokio::test]
async fn what_was_refused_before_is_no_preflight() {
    let served = serving(LISTED);
    let error = CallError::Malformed("host");
    let response = served.host.refuse(error, preflight("/run/hello", APP), None).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["access-control-allow-origin"], APP);
}

#[tokio::test]
async fn a_policy_in_rust_says_the_same() {
    let policy = CorsPolicy::origins([APP])
        .unwrap()
        .methods([Method::PUT])
        .headers([http::header::AUTHORIZATION])
        .expose([http::header::ETAG])
        .max_age(std::time::Duration::from_secs(5))
        .credentials();
    let served = Rig::default().says("hello", "hello").with(Cors::new(policy).unwrap()).build();
    let response = served.send(preflight("/run/hello", APP)).await;
    let expected = [
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-origin", APP),
        ("access-control-max-age", "5"),
        ("vary", "origin"),
    ];
    assert_eq!(told(&response), fields(&expected));
    assert!(Cors::new(CorsPolicy::any().credentials()).is_err());
    let error = CorsPolicy::origins(["app.example.com"]).unwrap_err().to_string();
    assert!(error.contains("needs a scheme"), "{error}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |line: &str, told: &str| {
        let document = format!("[middleware.cors]\n{line}\n");
        let error = make("cors", &document).map(|_| ()).unwrap_err();
        assert!(error.contains(told), "{line}: {error}");
    };
    refused("", "it needs `origins`");
    refused("origins = []", "it needs `origins`");
    refused("origins = [\"https://a.example\", \"*\"]", "nothing stands beside it");
    for (origin, told) in [
        ("app.example.com", "needs a scheme"),
        ("https://app.example.com/", "ends after host and port"),
        ("https://app.example.com/x", "ends after host and port"),
        ("https://u@app.example.com", "ends after host and port"),
        ("https://", "no host"),
        ("https://:1", "no host"),
        ("null", "sandboxed"),
        ("https://*.example.com", "written out"),
        ("https://App.example.com", "\\\"https://app.example.com\\\""),
        ("https://app.example.com:443", "\\\"https://app.example.com\\\""),
        ("http://app.example.com:080", "\\\"http://app.example.com\\\""),
        ("https://app.example.com:", "port"),
        ("https://app.example.com:65536", "port"),
        ("https://app.example.com:+1", "port"),
        ("https://bücher.example", "xn--"),
        ("https://[::g]", "IPv6"),
        ("https://[::1", "IPv6"),
        ("https://[0:0:0:0:0:0:0:1]", "\\\"https://[::1]\\\""),
        ("1x://a", "scheme"),
        ("", "needs a scheme"),
    ] {
        refused(&format!("origins = [\"{origin}\"]"), &told.replace('\\', ""));
    }
    let origin = "origins = [\"https://a.example\"]";
    for (line, told) in [
        ("methods = [\"put\"]", "write \"PUT\""),
        ("methods = [\"CONNECT\"]", "no page may use"),
        ("methods = [\"P T\"]", "not a method"),
        ("headers = [\"x y\"]", "not the name of a header field"),
        ("expose = 5", "a list"),
        ("max_age = \"25h\"", "24h"),
        ("max_age = 5", "a time"),
        ("credential = true", "unknown field"),
        ("credentials = true\nheaders = \"*\"", "headers = \"*\" and credentials = true"),
        ("credentials = true\nmethods = \"*\"", "methods = \"*\" and credentials = true"),
        ("credentials = true\nexpose = \"*\"", "expose = \"*\" and credentials = true"),
    ] {
        refused(&format!("{origin}\n{line}"), told);
    }
    refused("origins = \"*\"\ncredentials = true", "origins = \"*\" and credentials = true");
}

#[test]
fn origins_are_taken_as_browsers_send_them() {
    for origin in [
        "https://app.example.com",
        "http://localhost:5173",
        "http://[::1]:8080",
        "http://127.0.0.1",
        "https://xn--bcher-kva.example",
        "https://app.example.com:8443",
        "https://a_b.example.com",
        "capacitor://localhost",
        "chrome-extension://abcdefghijklmnop",
    ] {
        assert!(CorsPolicy::origins([origin]).is_ok(), "{origin}");
    }
}
