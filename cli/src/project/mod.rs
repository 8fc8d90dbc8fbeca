//! What `mik build` and `mik dev` work on: a folder with the sources of one component.

mod kind;
mod manifest;
mod sources;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use mik_core::{InvalidName, ModuleName};

pub use kind::Kind;
pub(crate) use kind::has_c;
pub use manifest::Package;
pub(crate) use manifest::path_dependencies;

use crate::config::{
    BuildTable, Config, DEFAULT_MODULES, Document, FILE_NAME, Places, Problem, Problems,
    read_for_build,
};

/// A project: its folder, its kind, its name, and what its `mik.toml` says of building.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    kind: Kind,
    name: ModuleName,
    package: Package,
    config: Config,
    document: Option<Document>,
    places: Places,
}

/// Why there is no project to build.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The path leads nowhere.
    #[error("there is no folder {}", show(path))]
    Missing {
        /// What was asked for.
        path: PathBuf,
    },
    /// Nothing there says how a component is built.
    #[error(
        "nothing to build in {}: {hint}\n\n\
         A project has one of these:\n  \
         Cargo.toml             Rust\n  \
         package.json           JavaScript or TypeScript, built by its script `build`\n  \
         app.py                 Python\n  \
         src/*.c                C\n  \
         mik.toml               with [build] command = \"…\", for any other language\n\
         `mik new NAME` makes one",
        show(folder)
    )]
    Nothing {
        /// The folder.
        folder: PathBuf,
        /// What else there is.
        hint: String,
    },
    /// A file of the project cannot be read.
    #[error("cannot read {}: {reason}", show(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A manifest cannot be understood.
    #[error("{}: {reason}", show(path))]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The project's name cannot be that of a module.
    #[error("{reason}; give it another with `name = \"…\"` under [project] of {}", show(config))]
    Name {
        /// What is wrong with it.
        reason: InvalidName,
        /// The `mik.toml` that could name it.
        config: PathBuf,
    },
    /// Something is wrong with `mik.toml`.
    #[error(transparent)]
    Config(#[from] Problems),
}

impl Project {
    /// Looks at a folder, or at the folder of a manifest. Paths stay as they were given.
    ///
    /// # Errors
    /// When there is nothing to build, or what there is cannot be understood.
    pub fn find(path: &Path) -> Result<Self, ProjectError> {
        let folder = folder_of(path)?;
        let config_file = folder.join(FILE_NAME);
        let document = match Document::open(&config_file) {
            Ok(document) => Some(document),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(reason) => return Err(ProjectError::Unreadable { path: config_file, reason }),
        };
        let text = document.as_ref().map_or("", |document| &document.text);
        let (config, places, mut problems) = read_for_build(text);
        if config.build.command.as_ref().is_some_and(|command| command.trim().is_empty()) {
            let at = places.value(&["build", "command"]);
            let problem = Problem::error("the command is empty").at(at);
            problems.push(problem.expected("expected a line for the shell"));
        }
        if !problems.is_empty() {
            return Err(Problems::new(document, problems).into());
        }
        let kind = Kind::of(&folder, &config)?;
        let package = Package::read(&folder, kind)?;
        let given = config.project.name.clone().or_else(|| package.name.clone());
        let name = ModuleName::new(&given.unwrap_or_else(|| name_of(&folder)));
        let name = name.map_err(|reason| ProjectError::Name { reason, config: config_file })?;
        Ok(Self { folder, kind, name, package, config, document, places })
    }

    /// The folder that everything lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What kind of project it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of its component, and of its module: `[project] name`, else that of the package, else that
    /// of the folder.
    pub fn name(&self) -> &ModuleName {
        &self.name
    }

    /// What its manifest says of it.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// Its `mik.toml`.
    pub fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    /// What its `mik.toml` says.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// `[build]` of its `mik.toml`.
    pub fn build(&self) -> &BuildTable {
        &self.config.build
    }

    /// The folder of what is built.
    pub fn dist(&self) -> PathBuf {
        self.folder.join("dist")
    }

    /// The folder that mik keeps things of its own in.
    pub fn own(&self) -> PathBuf {
        self.folder.join(OWN)
    }

    /// The folder that its modules are served from, whether it is there or not; `None` where nothing is
    /// served from a folder of this project.
    pub fn modules(&self) -> Option<PathBuf> {
        let given = self.config.server.modules.as_deref();
        let folder = self.folder.join(given.unwrap_or(Path::new(DEFAULT_MODULES)));
        let is_file = folder.is_file() || folder.extension().is_some_and(|end| end == "wasm");
        // Without a mik.toml it is no project to serve, unless there are modules.
        let is_served = self.document.is_some() || folder.is_dir();
        (is_served && !is_file).then_some(folder)
    }

    /// Where the command or script of the project leaves the component.
    pub fn output(&self) -> PathBuf {
        let given = self.config.build.output.clone();
        self.folder.join(given.unwrap_or_else(|| format!("build/{}.wasm", self.name).into()))
    }

    /// Problems of its `mik.toml`, one for each message, at the value of the key that it is about.
    pub(crate) fn problems(
        &self,
        list: impl IntoIterator<Item = (Vec<String>, Problem)>,
    ) -> Problems {
        let at = |(path, problem): (Vec<String>, Problem)| {
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            problem.at(self.places.value(&path))
        };
        Problems::new(self.document.clone(), list.into_iter().map(at).collect())
    }
}

/// A path as people are shown it: without the `./` of the current folder.
pub(crate) fn show(path: &Path) -> impl fmt::Display {
    let bare = path.strip_prefix(".").ok().filter(|bare| !bare.as_os_str().is_empty());
    bare.unwrap_or(path).display()
}

/// The folder of what mik keeps in a project.
pub(crate) const OWN: &str = ".mik";

/// The folder that an argument means.
fn folder_of(path: &Path) -> Result<PathBuf, ProjectError> {
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let is_manifest = |name: &str| MANIFESTS.contains(&name);
    let name = path.file_name().and_then(|name| name.to_str());
    match path.parent() {
        Some(folder) if path.is_file() && name.is_some_and(is_manifest) => Ok(folder.to_owned()),
        _ => Err(ProjectError::Missing { path: path.to_owned() }),
    }
}

/// The files that stand for their folder.
const MANIFESTS: [&str; 4] = [FILE_NAME, "Cargo.toml", "package.json", "pyproject.toml"];

/// The name of a folder; of one such as `.` or `..` too.
fn name_of(folder: &Path) -> String {
    let complete = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    complete.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
