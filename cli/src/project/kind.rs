//! What kind of project a folder holds.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::manifest::read_manifest;
use super::{ProjectError, show};
use crate::config::{Config, DEFAULT_SCRIPTS, FILE_NAME};

/// A kind of project: how its component comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `Cargo.toml`: cargo builds it.
    Rust,
    /// `package.json`: its script `build`.
    Node,
    /// `app.py`: componentize-py.
    Python,
    /// Files of C: clang.
    C,
    /// Scripts alone: there is nothing to build.
    Scripts,
    /// `[build] command` of `mik.toml`.
    Custom,
}

impl Kind {
    /// Looks at a folder and at what its `mik.toml` says. A command goes before everything.
    pub(super) fn of(folder: &Path, config: &Config) -> Result<Self, ProjectError> {
        let has = |name: &str| folder.join(name).is_file();
        let scripts = config.server.scripts.as_deref().unwrap_or(Path::new(DEFAULT_SCRIPTS));
        if config.build.command.is_some() {
            Ok(Self::Custom)
        } else if has("Cargo.toml") {
            Ok(Self::Rust)
        } else if has("package.json") && (builds(folder)? || !folder.join(scripts).exists()) {
            Ok(Self::Node)
        } else if has("app.py") || has("src/app.py") {
            Ok(Self::Python)
        } else if has_c(&folder.join("src")) || has_c(folder) {
            Ok(Self::C)
        } else if folder.join(scripts).exists() {
            Ok(Self::Scripts)
        } else {
            Err(ProjectError::Nothing { folder: folder.to_owned(), hint: hint(folder) })
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Node => "package.json",
            Self::Python => "Python",
            Self::C => "C",
            Self::Scripts => "scripts",
            Self::Custom => "command",
        })
    }
}

/// Whether there is a script `build`: a project of scripts may have a package.json for its editor alone.
fn builds(folder: &Path) -> Result<bool, ProjectError> {
    let manifest = read_manifest(&folder.join("package.json"))?;
    Ok(manifest["scripts"]["build"].is_string())
}

/// Whether a folder has files of C.
pub(crate) fn has_c(folder: &Path) -> bool {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|file| file.path()).any(|path| path.extension().is_some_and(|end| end == "c"))
}

/// What a folder without a project could mean.
fn hint(folder: &Path) -> String {
    let is_project = |folder: &Path| {
        let mut manifests = ["Cargo.toml", "package.json", "app.py"].into_iter();
        manifests.any(|name| folder.join(name).is_file())
    };
    let complete = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if let Some(above) = complete.ancestors().skip(1).find(|above| is_project(above)) {
        return format!("there is a project above it, `mik build {}`", above.display());
    }
    let below = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut below: Vec<_> = below.filter(|below| is_project(below)).collect();
    below.sort();
    match &below[..] {
        [] if folder.join(FILE_NAME).is_file() => {
            format!("its {FILE_NAME} has no [build] command, and no sources lie beside it")
        }
        [] => "there are no sources of a component".to_owned(),
        [first, ..] => format!("there is a project below it, `mik build {}`", show(first)),
    }
}
