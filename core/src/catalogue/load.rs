//! What turns a file into something that can be called.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::entry::Handler;
use crate::limits::InstanceLimits;
use crate::units::ByteSize;
use crate::{Engine, LoadError, ModuleName, ModuleSource, Orchestrator, ScriptSource, Target};

/// Loads the files of one kind. Everything here blocks.
pub(crate) trait Loader: Send + Sync {
    /// Loads one file; gives the handler and the bytes that it holds.
    fn load(
        &self,
        name: &ModuleName,
        path: &Path,
        limits: &InstanceLimits,
    ) -> Result<(Handler, usize), LoadError>;

    /// The route under which a name is reached, as a pattern.
    fn route(&self, name: &ModuleName) -> (String, Target);

    /// The name of what runs them.
    fn engine(&self) -> Arc<str>;
}

/// Loads components with an engine.
pub(crate) struct ModuleLoader {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) max_bytes: ByteSize,
}

impl Loader for ModuleLoader {
    fn load(
        &self,
        name: &ModuleName,
        path: &Path,
        limits: &InstanceLimits,
    ) -> Result<(Handler, usize), LoadError> {
        let bytes = read(path, self.max_bytes).map_err(|error| error.at(path))?;
        let source = ModuleSource { name, bytes: &bytes, limits };
        let module = self.engine.load(source).map_err(|error| error.at(path))?;
        let footprint = module.footprint();
        let deadline = self.engine.capabilities().deadline;
        Ok((Handler::Module { module, deadline }, footprint))
    }

    fn route(&self, name: &ModuleName) -> (String, Target) {
        (format!("/run/{name}"), Target::Module(name.clone()))
    }

    fn engine(&self) -> Arc<str> {
        self.engine.name().into()
    }
}

/// Loads scripts with an orchestrator.
pub(crate) struct ScriptLoader {
    pub(crate) orchestrator: Arc<dyn Orchestrator>,
    pub(crate) max_bytes: ByteSize,
}

impl Loader for ScriptLoader {
    fn load(
        &self,
        name: &ModuleName,
        path: &Path,
        _limits: &InstanceLimits,
    ) -> Result<(Handler, usize), LoadError> {
        let bytes = read(path, self.max_bytes).map_err(|error| error.at(path))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| LoadError::new(format!("not UTF-8: {error}")).at(path))?;
        let source = ScriptSource { name, path, text };
        let script = self.orchestrator.load(source).map_err(|error| error.at(path))?;
        let deadline = self.orchestrator.capabilities().deadline;
        Ok((Handler::Script { script, deadline }, bytes.len()))
    }

    fn route(&self, name: &ModuleName) -> (String, Target) {
        (format!("/script/{name}"), Target::Script(name.clone()))
    }

    fn engine(&self) -> Arc<str> {
        self.orchestrator.name().into()
    }
}

fn read(path: &Path, max: ByteSize) -> Result<Vec<u8>, LoadError> {
    let unreadable = |error| LoadError::transient(format!("cannot read: {error}"));
    let len = fs::metadata(path).map_err(unreadable)?.len();
    if len == 0 {
        return Err(LoadError::new("the file is empty"));
    }
    if len > max.get() {
        return Err(LoadError::new(format!(
            "the file has {len} bytes, more than server.limits.module_bytes = {max}"
        )));
    }
    fs::read(path).map_err(unreadable)
}
