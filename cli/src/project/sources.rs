//! What a component is made from: the files and folders whose change asks for a new build.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::manifest::{path_dependencies, read_manifest};
use super::{Kind, Project};
use crate::config::{DEFAULT_MODULES, DEFAULT_SCRIPTS, FILE_NAME};

/// What lies in a project's folder and is no source of a component: what is built, what is fetched, and what
/// people read.
const NO_SOURCES: [&str; 12] = [
    FILE_NAME,
    "Cargo.lock",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "__pycache__",
    "dist",
    "node_modules",
    "package-lock.json",
    "target",
    "tests",
    "venv",
];

impl Project {
    /// The files and folders that the component is made from; folders with all that lies below them. What is
    /// hidden, built or served as it is, is not among them, nor is `mik.toml`. A new build may bring new
    /// ones.
    pub fn sources(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let own = entries.map(|entry| entry.file_name()).filter(|name| self.is_source(name));
        let own = own.map(|name| self.folder.join(name));
        let own = own.filter(|path| path.is_dir() || self.reads(path));
        let mut sources: BTreeSet<_> = own.collect();
        if self.kind == Kind::Rust {
            let hidden = [".cargo/config.toml"].map(|name| self.folder.join(name));
            sources.extend(hidden.into_iter().filter(|path| path.is_file()));
            self.add_neighbours(&self.folder, &self.package.manifest, &mut sources);
        }
        sources.into_iter().collect()
    }

    fn is_source(&self, name: &OsStr) -> bool {
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        !is_hidden
            && !NO_SOURCES.iter().any(|other| name == *other)
            && !self.served().any(|served| served == name)
    }

    /// Whether a file at the top of the folder goes into a build. What else lies there may well be what a
    /// terminal was redirected to, which grows with each build.
    fn reads(&self, file: &Path) -> bool {
        let extension = file.extension().and_then(OsStr::to_str).unwrap_or_default();
        match self.kind {
            Kind::Rust => {
                file.ends_with("Cargo.toml") || matches!(extension, "rs" | "wit" | "html" | "json")
            }
            _ => !matches!(extension, "log" | "out"),
        }
    }

    /// The entries of the folder that are written by a build, or served as they are.
    fn served(&self) -> impl Iterator<Item = &OsStr> {
        let server = &self.config.server;
        let output = match self.kind {
            Kind::Node | Kind::Custom => {
                Some(self.config.build.output.as_deref().unwrap_or(Path::new("build")))
            }
            _ => None,
        };
        let served = [
            output,
            server.static_files.as_deref(),
            Some(server.modules.as_deref().unwrap_or(Path::new(DEFAULT_MODULES))),
            Some(server.scripts.as_deref().unwrap_or(Path::new(DEFAULT_SCRIPTS))),
        ];
        served.into_iter().flatten().filter_map(first_part)
    }

    /// The packages beside this one that it depends on by path.
    fn add_neighbours(&self, folder: &Path, manifest: &Value, sources: &mut BTreeSet<PathBuf>) {
        for (_, path) in path_dependencies(manifest) {
            let Ok(neighbour) = folder.join(path).canonicalize() else { continue };
            let here = self.folder.canonicalize().unwrap_or_default();
            if neighbour.starts_with(here) {
                continue;
            }
            let parts = ["src", "build.rs", "Cargo.toml"].map(|part| neighbour.join(part));
            let is_new = !sources.contains(&parts[2]);
            sources.extend(parts.into_iter().filter(|part| part.exists()));
            if is_new {
                let manifest = read_manifest(&neighbour.join("Cargo.toml")).unwrap_or_default();
                self.add_neighbours(&neighbour, &manifest, sources);
            }
        }
    }
}

/// The first part of a path that stays in its folder.
fn first_part(path: &Path) -> Option<&OsStr> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    match parts.next()? {
        Component::Normal(name) => Some(name),
        _ => None,
    }
}
