//! A loaded script.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mik_core::{
    BoxFuture, Call, CallError, InstanceLimits, LoadError, ModuleName, Request, Response, Script,
};

use crate::position::of_author;
use crate::run::{self, Natives, Seat};
use crate::threads::{Threads, Watch};
use crate::{Broken, Position, Sources, Vm, WorldLimits};

/// How long the top level of a script may take while it is tried.
const TRIAL: Duration = Duration::from_secs(5);

/// A script that is compiled, and has been tried.
pub struct Loaded<V: Vm> {
    pub(crate) name: ModuleName,
    pub(crate) vm: Arc<V>,
    pub(crate) program: Arc<V::Program>,
    pub(crate) limits: InstanceLimits,
    pub(crate) world: WorldLimits,
    pub(crate) threads: Threads,
    pub(crate) kept: <V::Seat as Seat<V>>::Kept,
    files: Vec<PathBuf>,
}

impl<V: Vm> Loaded<V> {
    /// Compiles a script and runs its top level once, so that what is wrong with it is known now.
    pub(crate) fn new(
        name: &ModuleName,
        vm: &Arc<V>,
        sources: &Arc<Sources>,
        limits: &InstanceLimits,
        stack: usize,
        threads: &Threads,
    ) -> Result<Arc<Self>, LoadError> {
        let memory = usize::try_from(limits.memory.get()).unwrap_or(usize::MAX);
        let world = WorldLimits { memory, stack };
        let told = |broken: Broken| explained(broken, sources).with_files(sources.files());
        let program = vm.compile(sources, &world).map_err(told)?;
        let script = Arc::new(Self {
            name: name.clone(),
            vm: vm.clone(),
            program: Arc::new(program),
            limits: limits.clone(),
            world,
            threads: threads.clone(),
            kept: Default::default(),
            files: sources.files(),
        });
        script.attempt().map_err(|fault| match fault {
            Fault::Broken(broken) => told(broken),
            Fault::Host(reason) => LoadError::transient(reason),
        })?;
        Ok(script)
    }

    /// Makes a world on a thread of scripts, whatever the script does there.
    fn attempt(self: &Arc<Self>) -> Result<(), Fault> {
        let time = TRIAL.min(self.limits.cpu);
        let watch = Arc::new(Watch::new(Instant::now() + time, time));
        let natives = Natives::new(self.name.clone());
        natives.try_out(watch.clone());
        let (made, is_made) = std::sync::mpsc::channel();
        let script = self.clone();
        let attempt = move || {
            let world = script.vm.open(&script.program, &script.world, &natives);
            let _ = made.send(world.map(drop));
        };
        let refused = self.threads.submit(watch, attempt).map_err(|refused| refused.to_string());
        refused.map_err(Fault::Host)?;
        match is_made.recv_timeout(time + Duration::from_secs(1)) {
            Ok(Err(Broken::Stopped)) | Err(_) => Err(Fault::Broken(Broken::threw(format!(
                "the top level of the script has not come to its end after {time:?}"
            )))),
            Ok(result) => result.map_err(Fault::Broken),
        }
    }
}

/// Why a script cannot be tried out.
enum Fault {
    Broken(Broken),
    /// It is not the script's.
    Host(String),
}

impl<V: Vm> Script for Loaded<V> {
    fn run(
        self: Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(run::answer(self, request, call))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }
}

/// What is wrong with a script, for its author: with the place and the lines around it.
fn explained(broken: Broken, sources: &Sources) -> LoadError {
    let Broken::Threw { message, stack, at } = broken else {
        return LoadError::new(format!("the top level of the script failed: {broken}"));
    };
    let stack = of_author(&stack);
    LoadError::new(match at.or_else(|| Position::first_in(&stack)) {
        Some(at) => sources.explain(&at.file, at.line, at.column, &message),
        None => message,
    })
}
