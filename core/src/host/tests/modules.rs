//! Modules: loaded once, kept within bounds, replaced when their file changes.

use super::*;
use crate::{CacheLimits, ModuleSettings, units::ByteSize};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn one_load_however_many_wait() {
    let with = fixture(&[("modules/s.wasm", "slow")]);
    let asks: Vec<_> = (0..20)
        .map(|_| {
            let host = with.host.clone();
            tokio::spawn(async move { host.serve(get("/run/s"), None).await.status() })
        })
        .collect();
    for ask in asks {
        assert_eq!(ask.await.unwrap(), 200);
    }
    assert_eq!(with.engine.loads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_load_goes_on_when_its_caller_has_given_up() {
    let hasty = ModuleSettings { timeout: Duration::from_millis(50), ..ModuleSettings::default() };
    let with =
        fixture_with(&[("modules/s.wasm", "slow")], |builder| builder.module_defaults(hasty));
    let early = with.get("/run/s").await;
    assert_eq!(early.status(), 503);
    assert!(early.headers().contains_key("retry-after"));
    eventually(|| with.host.module_counts() == (1, 1)).await;
    assert_eq!(with.get("/run/s").await.status(), 200);
}

#[tokio::test]
async fn a_changed_file_is_swapped_in_and_a_broken_one_is_not() {
    let with = fixture(&[("modules/a.wasm", "say one")]);
    with.host.watch();
    assert_eq!(with.ask("/run/a").await.1, "one\n");
    with.write("modules/a.wasm", "say two");
    while with.ask("/run/a").await.1 != "two\n" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let loads = with.engine.loads.load(Ordering::Relaxed);
    with.write("modules/a.wasm", "broken");
    eventually(|| with.engine.loads.load(Ordering::Relaxed) > loads).await;
    assert_eq!(with.ask("/run/a").await, (200, "two\n".into()));
    with.write("modules/a.wasm", "say three");
    while with.ask("/run/a").await.1 != "three\n" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn files_come_and_go() {
    let with = fixture(&[("modules/a.wasm", "say a")]);
    with.host.watch();
    assert_eq!(with.get("/run/b").await.status(), 404);
    with.write("modules/b.wasm", "say b");
    while with.get("/run/b").await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fs::remove_file(with.dir.path().join("modules/b.wasm")).unwrap();
    while with.get("/run/b").await.status() != 404 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(with.host.module_counts().0, 1);
}

#[tokio::test]
async fn a_module_that_does_not_load_is_not_tried_again_until_it_changes() {
    let with = fixture(&[("modules/b.wasm", "broken"), ("modules/a.wasm", "say a")]);
    with.host.watch();
    for _ in 0..3 {
        let (status, body) = with.ask("/run/b").await;
        assert_eq!(status, 500);
        assert!(!body.contains("it is broken"), "the reason is for the log: {body}");
    }
    assert_eq!(with.engine.loads.load(Ordering::Relaxed), 1);
    assert_eq!(with.get("/run/a").await.status(), 200);
    with.write("modules/b.wasm", "say mended");
    while with.get("/run/b").await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_least_recently_used_goes_first() {
    let files: Vec<_> =
        ["a", "b", "c"].map(|n| (format!("modules/{n}.wasm"), format!("say {n}"))).into();
    let files: Vec<_> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    for cache in [
        CacheLimits { entries: 2, ..CacheLimits::default() },
        CacheLimits { bytes: ByteSize::bytes(2_500), ..CacheLimits::default() },
    ] {
        let with = fixture_with(&files, |builder| builder.cache(cache));
        let loads = || with.engine.loads.load(Ordering::Relaxed);
        for path in ["/run/a", "/run/b", "/run/a", "/run/c"] {
            // The order is kept in milliseconds.
            tokio::time::sleep(Duration::from_millis(3)).await;
            assert_eq!(with.get(path).await.status(), 200);
        }
        assert_eq!(with.host.module_counts(), (3, 2), "{cache:?}");
        assert_eq!(loads(), 3);
        with.ask("/run/a").await;
        assert_eq!(loads(), 3, "a was used after b");
        with.ask("/run/b").await;
        assert_eq!(loads(), 4, "b had to go");
    }
}

#[tokio::test]
async fn another_configuration_takes_over_without_losing_calls() {
    let with = fixture(&[("modules/a.wasm", "say a")]);
    let other = fixture(&[("modules/b.wasm", "say b")]);
    let under_way = with.get("/run/a").await;
    with.host.replace(&other.host);
    assert_eq!(with.get("/run/a").await.status(), 404);
    assert_eq!(with.ask("/run/b").await.1, "b\n");
    assert_eq!(read(under_way).await.1, "a\n");
    assert_eq!(with.host.in_flight(), 0);
}

/// A component with nothing but a description of fewer than 100 bytes.
fn described(document: &str) -> String {
    let size = char::from(u8::try_from(12 + document.len()).unwrap());
    format!("\0asm\r\0\u{1}\0\0{size}\u{b}mik:openapi{document}")
}

#[tokio::test]
async fn modules_that_describe_themselves_are_shown() {
    let document = r#"{"info":{"title":"shop"},"paths":{"/x":{"get":{"operationId":"x"}}}}"#;
    let with = fixture(&[
        ("modules/plain.wasm", "say a"),
        ("modules/shop.wasm", &described(document)),
        ("modules/odd.wasm", &described("[1")),
    ]);
    let ask = async |path| {
        let (status, text) = with.ask(path).await;
        (status, serde_json::from_str::<serde_json::Value>(&text).unwrap())
    };
    let (status, shop) = ask("/openapi/shop").await;
    assert_eq!((status, &shop["info"]["title"]), (200, &"shop".into()));
    assert_eq!(shop["servers"][0]["url"], "/run/shop");
    let (status, all) = ask("/openapi").await;
    assert_eq!((status, &all["paths"]["/run/shop/x"]["get"]["tags"][0]), (200, &"shop".into()));
    for none in ["/openapi/plain", "/openapi/odd", "/openapi/nobody", "/openapis"] {
        let (status, problem) = ask(none).await;
        assert_eq!(status, 404, "{none}: {problem}");
    }
    let mut post = get("/openapi");
    *post.method_mut() = http::Method::POST;
    assert_eq!(with.host.serve(post, None).await.status(), 405);
}
