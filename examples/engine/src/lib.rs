//! An engine of one's own: its modules are no WebAssembly, but programs of a few lines, such as
//!
//! ```text
//! status 201
//! header x-made-by mik-tiny
//! repeat 3 100ms say turn {turn}
//! ```
//!
//! What makes it an engine of mik is all here: it tells what it can ([`Engine::capabilities`]), loads a module or
//! says what is wrong with it ([`Engine::load`]), and runs it for one request after the other, many at once
//! ([`Module::handle`]). The README says what a program can do.

mod inspect;
mod program;
mod run;
mod steps;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use mik_core::{
    BoxFuture, Call, CallError, Capabilities, Engine, EngineContext, InstanceLimits, LoadError,
    Module, ModuleName, ModuleSource, Registry, Request, Response, Settings,
};
use tokio::time::timeout_at;

use program::Line;
use run::Run;

/// Makes the engine known under its name. Call it on the registry that a binary hands to `mik::run_with`.
pub fn register(registry: &mut Registry) {
    registry.engine("tiny", |_: &Settings, _: &EngineContext| Ok(Arc::new(Tiny)));
}

/// Runs programs that are short texts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tiny;

impl Engine for Tiny {
    fn name(&self) -> &str {
        "tiny"
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        // A run is a stream that goes on when the next frame of the answer is wanted.
        capabilities.streaming = true;
        capabilities.trailers = true;
        // Each turn of a `repeat` may be the last one for now, or for ever.
        capabilities.preemption = true;
        capabilities.deadline = true;
        // `hold`, and every text that is made.
        capabilities.memory_cap = true;
        // Not `untrusted`: nobody counts the processor time of a program that never falls silent.
        capabilities
    }

    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        let text = std::str::from_utf8(source.bytes)
            .map_err(|_| LoadError::new("no program: it is not UTF-8"))?;
        let lines = program::parse(text).map_err(LoadError::new)?;
        let size = text.len() + lines.len() * size_of::<Line>();
        Ok(Arc::new(Program {
            name: source.name.clone(),
            lines,
            size,
            limits: source.limits.clone(),
        }))
    }
}

/// A loaded module.
struct Program {
    name: ModuleName,
    lines: Vec<Line>,
    /// Bytes that it holds, more or less.
    size: usize,
    limits: InstanceLimits,
}

impl Module for Program {
    fn footprint(&self) -> usize {
        self.size
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            let deadline = call.deadline();
            let mut run = Run::new(self, request, call);
            match timeout_at(deadline, run.next()).await {
                Ok(Ok(first)) => Ok(run.respond(first)),
                Ok(Err(error)) => Err(run.failed(error)),
                Err(_) => Err(run.failed(CallError::Timeout("no response head by the deadline"))),
            }
        })
    }
}

/// The blocks of the page on parts compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/parts.md")]
struct Page;
