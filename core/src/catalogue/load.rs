//! What turns a file into something that can be called.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::Handler;
use super::files::folder_of;
use super::{Catalogue, ModuleSettings};
use crate::units::ByteSize;
use crate::{Engine, LoadError, ModuleName, ModuleSource, Orchestrator, ScriptSource, Target};

/// Loads the files of one kind. Everything here blocks.
pub(crate) trait Loader: Send + Sync {
    /// Loads one file.
    fn load(
        &self,
        name: &ModuleName,
        path: &Path,
        settings: &ModuleSettings,
    ) -> Result<Made, LoadError>;

    /// The route under which a name is reached, as a pattern.
    fn route(&self, name: &ModuleName) -> (String, Target);

    /// The name of what runs them.
    fn engine(&self) -> Arc<str>;
}

/// What was made of a file.
pub(crate) struct Made {
    pub(super) handler: Handler,
    /// Bytes that it holds.
    pub(super) footprint: usize,
    /// The other files that it was made from.
    pub(super) files: Vec<PathBuf>,
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
        settings: &ModuleSettings,
    ) -> Result<Made, LoadError> {
        let bytes = read(path, self.max_bytes).map_err(|error| error.at(path))?;
        let source = ModuleSource { name, bytes: &bytes, limits: &settings.limits };
        let module = self.engine.load(source).map_err(|error| error.at(path))?;
        let footprint = module.footprint();
        let deadline = self.engine.capabilities().deadline;
        Ok(Made { handler: Handler::Module { module, deadline }, footprint, files: Vec::new() })
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
    /// The folder that imports must not leave.
    pub(crate) root: PathBuf,
    /// What scripts may call.
    pub(crate) modules: Option<Arc<Catalogue>>,
    pub(crate) max_bytes: ByteSize,
}

/// The folder that the imports of scripts must not leave: that of all scripts, or that of the one file.
pub fn script_root(scripts: &Path) -> PathBuf {
    folder_of(scripts)
}

impl ScriptLoader {
    /// A script has one object with its modules and its variables. One name for both is refused rather than
    /// decided. Should a module of that name appear once the script is loaded, the next load says so.
    fn check_names(&self, name: &ModuleName, settings: &ModuleSettings) -> Result<(), LoadError> {
        let grants = &settings.grants;
        let is_module = |variable: &str| {
            let there = self.modules.as_ref().and_then(|modules| modules.find(variable));
            there.is_some() && grants.may_call(variable)
        };
        let mut variables = grants.env.iter().map(|(variable, _)| variable);
        match variables.find(|variable| is_module(variable)) {
            // It may be the module that goes.
            Some(both) => Err(LoadError::transient(format!(
                "the variable {both} of [scripts.{name}].env has the name of the module {both}: rename \
                 one of them"
            ))),
            None => Ok(()),
        }
    }
}

impl Loader for ScriptLoader {
    fn load(
        &self,
        name: &ModuleName,
        path: &Path,
        settings: &ModuleSettings,
    ) -> Result<Made, LoadError> {
        self.check_names(name, settings).map_err(|error| error.at(path))?;
        let bytes = read(path, self.max_bytes).map_err(|error| error.at(path))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| LoadError::new(format!("not UTF-8: {error}")).at(path))?;
        let source = ScriptSource { name, path, root: &self.root, text, limits: &settings.limits };
        let script = self.orchestrator.load(source).map_err(|error| error.at(path))?;
        let deadline = self.orchestrator.capabilities().deadline;
        let (footprint, files) = (script.footprint().max(bytes.len()), script.files());
        Ok(Made { handler: Handler::Script { script, deadline }, footprint, files })
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
