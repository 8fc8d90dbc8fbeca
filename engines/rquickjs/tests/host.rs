//! Scripts in a real host, whose modules are closures.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::sync::Arc;

use http_body_util::BodyExt;
use mik_core::{
    AllowedHosts, Body, BoxFuture, Call, CallError, Capabilities, Engine, Grants, Host, LoadError,
    Module, ModuleSettings, ModuleSource, Request, Response,
};
use mik_rquickjs::{JavaScriptConfig, QuickJs};

/// An engine whose every module says its name, and what it was asked.
struct Echo;

struct Named(String);

impl Engine for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        Ok(Arc::new(Named(source.name.to_string())))
    }
}

impl Module for Named {
    fn footprint(&self) -> usize {
        0
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        _: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let text = String::from_utf8_lossy(&body);
            let json = format!(
                "{{\"module\":\"{}\",\"method\":\"{}\",\"target\":\"{}\",\"body\":{:?}}}",
                self.0, head.method, head.uri, text
            );
            let mut response = Response::new(Body::from(json));
            response.headers_mut().insert("content-type", "application/json".parse().unwrap());
            Ok(response)
        })
    }
}

/// A host with the modules `auth` and `orders`, and these scripts.
fn host(folder: &Path, scripts: &[(&str, &str)]) -> Host {
    let modules = folder.join("modules");
    let script_dir = folder.join("scripts");
    for dir in [&modules, &script_dir] {
        std::fs::create_dir_all(dir).unwrap();
    }
    for name in ["auth", "orders"] {
        std::fs::write(modules.join(name).with_extension("wasm"), name).unwrap();
    }
    for (name, text) in scripts {
        let path = script_dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let hosts = ["*.mik.internal".parse().unwrap()];
    let grants = Grants { allowed_hosts: AllowedHosts::from_iter(hosts), ..Grants::default() };
    let settings = ModuleSettings { grants: Arc::new(grants), ..ModuleSettings::default() };
    Host::builder()
        .engine(Echo)
        .modules_dir(modules)
        .orchestrator(QuickJs::orchestrator(&JavaScriptConfig::default()).unwrap())
        .scripts_dir(script_dir)
        .script_defaults(settings)
        .build()
        .unwrap()
}

async fn ask(host: &Host, target: &str, body: &str) -> (u16, String) {
    let request = http::Request::post(target)
        .header("host", "test")
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = host.serve(request, None).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_script_calls_modules_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let short = "import { twice } from './lib/twice.ts';
        export default async function (input, host) {
            const auth = await host.call('auth', { path: '/check', body: { user: input.user } });
            const [a, b] = await Promise.all([host.call('orders'), host.call('orders', { path: '/b?c=1' })]);
            return { user: twice(input.user), auth: auth.body, a: a.body.target, b: b.body.target };
        }";
    let web = "export default { async fetch(request, env, ctx) {
            const answer = await env.orders.fetch('/create', { method: 'POST', body: await request.text() });
            return new Response(answer.body, { status: 201, headers: { 'x-a': 'b' } });
        } }";
    let host = host(
        folder.path(),
        &[
            ("short.js", short),
            ("web.ts", web),
            ("lib/twice.ts", "export const twice = (x: string): string => x + x;"),
        ],
    );
    let (status, body) = ask(&host, "/script/short", "{\"user\":\"ab\"}").await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"user\":\"abab\""), "{body}");
    assert!(body.contains("\"method\":\"POST\""), "{body}");
    assert!(body.contains("\"b\":\"http://orders.mik.internal/b?c=1\""), "{body}");
    let (status, body) = ask(&host, "/script/web/x", "hello").await;
    assert_eq!(status, 201, "{body}");
    assert!(body.contains("\"body\":\"hello\""), "{body}");
}

#[tokio::test]
async fn each_run_finds_a_world_that_nobody_has_used() {
    let folder = tempfile::tempdir().unwrap();
    // Leaves whatever a script can leave, and says what it has found.
    let stain = "let times = 0;
        const big = [];
        export default async function (input, host) {
            times += 1;
            const found = [times, big.length, globalThis.left, typeof structuredClone, Array.prototype.left,
                [1].map(x => x + 1)[0], JSON.stringify({ a: 1 }), /a/.test('a'), Symbol.for('x').left];
            for (let i = 0; i < 1000; i++) big.push('x'.repeat(i) + i);
            globalThis.left = globalThis;
            Array.prototype.left = 1;
            Array.prototype.map = () => ['changed'];
            delete globalThis.structuredClone;
            const random = Math.random();
            Math.random = null;
            JSON.stringify = () => 'changed';
            RegExp.prototype.test = () => 'changed';
            Object.freeze(Object.prototype);
            host.call('auth').then(() => { globalThis.later = 1; });
            return { found, random };
        }";
    let failing = "let times = 0;
        export default function (input) {
            times += 1;
            Array.prototype.push = null;
            if (input.fail) throw new Error(`failed ${times}`);
            return { times };
        }";
    let host = host(folder.path(), &[("stain.js", stain), ("failing.js", failing)]);
    let found = "{\"found\":[1,0,null,\"function\",null,2,\"{\\\"a\\\":1}\",true,null],\"random\":";
    let mut numbers = std::collections::HashSet::new();
    for _ in 0..50 {
        let (status, body) = ask(&host, "/script/stain", "{}").await;
        assert_eq!(status, 200, "{body}");
        assert!(body.starts_with(found), "{body}");
        assert!(numbers.insert(body), "the same number twice: {numbers:?}");
    }
    for n in 0..50 {
        let fail = n % 3 == 0;
        let (status, body) = ask(&host, "/script/failing", &format!("{{\"fail\":{fail}}}")).await;
        assert_eq!(status, if fail { 500 } else { 200 }, "{body}");
        assert!(fail || body == "{\"times\":1}", "{body}");
    }
}
