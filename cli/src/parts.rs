//! The parts that are compiled in: one line each.

use mik_core::Registry;

/// Every engine, orchestrator and middleware of this binary, and the names of those that it could have.
pub fn registry() -> Registry {
    let mut registry = Registry::new();

    #[cfg(feature = "wasmtime")]
    mik_wasmtime::register(&mut registry);
    #[cfg(not(feature = "wasmtime"))]
    for name in ["wasmtime", "winch", "pulley"] {
        registry.absent_engine(name, name);
    }

    #[cfg(feature = "rquickjs")]
    mik_rquickjs::register(&mut registry);
    #[cfg(not(feature = "rquickjs"))]
    registry.absent_orchestrator("rquickjs", "rquickjs");

    #[cfg(feature = "boa")]
    mik_boa::register(&mut registry);
    #[cfg(not(feature = "boa"))]
    registry.absent_orchestrator("boa", "boa");

    mik_middleware::register(&mut registry);
    registry
}
