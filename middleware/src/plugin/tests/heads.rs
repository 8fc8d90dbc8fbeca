//! The hooks of the heads, and what comes of what they do.

use futures_util::FutureExt;
use http::{HeaderName, StatusCode};
use mik_core::{Body, ErrorKind, MIK_ERROR, Request, Response};
use serde_json::json;

use super::{CPlugin, Lines, rust_example, rust_plugin, trial};
use crate::Plugin;
use crate::rig::{Rig, Served, get, text};

/// A module that says what it sees of a header.
fn echoing(plugin: Plugin) -> Served {
    Rig::default()
        .with(plugin)
        .module("a", |request: Request, _| async move {
            let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            Ok(Response::new(Body::from(names.join(","))))
        })
        .build()
}

fn panics() -> Plugin {
    Plugin::load(&rust_plugin("panics"), &json!({})).unwrap()
}

/// The request failed, and the client learns nothing but that.
async fn failed(response: Response) {
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()[MIK_ERROR], "panic");
    assert_eq!(response.extensions().get(), Some(&ErrorKind::Panic));
    let body = text(response).await;
    for secret in ["plugin", "trial", "told", "in a re", "-77"] {
        assert!(!body.contains(secret), "{body}");
    }
}

#[tokio::test]
async fn the_examples_do_what_they_say() {
    let header = CPlugin::new(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/plugin-c/powered_by.c"),
        &[],
    );
    let served = echoing(header.load());
    assert_eq!(served.get("/run/a/").await.headers()["x-powered-by"], "C");
    // Errors of the host come by as well.
    let missing = served.get("/nowhere").await;
    assert_eq!(
        (missing.status().as_u16(), &missing.headers()["x-powered-by"]),
        (404, &"C".parse().unwrap())
    );

    let key = json!({ "key": "open sesame", "header": "x-key" });
    let served = echoing(Plugin::load(&rust_example("plugin-rust", "plugin_rust"), &key).unwrap());
    for wrong in [None, Some("open"), Some("open sesame!"), Some("Open sesame")] {
        let mut request = get("/run/a/");
        if let Some(key) = wrong {
            request.headers_mut().insert("x-key", key.parse().unwrap());
        }
        let answer = served.send(request).await;
        assert_eq!(answer.status(), 401, "{wrong:?}");
        assert_eq!(answer.headers()["www-authenticate"], "ApiKey");
        assert_eq!(text(answer).await, "send your key in the header x-key\n");
    }
    let mut request = get("/run/a/");
    request.headers_mut().insert("x-key", "open sesame".parse().unwrap());
    let answer = served.send(request).await;
    assert_eq!(answer.headers()["x-guarded-by"], "api-key");
    assert_eq!(text(answer).await, "x-forwarded-prefix");
    assert_eq!(served.get("/health").await.status(), 200);

    let served = echoing(CPlugin::new("newer.c", &[]).load());
    assert_eq!(served.get("/run/a/").await.headers()["x-newer"], "yes");
}

#[tokio::test]
async fn every_function_of_the_host_does_what_the_header_file_says() {
    let (lines, _guard) = Lines::listen();
    let served = echoing(CPlugin::new("checks.c", &[]).load());
    assert_eq!(lines.take(), ["WARN a line\\nwith \\u{1b}[31mcolour", "INFO "]);
    let mut request = get("/run/a/x%20y?");
    request.headers_mut().append("x-many", "1".parse().unwrap());
    request.headers_mut().append("x-many", "2".parse().unwrap());
    request.headers_mut().append("x-one", "first".parse().unwrap());
    let answer = served.send(request).await;
    assert_eq!(answer.headers()["content-type"], "text/plain");
    assert_eq!(text(answer).await, "ok");
    // One line about all instruments that were refused.
    let refused = lines.take();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].starts_with("WARN an instrument was refused"), "{refused:?}");
}

#[tokio::test]
async fn a_plugin_reads_what_there_is_of_a_request() {
    let served = echoing(trial());
    let mut request = get("/run/a/b?request=facts");
    request.headers_mut().append("x-many", "1".parse().unwrap());
    request.headers_mut().append("x-many", "2".parse().unwrap());
    assert_eq!(
        text(served.send(request).await).await,
        "GET /run/a/b Some(\"request=facts\") /run/a/* Some(\"a\") None Some(192.0.2.1:5555) id:32 1+2 \
         all:x-many,x-many"
    );
}

#[tokio::test]
async fn a_reply_takes_the_place_of_the_handlers_answer() {
    for (query, calls) in [("request=reply", 0), ("response=reply", 1)] {
        let called = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = called.clone();
        let served = Rig::default()
            .with(trial())
            .module("a", move |_, _| {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                async { Ok(Response::new(Body::from("handler"))) }
            })
            .build();
        let answer = served.get(&format!("/run/a/?{query}")).await;
        assert_eq!(answer.status(), 403, "{query}");
        assert_eq!(answer.headers()["x-from"], "trial");
        assert!(answer.headers().get(MIK_ERROR).is_none());
        assert_eq!(text(answer).await, "no");
        assert_eq!(called.load(std::sync::atomic::Ordering::Relaxed), calls, "{query}");
    }
}

#[tokio::test]
async fn a_hook_that_fails_or_panics_is_a_500() {
    let (lines, _guard) = Lines::listen();
    let served = echoing(trial());
    for hook in ["request", "response"] {
        for deed in ["error", "panic"] {
            lines.take();
            failed(served.get(&format!("/run/a/?{hook}={deed}")).await).await;
            let why = if deed == "error" { "it was told to" } else { "panicked: on trial" };
            let line = format!("ERROR a hook failed: {why}");
            assert!(lines.take().contains(&line), "{hook} {deed}");
        }
    }
    // The next request is not worse off.
    assert_eq!(served.get("/run/a/").await.status(), 200);
}

#[tokio::test]
async fn where_nothing_is_kept_it_is_no_different() {
    let (lines, _guard) = Lines::listen();
    let served = echoing(panics());
    assert_eq!(text(served.get("/run/a/").await).await, "x-forwarded-prefix");
    for (query, line) in [
        ("request", "panicked: assertion `left != right` failed: in a request"),
        ("response", "panicked: assertion `left != right` failed: in a response"),
        ("odd", "panicked: unknown"),
    ] {
        failed(served.get(&format!("/run/a/?{query}")).await).await;
        let lines = lines.take();
        assert!(lines[0].contains(line), "{query}: {lines:?}");
    }
    let served = echoing(CPlugin::new("fails.c", &[]).load());
    assert_eq!(served.get("/run/a/").await.status(), 200);
    for hook in ["request_head", "request_body", "response_head"] {
        failed(served.get(&format!("/run/a/?{hook}")).await).await;
        assert_eq!(lines.take(), ["ERROR a hook failed: it returned -77"], "{hook}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_fails_the_request_even_if_the_plugin_overlooks_it() {
    let (lines, _guard) = Lines::listen();
    let served = echoing(trial());
    for (query, why) in [
        ("request=bad-reply", "its reply is not allowed by HTTP"),
        ("request=length-reply", "its reply is a header that only the host sets"),
        ("request=early-reply", "its reply is not allowed by HTTP"),
        ("response=ask-request", "it asked for what cannot be had"),
    ] {
        lines.take();
        failed(served.get(&format!("/run/a/?{query}")).await).await;
        let line = format!("ERROR a hook failed: {why}");
        let lines = lines.take();
        assert!(lines.contains(&line), "{query}: {lines:?}");
    }
}

#[tokio::test]
async fn what_http_does_not_allow_is_refused_and_nothing_injected() {
    let served = echoing(trial());
    let answer = served.get("/run/a/?request=line-break").await;
    assert_eq!(answer.status(), 200);
    let seen = text(answer).await;
    assert!(!seen.contains("x-a") && !seen.contains("x-b"), "{seen}");
    let answer = served.get("/run/a/?response=line-break").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("x-a").is_none() && answer.headers().get("x-b").is_none());
    assert_eq!(served.get("/run/a/?response=status").await.status(), 418);
}

#[tokio::test]
async fn the_end_comes_last_and_once_with_how_it_ended() {
    let (lines, _guard) = Lines::listen();
    let served = echoing(trial());
    lines.take();
    text(served.get("/run/a/").await).await;
    assert_eq!(
        lines.take(),
        ["1 request", "2 response 200", "3 end Complete 200 18 /run/a/", "state dropped"]
    );
    drop(served.get("/nowhere").await);
    assert_eq!(
        lines.take(),
        ["1 request", "2 response 404", "3 end Gone 404 0 /nowhere", "state dropped"]
    );
    text(served.get("/run/a/?request=reply").await).await;
    assert_eq!(lines.take(), ["1 request", "2 end Complete 403 2 /run/a/", "state dropped"]);
    failed(served.get("/run/a/?response=error").await).await;
    assert_eq!(
        lines.take(),
        [
            "1 request",
            "2 response 200",
            "ERROR a hook failed: it was told to",
            "3 end Failed 500 0 /run/a/",
            "state dropped"
        ]
    );
    text(served.get("/run/a/?end=panic").await).await;
    assert_eq!(
        lines.take()[2..],
        [
            "3 end Complete 200 18 /run/a/",
            "state dropped",
            "ERROR panicked: assertion `left != right` \
          failed: in the end\\n  left: Some(\"panic\")\\n right: Some(\"panic\")"
        ]
    );
}

#[tokio::test]
async fn a_request_that_is_given_up_has_an_end_too() {
    let (lines, _guard) = Lines::listen();
    let served = Rig::default().with(trial()).module("a", |_, _| std::future::pending()).build();
    lines.take();
    let mut answer = Box::pin(served.get("/run/a/"));
    assert!((&mut answer).now_or_never().is_none());
    assert_eq!(lines.take(), ["1 request"]);
    drop(answer);
    assert_eq!(lines.take(), ["2 end Gone 0 0 /run/a/", "state dropped"]);
}
