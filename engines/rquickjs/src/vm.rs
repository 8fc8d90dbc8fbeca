//! QuickJS as a virtual machine of mik.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mik_core::Capabilities;
use mik_javascript::prelude::{self, PARTS};
use mik_javascript::{Broken, Natives, Roaming, Sources, Vm, WorldLimits};
use rquickjs::{Context, Ctx, Error, Result, Runtime, Value};

use crate::NAME;
use crate::bytecode::Bytecode;
use crate::failure::broken;
use crate::imports::{Compiling, Imports};
use crate::memory;
use crate::world::QuickWorld;

/// The most stack that compiling a script may use, in bytes: its thread is not one of those that run scripts.
const COMPILING: usize = 1 << 20;

/// QuickJS.
pub struct QuickJs {
    prelude: Arc<Prelude>,
}

/// A script as bytecode.
pub struct Program {
    pub(crate) entry: Bytecode,
    pub(crate) imports: Arc<Imports>,
    pub(crate) globals: mik_javascript::Value,
    /// The parts of the prelude that its runs have needed so far.
    pub(crate) needed: Parts,
}

/// Names of parts of the prelude, each once. A clone is the same.
#[derive(Clone, Default)]
pub(crate) struct Parts(Arc<Mutex<Vec<String>>>);

/// The parts of the prelude as bytecode.
pub(crate) struct Prelude(HashMap<&'static str, Bytecode>);

impl QuickJs {
    /// Compiles the prelude.
    pub(crate) fn new() -> std::result::Result<Self, Broken> {
        memory::give_back();
        let runtime = Runtime::new().map_err(|_| Broken::Memory)?;
        let context = Context::full(&runtime).map_err(|_| Broken::Memory)?;
        let prelude = context.with(|ctx| {
            let compile = |(name, source): &(&'static str, &str)| {
                let source = format!("export default {source}");
                let compiled = Bytecode::compile(&ctx, &prelude::file(name), &source);
                compiled.map(|(bytecode, _)| (*name, bytecode))
            };
            let parts: Result<_> = PARTS.iter().map(compile).collect();
            parts.map_err(|error| broken(&ctx, &error, None))
        })?;
        Ok(Self { prelude: Arc::new(Prelude(prelude)) })
    }
}

impl Parts {
    pub(crate) fn add(&self, name: &str) {
        let mut names = self.lock();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    /// All of them; there are none afterwards.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lock())
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prelude {
    /// The function that a part is.
    pub(crate) fn load<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Value<'js>> {
        let part = self.0.get(name).ok_or_else(|| Error::new_loading(name))?;
        let (module, _) = part.load(ctx)?.eval()?;
        module.get("default")
    }
}

impl Vm for QuickJs {
    type Program = Program;
    type World = QuickWorld;
    type Seat = Roaming<Self>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.streaming = true;
        capabilities.preemption = true;
        capabilities.memory_cap = true;
        capabilities.deadline = true;
        capabilities.reuse = true;
        capabilities.untrusted = true;
        capabilities
    }

    fn compile(
        &self,
        sources: &Arc<Sources>,
        limits: &WorldLimits,
    ) -> std::result::Result<Program, Broken> {
        let runtime = Runtime::new().map_err(|_| Broken::Memory)?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack.min(COMPILING));
        let compiling = Compiling::new(sources.clone());
        runtime.set_loader(compiling.clone(), compiling.clone());
        let context = Context::full(&runtime).map_err(|_| Broken::Memory)?;
        let source = sources.entry();
        let compiled = context.with(|ctx| {
            let compiled = Bytecode::compile(&ctx, &source.name, &source.text);
            compiled.map(|(bytecode, _)| bytecode).map_err(|error| broken(&ctx, &error, None))
        });
        let entry = compiled.map_err(|broken| match compiling.failure() {
            Some(reason) => Broken::threw(reason),
            None => broken,
        })?;
        let imports = Arc::new(compiling.imports());
        Ok(Program { entry, imports, globals: sources.globals(), needed: Parts::default() })
    }

    fn open(
        &self,
        program: &Arc<Program>,
        limits: &WorldLimits,
        natives: &Natives,
    ) -> std::result::Result<QuickWorld, Broken> {
        QuickWorld::open(&self.prelude, program, limits, natives)
    }
}
