//! The orchestrator of any JavaScript virtual machine.

use std::sync::Arc;

use mik_core::{Capabilities, LoadError, Orchestrator, Script, ScriptSource};

use crate::script::Loaded;
use crate::settings::JavaScriptConfig;
use crate::sweeper::Sweeper;
use crate::threads::{LOST, ThreadLimits, Threads};
use crate::{Sources, Vm};

/// Runs JavaScript and TypeScript in the virtual machine `V`.
pub struct JavaScript<V: Vm> {
    vm: Arc<V>,
    threads: Threads,
    sweeper: Sweeper<V>,
    stack: usize,
}

impl<V: Vm> JavaScript<V> {
    /// Scripts that run in `vm`.
    pub fn new(vm: V, config: &JavaScriptConfig) -> Self {
        let mut limits = ThreadLimits { queue: config.queue, ..ThreadLimits::default() };
        if let Some(most) = config.threads {
            limits.most = most.max(1);
            limits.usual = limits.usual.min(limits.most);
        }
        let stack = usize::try_from(config.stack.get()).unwrap_or(usize::MAX);
        Self { vm: Arc::new(vm), threads: Threads::new(limits), sweeper: Sweeper::default(), stack }
    }
}

impl<V: Vm> Orchestrator for JavaScript<V> {
    fn name(&self) -> &str {
        self.vm.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.vm.capabilities()
    }

    fn load(&self, source: ScriptSource<'_>) -> Result<Arc<dyn Script>, LoadError> {
        let sources = Sources::open(source.root, source.path, source.text)
            .map_err(|error| LoadError::new(error.to_string()))?;
        let sources = Arc::new(sources);
        let script =
            Loaded::new(source.name, &self.vm, &sources, source.limits, self.stack, &self.threads)?;
        self.sweeper.watch(&script);
        Ok(script)
    }

    fn trouble(&self) -> Option<String> {
        let lost = self.threads.lost();
        (lost >= LOST).then(|| {
            format!("{lost} scripts do not return past their deadline; scripts answer 503 until one does")
        })
    }
}
