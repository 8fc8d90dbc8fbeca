//! A host whose scripts run in Boa, and whose module says what it was asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use mik_boa::{Boa, JavaScriptConfig};
use mik_core::units::ByteSize;
use mik_core::{
    Body, BoxFuture, Call, CallError, Capabilities, Engine, Host, HostBuilder, InstanceLimits,
    LoadError, MIK_ERROR, Module, ModuleName, ModuleSettings, ModuleSource, Orchestrator, Request,
    Response, ScriptSource,
};

/// Modules that answer with their name, what they were asked for, and the body that came.
struct Echoes;

struct Echo(String);

impl Engine for Echoes {
    fn name(&self) -> &str {
        "echoes"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        Ok(Arc::new(Echo(source.name.to_string())))
    }
}

impl Module for Echo {
    fn footprint(&self) -> usize {
        1
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        _: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let body = String::from_utf8_lossy(&body).into_owned();
            let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            let text = format!(r#"{{"module":"{}","target":"{target}","body":{body:?}}}"#, self.0);
            let response = Response::new(Body::from(text));
            let (mut head, body) = response.into_parts();
            head.headers.insert("content-type", "application/json".parse().unwrap());
            Ok(Response::from_parts(head, body))
        })
    }
}

struct Served {
    host: Host,
    _files: tempfile::TempDir,
}

fn serve(scripts: &[(&str, &str)]) -> Served {
    serve_with(scripts, |builder| builder)
}

fn serve_with(scripts: &[(&str, &str)], more: impl FnOnce(HostBuilder) -> HostBuilder) -> Served {
    let _ = tracing_subscriber::fmt().with_test_writer().with_ansi(false).try_init();
    let files = tempfile::tempdir().unwrap();
    let path = |name: &str| files.path().join(name);
    std::fs::create_dir(path("modules")).unwrap();
    std::fs::create_dir(path("scripts")).unwrap();
    std::fs::write(path("modules/orders.wasm"), "orders").unwrap();
    for (name, text) in scripts {
        let file = path("scripts").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let config = JavaScriptConfig { trusted_scripts: true, ..JavaScriptConfig::default() };
    let builder = Host::builder()
        .engine(Echoes)
        .modules_dir(path("modules"))
        .orchestrator(Boa::orchestrator(&config).unwrap())
        .scripts_dir(path("scripts"));
    Served { host: more(builder).build().unwrap(), _files: files }
}

impl Served {
    async fn send(&self, request: Request) -> (u16, String, String) {
        let response = self.host.serve(request, None).await;
        let status = response.status().as_u16();
        let kind = response.headers().get(MIK_ERROR).map(|kind| kind.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
    }

    async fn ask(&self, target: &str) -> (u16, String, String) {
        self.send(http::Request::get(target).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, target: &str, json: &str) -> (u16, String, String) {
        let request = http::Request::post(target).header("content-type", "application/json");
        self.send(request.body(Body::from(json.to_owned())).unwrap()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_calls_a_module_and_answers_in_json() {
    let with = serve(&[(
        "short.js",
        "export default async function (input, host) {
           const made = await host.call('orders', { method: 'POST', path: '/create?x=1', body: input });
           return { input, status: made.status, made: made.body };
         }",
    )]);
    let (status, _, body) = with.post("/script/short", r#"{"sku":"a"}"#).await;
    assert_eq!(status, 200, "{body}");
    let made = r#"{"module":"orders","target":"/create?x=1","body":"{\"sku\":\"a\"}"}"#;
    assert_eq!(body, format!(r#"{{"input":{{"sku":"a"}},"status":200,"made":{made}}}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_standard_form_works_with_imports_and_typescript() {
    let with = serve(&[
        (
            "web.ts",
            "import { twice } from './lib/twice.ts';
             import * as all from './lib/all.js';
             import names from './lib/names.json';
             interface Env { orders: { fetch(path: string): Promise<Response> } }
             export default {
               async fetch(request: Request, env: Env): Promise<Response> {
                 const url = new URL(request.url);
                 const [a, b] = await Promise.all([env.orders.fetch('/a'), env.orders.fetch('/b')]);
                 const both = (await a.json()).target + (await b.json()).target;
                 return new Response(`${twice(both)} ${names[0]} ${all.here} ${url.searchParams.get('q')}`, {
                   status: 201, headers: { 'x-made-by': 'boa' },
                 });
               },
             };",
        ),
        ("lib/twice.ts", "export const twice = (text: string): string => text + text;"),
        ("lib/all.js", "export const here = 3;"),
        ("lib/names.json", "[\"ann\"]"),
    ]);
    let answer = with.ask("/script/web?q=1%202").await;
    assert_eq!(answer, (201, String::new(), "/a/b/a/b ann 3 1 2".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_passes_untouched_and_in_pieces() {
    let with = serve(&[
        ("pass.js", "export default { fetch: (request, env) => env.orders.fetch('/x', request) };"),
        (
            "pieces.js",
            "export default { async fetch(request) {
               const parts = ['one ', 'two'];
               return new Response(new ReadableStream({
                 async pull(stream) {
                   await new Promise((go) => setTimeout(go, 5));
                   if (parts.length === 0) return stream.close();
                   stream.enqueue(new TextEncoder().encode(parts.shift()));
                 },
               }));
             } };",
        ),
    ]);
    let (status, _, body) = with.post("/script/pass", "[1]").await;
    assert_eq!((status, body.contains("[1]")), (200, true), "{body}");
    let (status, _, body) = with.ask("/script/pieces").await;
    assert_eq!((status, body.as_str()), (200, "one two"));
}

#[test]
fn broken_scripts_are_told_with_their_place() {
    let files = [
        ("syntax.js", "export default () => {\n  let a = ;\n}", "syntax.js:2:11"),
        ("short.js", "export default () => {\n", "short.js:1"),
        ("import.js", "import { a } from './none.js';\nexport default a", "none.js"),
        ("name.js", "import { nothing } from './lib.mjs';\nexport default nothing", "nothing"),
        ("top.js", "\nconst x = null;\nx.y;\nexport default () => 1", "top.js:3"),
        ("await.js", "await new Promise(() => {});\nexport default () => 1", "awaits"),
        ("deep.js", "const f = () => f() + 1; f();\nexport default f", "call stack"),
    ];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lib.mjs"), "export const a = 1;").unwrap();
    for (name, text, expected) in files {
        let told = load(folder.path(), name, text).unwrap_err();
        assert!(told.contains(expected), "{name}: {told}");
    }
}

/// What is wrong with a script.
fn load(root: &Path, name: &str, text: &str) -> Result<(), String> {
    let config = JavaScriptConfig { trusted_scripts: true, ..JavaScriptConfig::default() };
    let scripts = Boa::orchestrator(&config).unwrap();
    let source = ScriptSource {
        name: &ModuleName::new("tried").unwrap(),
        path: &root.join(name),
        root,
        text,
        limits: &InstanceLimits::default(),
    };
    scripts.load(source).map(drop).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_throws_is_an_error_of_the_script() {
    let with = serve(&[
        ("throw.js", "export default () => {\n  throw new TypeError('no');\n}"),
        ("deep.js", "export default () => { const f = () => f() + 1; return f(); }"),
        ("later.js", "export default async () => { await 0; const f = () => [1].map(f); f(); }"),
        ("cycle.js", "export default () => { const a = {}; a.a = a; return a; }"),
    ]);
    for script in ["throw", "deep", "later", "cycle"] {
        let (status, kind, body) = with.ask(&format!("/script/{script}")).await;
        assert_eq!(status, 500, "{script}: {kind} {body}");
    }
    // The thread and the process are as they were.
    assert_eq!(with.ask("/script/throw").await.0, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_is_kept_from_outside() {
    let endless = "export default async () => { for (;;) await 0; }";
    let calls = "export default () => { for (;;) performance.now(); }";
    let spins = "export default () => { for (;;); }";
    let scripts = [("endless.js", endless), ("calls.js", calls), ("spins.js", spins)];
    let with = serve_with(&scripts, |builder| {
        let mut settings = ModuleSettings::of_scripts();
        settings.timeout = Duration::from_millis(300);
        builder.script_defaults(settings)
    });
    for script in ["endless", "calls", "spins"] {
        let began = Instant::now();
        let (status, kind, body) = with.ask(&format!("/script/{script}")).await;
        assert_eq!((status, kind.as_str()), (504, "timeout"), "{script}: {body}");
        assert!(began.elapsed() < Duration::from_secs(3), "{script}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffer_larger_than_the_memory_is_refused() {
    let with = serve_with(
        &[("large.js", "export default () => new Uint8Array(2 ** 24).length")],
        |builder| {
            let mut settings = ModuleSettings::of_scripts();
            settings.limits.memory = ByteSize::mib(8);
            builder.script_defaults(settings)
        },
    );
    assert_eq!(with.ask("/script/large").await.0, 500);
}
