//! Boa as a virtual machine of mik.

use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use boa_engine::Context;
use boa_engine::builtins::promise::PromiseState;
use mik_core::Capabilities;
use mik_javascript::{Broken, Natives, Pinned, Source, Sources, Value, Vm, WorldLimits};

use crate::NAME;
use crate::failure::{broken, thrown};
use crate::imports::{Compiling, Imports};
use crate::jobs::Jobs;
use crate::limits::{self, Hooks, INSTRUCTIONS};
use crate::world::{BoaWorld, builder, no_thread};

/// Boa.
#[derive(Debug, Clone, Copy)]
pub struct Boa;

/// The files of a script. Boa has no form of a compiled one that another thread could use.
pub struct Program {
    pub(crate) entry: Arc<Source>,
    pub(crate) imports: Imports,
    /// The globals that the prelude puts in place for it.
    pub(crate) globals: Value,
}

impl Vm for Boa {
    type Program = Program;
    type World = BoaWorld;
    type Seat = Pinned<Self>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.streaming = true;
        capabilities.deadline = true;
        capabilities
    }

    fn compile(&self, sources: &Arc<Sources>, limits: &WorldLimits) -> Result<Program, Broken> {
        // Whoever loads a script may have a small stack; and as for a world, everything goes with the thread.
        thread::scope(|scope| {
            let parsing = builder("mik-boa-load").spawn_scoped(scope, || compile(sources, limits));
            let parsing = parsing.map_err(|error| no_thread(&error))?;
            parsing.join().unwrap_or_else(|_| Err(Broken::threw("the engine panicked")))
        })
    }

    fn open(
        &self,
        program: &Arc<Program>,
        limits: &WorldLimits,
        natives: &Natives,
    ) -> Result<BoaWorld, Broken> {
        BoaWorld::open(program, limits, natives)
    }
}

/// Parses every file and links them; nothing runs.
fn compile(sources: &Arc<Sources>, limits: &WorldLimits) -> Result<Program, Broken> {
    let compiling = Rc::new(Compiling::new(sources.clone()));
    let context = &mut context(limits, compiling.clone(), None)?;
    let entry = compiling.parse_entry(context)?;
    let loading = entry.load(context);
    let ran = context.run_jobs();
    if let Some(failure) = compiling.failure() {
        return Err(failure);
    }
    ran.map_err(|error| broken(error, None, context))?;
    if let PromiseState::Rejected(reason) = loading.state() {
        return Err(thrown(&reason, context));
    }
    entry.link(context).map_err(|error| broken(error, None, context))?;
    Ok(Program { entry: sources.entry(), imports: compiling.imports(), globals: sources.globals() })
}

/// A realm and what belongs to it, without a prelude.
pub(crate) fn context<L: boa_engine::module::ModuleLoader + 'static>(
    limits: &WorldLimits,
    loader: Rc<L>,
    natives: Option<&Natives>,
) -> Result<Context, Broken> {
    let context = Context::builder()
        .host_hooks(Rc::new(Hooks::new(limits)))
        .job_executor(Rc::new(Jobs::new(natives.cloned())))
        .module_loader(loader)
        .can_block(false)
        .instructions_remaining(INSTRUCTIONS)
        .build();
    let mut context = context.map_err(|error| Broken::threw(error.to_string()))?;
    context.set_runtime_limits(limits::runtime(limits));
    if let Some(natives) = natives {
        context.insert_data(natives.clone());
    }
    Ok(context)
}
