//! The engine with real components, in process. What it does over TCP is in `conformance/`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use mik_core::units::ByteSize;
use mik_core::{
    Body, Call, CallError, Engine, Host, InstanceLimits, Module, ModuleName, ModuleSource, Request,
};
use mik_wasmtime::{EngineConfig, WasmtimeEngine};

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/guests/prebuilt")
}

fn config(cache: Option<&Path>) -> EngineConfig {
    EngineConfig { in_flight: 20, cache_dir: cache.map(Into::into), ..EngineConfig::default() }
}

fn load(engine: &WasmtimeEngine, guest: &str, limits: &InstanceLimits) -> Arc<dyn Module> {
    let bytes = std::fs::read(guests().join(guest).with_extension("wasm")).unwrap();
    let name = ModuleName::new(guest).unwrap();
    engine.load(ModuleSource { name: &name, bytes: &bytes, limits }).unwrap()
}

fn get(path: &str) -> Request {
    http::Request::get(path).header("host", "test").body(Body::empty()).unwrap()
}

async fn ask(module: &Arc<dyn Module>, path: &str) -> Result<(u16, String), CallError> {
    let response =
        module.clone().handle(get(path), Call::detached(Duration::from_secs(20))).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[tokio::test]
async fn ten_lines_serve_a_component() {
    let engine = WasmtimeEngine::new(&config(None)).unwrap();
    let host = Host::builder().engine(engine).modules_dir(guests()).build().unwrap();
    let response = host.serve(get("/run/hello/"), None).await;
    assert_eq!(response.status(), 200);
    let body = response.into_body();
    assert!(body.length().is_some(), "a short answer is one frame of known length");
    assert_eq!(body.collect().await.unwrap().to_bytes(), "Hello from mik!\n");
}

#[tokio::test]
async fn compiled_components_are_kept_and_checked() {
    let cache = tempfile::tempdir().unwrap();
    let limits = InstanceLimits::default();
    let engine = WasmtimeEngine::new(&config(Some(cache.path()))).unwrap();
    load(&engine, "hello", &limits);
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(cache.path().join("components"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        files
    };
    let [code, _] = &files()[..] else { panic!("{:?}", files()) };
    let good = std::fs::read(code).unwrap();
    // Damaged code is never run: it is compiled again, and mended on disk.
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0xff;
    std::fs::write(code, &bad).unwrap();
    let engine = WasmtimeEngine::new(&config(Some(cache.path()))).unwrap();
    let module = load(&engine, "hello", &limits);
    assert_eq!(ask(&module, "/").await.unwrap().0, 200);
    assert_eq!(std::fs::read(code).unwrap(), good);
}

#[tokio::test]
async fn an_instance_serves_as_many_calls_as_it_may() {
    let engine = WasmtimeEngine::new(&config(None)).unwrap();
    for (reuse, last) in [(1, "\"calls\":1"), (3, "\"calls\":3")] {
        let limits = InstanceLimits { reuse, ..InstanceLimits::default() };
        let module = load(&engine, "inspect", &limits);
        let mut body = String::new();
        for _ in 0..3 {
            body = ask(&module, "/").await.unwrap().1;
        }
        assert!(body.replace(": ", ":").contains(last), "reuse = {reuse}: {body}");
        let next = ask(&module, "/").await.unwrap().1;
        assert!(next.replace(": ", ":").contains("\"calls\":1"), "a fresh one: {next}");
    }
}

#[tokio::test]
async fn failures_are_typed() {
    let engine = WasmtimeEngine::new(&config(None)).unwrap();
    let limits = InstanceLimits { memory: ByteSize::mib(8), ..InstanceLimits::default() };
    let kind = async |guest: &str, path: &str| {
        ask(&load(&engine, guest, &limits), path).await.unwrap_err().kind().as_str()
    };
    for how in ["unreachable", "overflow", "oob", "panic", "exit"] {
        assert_eq!(kind("trap", &format!("/?how={how}")).await, "trap", "{how}");
    }
    assert_eq!(kind("silent", "/").await, "no-response");
    assert_eq!(kind("silent", "/?how=drop").await, "no-response");
    assert_eq!(kind("hog", "/?how=alloc").await, "memory");
    assert_eq!(kind("half", "/?how=drop").await, "trap");
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped_by_clock_and_by_cpu() {
    let engine = WasmtimeEngine::new(&config(None)).unwrap();
    let module = load(&engine, "spin", &InstanceLimits::default());
    let call = Call::detached(Duration::from_millis(100));
    let error = module.handle(get("/"), call).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout(_)), "{error}");
    let limits = InstanceLimits { cpu: Duration::from_millis(100), ..InstanceLimits::default() };
    let error = ask(&load(&engine, "spin", &limits), "/").await.unwrap_err();
    assert!(matches!(error, CallError::Timeout("out of CPU time")), "{error}");
}

#[test]
fn what_is_no_component_is_named() {
    let engine = WasmtimeEngine::new(&config(None)).unwrap();
    let name = ModuleName::new("x").unwrap();
    let limits = InstanceLimits::default();
    let reason = |bytes: &[u8]| {
        let source = ModuleSource { name: &name, bytes, limits: &limits };
        engine.load(source).map(drop).unwrap_err().reason().to_owned()
    };
    assert!(reason(b"\0asm\x01\0\0\0").contains("core module"));
    assert!(reason(b"\x7fELF....").contains("precompiled"));
    assert!(reason(b"junk").contains("no WebAssembly"));
    assert!(reason(b"\0asm\x0d\0\x01\0").contains("wasi:http"));
    let hello = std::fs::read(guests().join("hello.wasm")).unwrap();
    assert!(reason(&hello[..hello.len() / 2]).contains("does not compile"));
    let small = InstanceLimits { memory: ByteSize::kib(64), ..InstanceLimits::default() };
    let source = ModuleSource { name: &name, bytes: &hello, limits: &small };
    assert!(engine.load(source).map(drop).unwrap_err().reason().contains("memory"));
}

/// The variants differ in what turns a component into something that runs, in nothing else.
#[cfg(any(feature = "winch", feature = "pulley"))]
#[tokio::test]
async fn every_compiler_serves_and_stops_guests() {
    use mik_wasmtime::Compiler;

    let compilers = [
        #[cfg(feature = "winch")]
        Compiler::Winch,
        #[cfg(feature = "pulley")]
        Compiler::Pulley,
    ];
    for compiler in compilers {
        let engine = WasmtimeEngine::new(&EngineConfig { compiler, ..config(None) }).unwrap();
        let limits = InstanceLimits::default();
        let answer = ask(&load(&engine, "hello", &limits), "/").await.unwrap();
        assert_eq!(answer, (200, "Hello from mik!\n".to_owned()), "{compiler:?}");
        let trap = ask(&load(&engine, "trap", &limits), "/").await.unwrap_err();
        assert_eq!(trap.kind().as_str(), "trap", "{compiler:?}");
        let call = Call::detached(Duration::from_millis(100));
        let late = load(&engine, "spin", &limits).handle(get("/"), call).await.unwrap_err();
        assert!(matches!(late, CallError::Timeout(_)), "{compiler:?}: {late}");
    }
}

#[tokio::test]
async fn an_instance_with_something_left_of_a_call_serves_no_other() {
    let engine = WasmtimeEngine::new(&config(None)).unwrap();
    let limits = InstanceLimits { reuse: 10, ..InstanceLimits::default() };
    let half = load(&engine, "half", &limits);
    assert_eq!(ask(&half, "/?how=drop").await.unwrap_err().kind().as_str(), "trap");
    assert_eq!(ask(&half, "/?how=ok").await.unwrap().0, 200);
    // It leaves its response-outparam behind.
    let silent = load(&engine, "silent", &limits);
    for _ in 0..3 {
        assert_eq!(ask(&silent, "/").await.unwrap_err().kind().as_str(), "no-response");
    }
}

#[tokio::test]
async fn an_answer_to_head_may_announce_a_body() {
    let engine = WasmtimeEngine::new(&config(None)).unwrap();
    let module = load(&engine, "half", &InstanceLimits::default());
    let mut request = get("/?how=short&bytes=0");
    *request.method_mut() = http::Method::HEAD;
    let response = module.handle(request, Call::detached(Duration::from_secs(20))).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "90");
    assert_eq!(response.body().length(), Some(0));
}
