//! The engine itself: compiles, links and keeps components.

use std::sync::{Arc, OnceLock};

use mik_core::opentelemetry::metrics::Meter;
use mik_core::{Capabilities, Engine, LoadError, Module, ModuleSource, escape, moves_cursor};
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::artifacts::Artifacts;
use crate::config::{Compiler, EngineConfig, MEMORIES};
use crate::epoch;
use crate::guest::Guest;
use crate::link::link_again;
use crate::memory::MemoryBudget;
use crate::module::WasmtimeModule;
use crate::numbers::Numbers;
use crate::reuse::IdleInstances;

/// Bytes of one page of linear memory.
const PAGE: u64 = 64 << 10;

/// Compiles components with wasmtime and calls them.
pub struct WasmtimeEngine {
    compiler: Compiler,
    engine: wasmtime::Engine,
    linker: Linker<Guest>,
    artifacts: Option<Artifacts>,
    budget: Arc<MemoryBudget>,
    idle: Arc<IdleInstances>,
    numbers: OnceLock<Numbers>,
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refuses the configuration, or the pool does not fit into the address space.
    #[error(
        "wasmtime does not start: {0}; a smaller server.limits.in_flight needs less address space"
    )]
    Wasmtime(String),
    /// The ticker thread does not start.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Wasmtime(format!("{error:#}"))
    }
}

impl WasmtimeEngine {
    /// Starts the engine: reserves the pool's address space and links WASI.
    ///
    /// # Errors
    /// When the address space is too small for `in_flight` instances, or no thread can be started.
    pub fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        let engine = wasmtime::Engine::new(&config.to_wasmtime()?)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        link_again(&mut linker)?;
        let artifacts = config.cache_dir.as_deref().and_then(|dir| {
            Artifacts::open(dir, &engine)
                .inspect_err(|error| {
                    tracing::warn!(dir = %dir.display(), "compiled components are not kept: {error}");
                })
                .ok()
        });
        let idle = IdleInstances::new(config.idle());
        epoch::start(&engine, config.tick, Arc::downgrade(&idle))?;
        let budget = MemoryBudget::new(config.total_memory.get());
        let numbers = OnceLock::new();
        Ok(Self { compiler: config.compiler, engine, linker, artifacts, budget, idle, numbers })
    }

    /// Compiles a component, or takes the compiled form from the store.
    fn compile(&self, source: &ModuleSource<'_>) -> Result<Component, LoadError> {
        let bytes = source.bytes;
        if let Some(component) =
            self.artifacts.as_ref().and_then(|kept| kept.load(&self.engine, bytes))
        {
            return Ok(component);
        }
        let component = Component::from_binary(&self.engine, bytes)
            .map_err(|error| LoadError::new(format!("does not compile: {}", told(&error))))?;
        if let Some(numbers) = self.numbers.get() {
            numbers.compiled(source.name);
        }
        if let Some(artifacts) = &self.artifacts {
            artifacts.save(&component, bytes);
        }
        Ok(component)
    }
}

impl Engine for WasmtimeEngine {
    fn name(&self) -> &str {
        match self.compiler {
            Compiler::Cranelift => "wasmtime",
            Compiler::Winch => "winch",
            Compiler::Pulley => "pulley",
        }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.wasi_0_2 = true;
        capabilities.streaming = true;
        capabilities.trailers = true;
        capabilities.preemption = true;
        capabilities.memory_cap = true;
        capabilities.deadline = true;
        capabilities.reuse = true;
        capabilities.untrusted = self.compiler != Compiler::Winch;
        capabilities
    }

    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        is_component(source.bytes)?;
        let component = self.compile(&source)?;
        fits(&component, source.limits.memory.get())?;
        let linked = self.linker.instantiate_pre(&component).and_then(ProxyPre::new);
        let pre = linked.map_err(|error| {
            LoadError::new(format!(
                "is no wasi:http/proxy component that this engine can run: {}",
                told(&error)
            ))
        })?;
        // Now rather than in the first call.
        if let Err(error) = component.initialize_copy_on_write_image() {
            return Err(LoadError::transient(format!("no memory image: {error:#}")));
        }
        let image = component.image_range();
        let code = image.end.addr() - image.start.addr();
        let reuse = source.limits.reuse > 1;
        Ok(Arc::new(WasmtimeModule {
            name: source.name.clone(),
            pre,
            numbers: self.numbers.get().map(|numbers| numbers.module(source.name)),
            limits: source.limits.clone(),
            budget: self.budget.clone(),
            // The image is mapped once; the initial memory, part of the binary, once more.
            footprint: code + source.bytes.len(),
            idle: self.idle.clone(),
            shelf: reuse.then(|| self.idle.shelf(source.limits.reuse_idle)),
        }))
    }

    fn instrument(&self, meter: &Meter) {
        self.numbers.get_or_init(|| Numbers::new(meter));
    }
}

/// What wasmtime says of a file. Names in it come from the file and end up on terminals.
fn told(error: &wasmtime::Error) -> String {
    escape(format!("{error:#}"), moves_cursor).into_owned()
}

/// Says what a file is that is no component.
fn is_component(bytes: &[u8]) -> Result<(), LoadError> {
    let reason = match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            "is a core module, not a component: build it for the target wasm32-wasip2"
        }
        [0, b'a', b's', b'm', ..] => "is WebAssembly of a version that is not supported",
        [0x7f, b'E', b'L', b'F', ..] => {
            "is precompiled code, which mik does not take from others: give it the component"
        }
        _ => "is no WebAssembly component",
    };
    Err(LoadError::new(reason))
}

/// Refuses what could never be instantiated.
fn fits(component: &Component, memory: u64) -> Result<(), LoadError> {
    let Some(needs) = component.resources_required() else {
        return Err(LoadError::new("imports core modules, which is not supported"));
    };
    if needs.num_memories > MEMORIES {
        return Err(LoadError::new(format!(
            "needs {} memories, an instance may have {MEMORIES}",
            needs.num_memories
        )));
    }
    let initial = needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE);
    if initial > memory {
        return Err(LoadError::new(format!(
            "starts with {initial} bytes of memory, its limit `memory` is {memory}"
        )));
    }
    Ok(())
}

impl std::fmt::Debug for WasmtimeEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmtimeEngine").field("name", &self.name()).finish_non_exhaustive()
    }
}
