//! One script, as `mik check` tells of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mik_core::{LoadError, ModuleName, Orchestrator, ScriptSource, script_root};
use serde::Serialize;

use super::file;
use crate::inspect::Access;
use crate::plan::Plan;

/// One script.
#[derive(Serialize)]
pub(super) struct Script {
    name: String,
    file: String,
    bytes: u64,
    routes: Vec<String>,
    limits: BTreeMap<&'static str, String>,
    access: Vec<Access>,
    /// The other files that it is made from.
    imports: Vec<String>,
    /// What is wrong; it may have several lines, with the place in the file.
    pub(super) error: Option<String>,
}

impl Script {
    /// Has the orchestrator load one.
    pub(super) fn look(
        name: &ModuleName,
        path: &Path,
        plan: &Plan,
        orchestrator: Option<&Arc<dyn Orchestrator>>,
    ) -> Self {
        let limits = plan.script_limits(name).into_iter().map(|row| (row.key, row.value));
        let mut script = Self {
            name: name.to_string(),
            file: path.display().to_string(),
            bytes: fs::metadata(path).map_or(0, |file| file.len()),
            routes: vec![format!("/script/{name}/*")],
            limits: limits.collect(),
            access: Access::of_script(&plan.script_settings(name).grants),
            imports: Vec::new(),
            error: None,
        };
        match load(name, path, plan, orchestrator) {
            Ok(imports) => script.imports = imports,
            Err(error) => script.error = Some(error.at(path).to_string()),
        }
        script
    }

    pub(super) fn describe(&self, text: &mut String) {
        let kind = self.file.rsplit('.').next().filter(|extension| *extension == "ts");
        let language = if kind.is_some() { "TypeScript" } else { "JavaScript" };
        let state = if self.error.is_some() { ", does not load" } else { "" };
        let title = format!("{}: {language}{state}", self.name);
        let limits: Vec<_> =
            self.limits.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let mut rows = vec![("routes", self.routes.join(", ")), ("limits", limits.join(", "))];
        if !self.imports.is_empty() {
            rows.push(("imports", self.imports.join(", ")));
        }
        file::describe(text, &title, self.bytes, &self.file, rows, &self.access);
    }
}

/// Gives the other files that the script is made from.
fn load(
    name: &ModuleName,
    path: &Path,
    plan: &Plan,
    orchestrator: Option<&Arc<dyn Orchestrator>>,
) -> Result<Vec<String>, LoadError> {
    let bytes = file::read(path, plan.limits.module_bytes)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| LoadError::new(format!("not UTF-8: {error}")))?;
    let Some(orchestrator) = orchestrator else { return Ok(Vec::new()) };
    let root = script_root(plan.scripts.as_deref().unwrap_or(path));
    let limits = &plan.script_settings(name).limits;
    let script = orchestrator.load(ScriptSource { name, path, root: &root, text, limits })?;
    Ok(script.files().iter().map(|file| file.display().to_string()).collect())
}
