//! The wasmtime engine: serves WASI 0.2 components of the `wasi:http/proxy` world.
//!
//! Every call gets a fresh instance out of a pool, unless a module asks for `reuse`. All of WASI is
//! linked and nothing of it is granted: a guest that imports the file system starts, and finds none.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mik_wasmtime::{EngineConfig, WasmtimeEngine};
//!
//! let engine = WasmtimeEngine::new(&EngineConfig::default())?;
//! let host = mik_core::Host::builder().engine(engine).modules_dir("modules/").build()?;
//! # Ok(()) }
//! ```

mod artifacts;
mod body;
mod config;
mod engine;
mod epoch;
mod errors;
#[cfg(test)]
mod fuzz;
mod guest;
mod guest_log;
mod hooks;
mod link;
mod memory;
mod module;
mod numbers;
mod outcome;
mod reuse;
mod running;

#[cfg(test)]
extern crate self as mik_wasmtime;

use std::sync::Arc;

use mik_core::{EngineContext, Registry, Settings, SettingsError};

pub use config::{Compiler, EngineConfig};
pub use engine::{EngineError, WasmtimeEngine};

/// Registers `wasmtime`, and `winch` and `pulley` where their features are on.
pub fn register(registry: &mut Registry) {
    add(registry, "wasmtime", Compiler::Cranelift);
    #[cfg(feature = "winch")]
    add(registry, "winch", Compiler::Winch);
    #[cfg(not(feature = "winch"))]
    registry.absent_engine("winch", "winch");
    #[cfg(feature = "pulley")]
    add(registry, "pulley", Compiler::Pulley);
    #[cfg(not(feature = "pulley"))]
    registry.absent_engine("pulley", "pulley");
}

fn add(registry: &mut Registry, name: &'static str, compiler: Compiler) {
    registry.engine(name, move |settings: &Settings, context: &EngineContext| {
        let config = EngineConfig::from_settings(settings, context, compiler)?;
        let engine = WasmtimeEngine::new(&config)
            .map_err(|error| SettingsError::new(format!("engine {name}: {error}")))?;
        Ok(Arc::new(engine))
    });
}
