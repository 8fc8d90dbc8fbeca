//! Bytes of a file that is to be a component: it is loaded, or refused with a reason, in bounded time.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mik_core::units::ByteSize;
use mik_core::{Engine, InstanceLimits, ModuleName, ModuleSource};
use mik_wasmtime::{EngineConfig, WasmtimeEngine};

/// A bound on hanging. To compile takes time with the size of a file, and a build that is fuzzed is slow.
const LONG: Duration = Duration::from_secs(30);

static ENGINE: LazyLock<WasmtimeEngine> = LazyLock::new(|| {
    let config = EngineConfig { in_flight: 4, cache_dir: None, ..EngineConfig::default() };
    WasmtimeEngine::new(&config).unwrap()
});

/// Loads the bytes.
pub(super) fn check(input: &[u8]) {
    let name = ModuleName::new("t").unwrap();
    let limits = InstanceLimits { memory: ByteSize::mib(8), ..InstanceLimits::default() };
    let started = Instant::now();
    let loaded = ENGINE.load(ModuleSource { name: &name, bytes: input, limits: &limits });
    assert!(started.elapsed() < LONG, "{:?} for {} bytes", started.elapsed(), input.len());
    match loaded {
        Ok(module) => {
            // The cache is charged with the file at least.
            assert!(module.footprint() >= input.len());
            assert!(input.starts_with(b"\0asm\x0d\0\x01\0"), "a component, and nothing else");
        }
        Err(error) => {
            assert!(!error.is_transient(), "it is the file's fault, and stays so: {error}");
            let told = error.at("modules/t.wasm").to_string();
            let reason = told.strip_prefix("modules/t.wasm: ").expect("the file");
            assert!(reason.contains(' '), "no reason: {told}");
            // It is shown on terminals, and names come from the file.
            assert!(!reason.contains(|c: char| c.is_control() && c != '\n'), "{told:?}");
        }
    }
}
