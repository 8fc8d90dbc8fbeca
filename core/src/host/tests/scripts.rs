//! Scripts: what they are made from, what they may call, who calls them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    Call, CallError, ErrorKind, Grants, MIK_ERROR, Middleware, ModuleGrant, ModuleName,
    ModuleSettings, Rings, Step, UpstreamError,
};

fn name(name: &str) -> ModuleName {
    ModuleName::new(name).unwrap()
}

fn granting(grants: Grants) -> ModuleSettings {
    ModuleSettings { grants: Arc::new(grants), ..ModuleSettings::of_scripts() }
}

/// The settings of a script that may call these modules.
fn only(modules: &[&str]) -> ModuleSettings {
    let modules = ModuleGrant::Only(modules.iter().copied().map(name).collect());
    granting(Grants { modules, ..Grants::default() })
}

/// Keeps what each call of the call ring was made by, and its error.
#[derive(Clone, Default)]
struct Parents(Arc<Mutex<Vec<String>>>);

impl Middleware for Parents {
    fn name(&self) -> &str {
        "parents"
    }

    fn rings(&self) -> Rings {
        Rings::CALL
    }

    fn begin<'a>(&'a self, _: crate::Ring, _: &mut Request, call: &mut Call) -> Step<'a> {
        let parent = call.parent().map_or("nobody".to_owned(), |parent| parent.target.to_string());
        let line = format!("{parent} calls {}", call.matched().target);
        Step::after(move |answer| {
            let error = answer.as_ref().err().map(|error| format!(": {}", error.kind().as_str()));
            self.0.lock().unwrap().push(line + &error.unwrap_or_default());
        })
    }
}

#[tokio::test]
async fn a_script_may_call_every_module_and_nothing_else() {
    let files = [
        ("modules/b.wasm", "path"),
        ("modules/Mixed.wasm", "say mixed"),
        ("scripts/list.js", "modules"),
        ("scripts/all.js", "http://b.mik.internal/x\nhttp://Mixed.mik.internal/"),
        ("scripts/none.js", "http://none.mik.internal/"),
        ("scripts/script.js", "http://list.script.mik.internal/"),
        ("scripts/out.js", "http://example.com/"),
    ];
    let with = fixture(&files);
    assert_eq!(with.ask("/script/list").await.1, "[\"Mixed\", \"b\"]\n");
    let (status, body) = with.ask("/script/all").await;
    assert!(status == 200 && body.ends_with("/x\nmixed\n"), "{body}");
    for (script, kind) in [("none", "not-found"), ("script", "bad-gateway"), ("out", "bad-gateway")]
    {
        let response = with.get(&format!("/script/{script}")).await;
        assert_eq!(response.headers()[MIK_ERROR], kind, "{script}");
    }
}

#[tokio::test]
async fn a_module_that_a_script_may_not_call_is_denied_whether_it_is_there_or_not() {
    let files = [
        ("modules/a.wasm", "say a"),
        ("modules/b.wasm", "say b"),
        ("scripts/list.js", "modules"),
        ("scripts/b.js", "http://b.mik.internal/"),
        ("scripts/c.js", "http://c.mik.internal/"),
    ];
    let with = fixture_with(&files, |builder| builder.script_defaults(only(&["a", "gone"])));
    assert_eq!(with.ask("/script/list").await.1, "[\"a\"]\n");
    for script in ["b", "c"] {
        let response = with.get(&format!("/script/{script}")).await;
        let error = response.extensions().get::<CallError>();
        assert!(matches!(error, Some(CallError::Upstream(UpstreamError::Denied(_)))), "{error:?}");
    }
}

#[tokio::test]
async fn a_call_knows_which_modules_there_are_for_it() {
    #[derive(Clone, Default)]
    struct Asks(Arc<Mutex<Option<Call>>>);
    impl Middleware for Asks {
        fn name(&self) -> &str {
            "asks"
        }
        fn rings(&self) -> Rings {
            Rings::CALL
        }
        fn begin<'a>(&'a self, _: crate::Ring, _: &mut Request, call: &mut Call) -> Step<'a> {
            *self.0.lock().unwrap() = Some(call.clone());
            Step::Pass
        }
    }
    let asks = Asks::default();
    let files = [("modules/a.wasm", ""), ("modules/b.wasm", ""), ("scripts/s.js", "")];
    let with = fixture_with(&files, |builder| {
        builder.script_defaults(only(&["a", "gone"])).middleware(asks.clone())
    });
    with.ask("/script/s").await;
    let call = asks.0.lock().unwrap().take().unwrap();
    assert_eq!(call.modules(), [name("a")]);
    for (module, is_there) in
        [("a", true), ("b", false), ("gone", false), ("", false), ("..", false)]
    {
        assert_eq!(call.has_module(module), is_there, "{module}");
    }
    let detached = Call::detached(Duration::from_secs(1));
    assert!(detached.modules().is_empty() && !detached.has_module("a"));
}

#[tokio::test]
async fn who_made_a_call_is_known() {
    let parents = Parents::default();
    let files = [
        ("modules/a.wasm", "call http://s.script.mik.internal/"),
        ("modules/b.wasm", "fail"),
        ("scripts/s.js", "http://b.mik.internal/"),
    ];
    let with = fixture_with(&files, |builder| {
        let allowed_hosts = ["*.mik.internal".parse().unwrap()].into_iter().collect();
        let grants = Grants { allowed_hosts, ..Grants::default() };
        builder.module_defaults(granting(grants)).middleware(parents.clone())
    });
    assert_eq!(with.get("/run/a").await.status(), 500);
    let seen = parents.0.lock().unwrap().clone();
    assert_eq!(
        seen,
        [
            "script s calls module b: trap",
            "module a calls script s: trap",
            "nobody calls module a: trap"
        ]
    );
}

#[tokio::test]
async fn a_module_and_a_script_that_call_each_other_are_a_loop() {
    let parents = Parents::default();
    let files = [
        ("modules/a.wasm", "call http://s.script.mik.internal/"),
        ("scripts/s.js", "http://a.mik.internal/"),
    ];
    let with = fixture_with(&files, |builder| {
        let allowed_hosts = ["s.script.mik.internal".parse().unwrap()].into_iter().collect();
        let grants = Grants { allowed_hosts, ..Grants::default() };
        builder.module_defaults(granting(grants)).middleware(parents.clone())
    });
    assert_eq!(with.get("/script/s").await.status(), 508);
    assert_eq!(parents.0.lock().unwrap().len(), usize::from(with.host.limits().depth));
    eventually(|| with.host.in_flight() == 0).await;
}

#[tokio::test]
async fn what_a_script_throws_stays_inside() {
    let with = fixture(&[("scripts/s.js", "throw secret")]);
    let response = with.get("/script/s").await;
    assert_eq!(response.status(), 500);
    assert_eq!(response.extensions().get(), Some(&ErrorKind::Exception));
    let (_, body) = read(response).await;
    assert!(!body.contains("secret"), "{body}");
}

#[tokio::test]
async fn a_script_is_loaded_again_when_an_import_changes_and_a_broken_one_is_not() {
    let files = [
        ("modules/a.wasm", "say a"),
        ("modules/b.wasm", "say b"),
        ("scripts/s.js", "import lib/one.js"),
    ];
    let with = fixture(&files);
    with.write("scripts/lib/one.js", "http://a.mik.internal/");
    with.host.watch();
    assert_eq!(with.ask("/script/s").await.1, "a\n");
    assert_eq!(with.get("/script/one").await.status(), 404, "an import is no script of its own");
    with.write("scripts/lib/one.js", "http://b.mik.internal/");
    becomes(&with, "b\n").await;
    let loads = with.scripts.loads.load(Ordering::Relaxed);
    with.write("scripts/lib/one.js", "import lib/two.js");
    eventually(|| with.scripts.loads.load(Ordering::Relaxed) > loads).await;
    assert_eq!(with.ask("/script/s").await, (200, "b\n".into()), "the good one stays");
    with.write("scripts/lib/two.js", "http://a.mik.internal/");
    becomes(&with, "a\n").await;
}

#[tokio::test]
async fn a_script_that_does_not_load_is_tried_again_when_a_file_that_it_wants_changes() {
    let with = fixture(&[("modules/a.wasm", "say a"), ("scripts/s.js", "import lib/one.js")]);
    fs::create_dir(with.dir.path().join("scripts/lib")).unwrap();
    with.host.watch();
    for _ in 0..3 {
        assert_eq!(with.get("/script/s").await.status(), 500);
    }
    // At its start the host loads a lone script ahead of its first call.
    assert_eq!(with.scripts.loads.load(Ordering::Relaxed), 1);
    with.write("scripts/lib/one.js", "broken");
    while with.scripts.loads.load(Ordering::Relaxed) == 1 {
        assert_eq!(with.get("/script/s").await.status(), 500);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(with.get("/script/s").await.status(), 500);
    assert_eq!(with.scripts.loads.load(Ordering::Relaxed), 2);
    with.write("scripts/lib/one.js", "http://a.mik.internal/");
    becomes(&with, "a\n").await;
}

async fn becomes(with: &Fixture, body: &str) {
    while with.ask("/script/s").await.1 != body {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_variable_with_the_name_of_a_module_is_refused() {
    let env = vec![("orders".to_owned(), "x".to_owned())];
    let settings = |modules| granting(Grants { env: env.clone(), modules, ..Grants::default() });
    let files = [("modules/orders.wasm", "say o"), ("scripts/checkout.js", "modules")];
    let both = fixture_with(&files, |builder| {
        builder.script(name("checkout"), settings(ModuleGrant::All))
    });
    let response = both.get("/script/checkout").await;
    let Some(CallError::Load(error)) = response.extensions().get::<CallError>() else { panic!() };
    assert_eq!(
        error.reason(),
        "the variable orders of [scripts.checkout].env has the name of the module orders: rename one of \
         them"
    );
    fs::remove_file(both.dir.path().join("modules/orders.wasm")).unwrap();
    both.host.watch();
    both.write("modules/other.wasm", "say o");
    while both.get("/script/checkout").await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let unreachable = fixture_with(&files, |builder| {
        builder.script(name("checkout"), settings(ModuleGrant::None))
    });
    assert_eq!(unreachable.get("/script/checkout").await.status(), 200);
}

#[tokio::test]
async fn health_tells_of_scripts_and_of_their_trouble() {
    let with = fixture(&[("scripts/s.js", "modules"), ("scripts/t.js", "modules")]);
    with.ask("/script/s").await;
    let health = async || {
        let (status, body) = with.ask("/health").await;
        (status, serde_json::from_str::<serde_json::Value>(&body).unwrap())
    };
    let (status, report) = health().await;
    assert_eq!((status, &report["status"]), (200, &"ready".into()));
    assert_eq!(report["scripts"], serde_json::json!({ "known": 2, "loaded": 1 }));
    assert!(report.get("trouble").is_none());
    *with.scripts.trouble.lock().unwrap() = Some("four threads are gone".into());
    let (status, report) = health().await;
    assert_eq!((status, &report["status"]), (200, &"degraded".into()));
    assert_eq!(report["trouble"], "four threads are gone");
    with.host.drain();
    let (status, report) = health().await;
    assert_eq!((status, &report["status"]), (503, &"draining".into()));
}
