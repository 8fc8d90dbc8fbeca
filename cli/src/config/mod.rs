//! `mik.toml`: its tables, its schema, and the strict reading that finds every error in one pass.

mod keys;
mod problem;
mod read;
mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod unknown;

use std::fs;
use std::io;
use std::path::Path;

use mik_core::Registry;

pub use keys::Row;
pub use mik_core::values::{Checked, Count, Size, Text, Time, Value};
pub use problem::{Document, Problem, Problems, Severity};
#[cfg(feature = "develop")]
pub(crate) use read::read_for_build;
pub(crate) use read::{Places, read};
pub use schema::schema;
pub use tables::{
    BuildTable, CacheTable, Config, EngineTable, LimitsTable, MiddlewareTable, ModuleTable,
    OrchestratorTable, PluginTable, ProjectTable, ScriptTable, ServerTable, SwitchTable,
};
pub use tables::{DEFAULT_ENGINE, DEFAULT_ORCHESTRATOR};
pub(crate) use tables::{
    DEFAULT_MODULES, DEFAULT_PORT, DEFAULT_QUEUE, DEFAULT_SCRIPTS, DEFAULT_STACK,
};
pub use text::{EnvName, EnvSource, EnvValue, HostName};
pub(crate) use unknown::closest;

/// The name of the file in a project's folder.
pub const FILE_NAME: &str = "mik.toml";

/// Reads tables out of the text of a `mik.toml`.
///
/// # Errors
/// Everything that is wrong with it by itself. What depends on the machine (files, compiled-in parts,
/// environment) is checked by [`Plan::new`](crate::Plan::new).
pub fn parse(document: &Document, registry: &Registry) -> Result<Config, Problems> {
    let (config, _, problems) = read(&document.text, registry);
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(Problems::new(Some(document.clone()), problems))
    }
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is not UTF-8.
    pub fn open(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid].iter().filter(|b| **b == b'\n').count() + 1;
            io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
        })?;
        Ok(Self { path: path.to_owned(), text: text.into() })
    }
}
