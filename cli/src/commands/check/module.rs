//! One module, as `mik check` tells of it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mik_core::{Engine, LoadError, ModuleName, ModuleSource};
use serde::Serialize;

use super::file;
use crate::inspect::{Access, Inspection};
use crate::plan::Plan;

/// One module.
#[derive(Serialize)]
pub(super) struct Module {
    name: String,
    file: String,
    bytes: u64,
    routes: Vec<String>,
    #[serde(flatten)]
    inspection: Inspection,
    access: Vec<Access>,
    /// Bytes that it holds when it is loaded.
    footprint: Option<usize>,
    pub(super) error: Option<String>,
}

impl Module {
    /// Inspects one, and has the engine load it.
    pub(super) fn look(
        name: &ModuleName,
        path: &Path,
        plan: &Plan,
        engine: Option<&Arc<dyn Engine>>,
    ) -> Self {
        let mounts = plan.mounts.iter().filter(|(_, module)| module == name);
        let mounts = mounts.map(|(route, _)| format!("{}/*", route.as_str().trim_end_matches('/')));
        let mut module = Self {
            name: name.to_string(),
            file: path.display().to_string(),
            bytes: fs::metadata(path).map_or(0, |file| file.len()),
            routes: [format!("/run/{name}/*")].into_iter().chain(mounts).collect(),
            inspection: Inspection::default(),
            access: Vec::new(),
            footprint: None,
            error: None,
        };
        match module.load(name, path, plan, engine) {
            Ok(footprint) => module.footprint = footprint,
            Err(error) => module.error = Some(error.at(path).to_string()),
        }
        module.access = module.inspection.access(&plan.settings(name).grants);
        module
    }

    /// Inspects the file, then has the engine load it.
    fn load(
        &mut self,
        name: &ModuleName,
        path: &Path,
        plan: &Plan,
        engine: Option<&Arc<dyn Engine>>,
    ) -> Result<Option<usize>, LoadError> {
        let bytes = file::read(path, plan.limits.module_bytes)?;
        self.inspection = Inspection::of(&bytes).map_err(LoadError::new)?;
        let Some(engine) = engine else { return Ok(None) };
        let source = ModuleSource { name, bytes: &bytes, limits: &plan.settings(name).limits };
        Ok(Some(engine.load(source)?.footprint()))
    }

    pub(super) fn describe(&self, text: &mut String) {
        let versions: Vec<_> = self.inspection.wasi.iter().map(String::as_str).collect();
        let world = match (&self.error, self.inspection.world) {
            (Some(_), None) => "does not load".to_owned(),
            (None, None) => "no world that mik knows".to_owned(),
            (Some(_), Some(world)) => format!("{world}, does not load"),
            (None, Some(world)) => format!("{world}, WASI {}", versions.join(" ")),
        };
        let title = format!("{}: {world}", self.name);
        let rows = [("routes", self.routes.join(", "))];
        file::describe(text, &title, self.bytes, &self.file, rows, &self.access);
    }
}
