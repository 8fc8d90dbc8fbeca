//! What the manifest of a language says of a package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Kind, ProjectError};

/// A package as its manifest describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name; that of an npm package without its scope.
    pub name: Option<String>,
    /// Its version, unless that is a workspace's.
    pub version: Option<String>,
    /// What it is, in a line.
    pub description: Option<String>,
    /// The whole manifest: TOML and JSON alike.
    pub(crate) manifest: Value,
}

impl Package {
    pub(super) fn read(folder: &Path, kind: Kind) -> Result<Self, ProjectError> {
        let known = [
            (Kind::Rust, "Cargo.toml", "package"),
            (Kind::Node, "package.json", ""),
            (Kind::Python, "pyproject.toml", "project"),
        ];
        let fits = |(of, file, _): &&(Kind, &str, &str)| match kind {
            Kind::Custom => folder.join(file).is_file(),
            kind => *of == kind,
        };
        let Some((_, file, table)) = known.iter().find(fits) else { return Ok(Self::default()) };
        let manifest = read_manifest(&folder.join(file))?;
        let table = if table.is_empty() { &manifest } else { &manifest[*table] };
        let text = |key: &str| table[key].as_str().map(ToOwned::to_owned);
        let name = text("name").map(|name| match name.split_once('/') {
            Some((_, name)) => name.to_owned(),
            None => name,
        });
        let [version, description] = ["version", "description"].map(text);
        Ok(Self { name, version, description, manifest })
    }
}

/// The values of a manifest; one that is not there has none.
pub(super) fn read_manifest(path: &Path) -> Result<Value, ProjectError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Value::Null),
        Err(reason) => return Err(ProjectError::Unreadable { path: path.to_owned(), reason }),
    };
    let fault = |reason: String| ProjectError::Manifest { path: path.to_owned(), reason };
    if path.extension().is_some_and(|end| end == "json") {
        serde_json::from_str(&text).map_err(|error| fault(error.to_string()))
    } else {
        toml::from_str(&text).map_err(|error| fault(error.to_string().trim_end().to_owned()))
    }
}

/// The folders of the packages that a `Cargo.toml` depends on by path, as they are written, with the names
/// of the dependencies.
pub(crate) fn path_dependencies(manifest: &Value) -> Vec<(String, PathBuf)> {
    let mut all = Vec::new();
    let workspace = &manifest["workspace"];
    let targets = manifest["target"].as_object().into_iter().flatten().map(|(_, target)| target);
    for table in [manifest, workspace].into_iter().chain(targets) {
        for kind in ["dependencies", "build-dependencies"] {
            let dependencies = table[kind].as_object().into_iter().flatten();
            let paths = dependencies.filter_map(|(name, dependency)| {
                Some((name.clone(), PathBuf::from(dependency["path"].as_str()?)))
            });
            all.extend(paths);
        }
    }
    all
}
