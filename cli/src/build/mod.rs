//! From a project to a component that mik serves: what `mik build` and `mik dev` share.
//!
//! Tools are looked for before any is run. What they make is read, made a component where it is a core
//! module, composed, stripped and checked in memory, and comes into the folders as a whole file or not at
//! all.

mod adapt;
mod component;
mod compose;
mod error;
mod languages;
mod openapi;
mod output;
mod process;
mod rust;
mod strip;
pub(crate) mod supply;
mod system;
mod tools;
#[cfg(test)]
mod toys;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use compose::ComposeError;
pub use error::BuildError;
pub use process::{Progress, Stopper, ToolOutput};
pub use supply::SupplyError;
pub use tools::MissingTool;

use self::component::{Component, Fit};
use self::openapi::{Document, Info};
use self::output::Dist;
use self::process::Runner;
use self::strip::Keep;
use crate::project::{Kind, Project};

/// How to build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Optimised: cargo's profile `release`.
    pub release: bool,
    /// With the HTTP bridge and the dependencies of `mik.toml`, in one component.
    pub compose: bool,
}

/// Builds the component of a project, as often as it is asked to.
#[derive(Debug)]
pub struct Builder {
    project: Project,
    options: Options,
    stopper: Stopper,
}

/// What a build has made.
#[derive(Debug, Clone)]
pub struct Built {
    /// `dist/NAME.wasm`, or `dist/NAME-composed.wasm`.
    pub component: PathBuf,
    /// The same file as it is served; `None` where it is not servable, or no modules are served.
    pub module: Option<PathBuf>,
    /// Its bytes.
    pub size: u64,
    /// The bytes of what the compiler had made.
    pub raw_size: u64,
    /// How long all of it took.
    pub time: Duration,
    /// `dist/NAME.openapi.json`, where the routes are known.
    pub openapi: Option<PathBuf>,
    /// How many operations it describes.
    pub operations: usize,
    /// The world that it fits: `wasi:http/proxy`, `wasi:http/service`, or `None` where it cannot be served.
    pub world: Option<&'static str>,
    /// Whether it can be served as it is.
    pub is_servable: bool,
    /// What is worth telling, though nothing failed: a sentence each.
    pub notes: Vec<String>,
}

/// What a compiler has left.
struct Artifact {
    path: PathBuf,
    /// The version of the package, where the compiler tells it.
    version: Option<String>,
}

impl Builder {
    /// Builds `project` with these options.
    pub fn new(project: Project, options: Options) -> Self {
        Self { project, options, stopper: Stopper::default() }
    }

    /// What it builds.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Ends the build that is going on, from another thread.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Builds. It blocks until that is done, and calls `progress` from this thread.
    ///
    /// # Errors
    /// Why there is no new component. What was there stays as it was.
    pub fn build(&mut self, progress: &mut dyn Progress) -> Result<Built, BuildError> {
        let started = Instant::now();
        self.check_tools()?;
        let _turn = output::take_turn(&self.project, progress)?;
        supply::supply_project(&self.project)?;
        let mut runner = Runner::new(self.project.folder(), &self.stopper, progress);
        let artifact = match self.project.kind() {
            Kind::Rust => rust::build(&self.project, self.options, &mut runner)?,
            Kind::Scripts => return Err(BuildError::OnlyScripts),
            _ => languages::build(&self.project, self.options, &mut runner)?,
        };
        self.finish(&artifact, progress, started)
    }

    fn check_tools(&self) -> Result<(), BuildError> {
        let missing = match self.project.kind() {
            Kind::Rust => rust::missing(&self.project),
            Kind::Scripts => Vec::new(),
            _ => languages::missing(&self.project)?,
        };
        if missing.is_empty() { Ok(()) } else { Err(BuildError::Tools(missing)) }
    }

    /// From the compiler's file to those of the project.
    fn finish(
        &self,
        artifact: &Artifact,
        progress: &mut dyn Progress,
        started: Instant,
    ) -> Result<Built, BuildError> {
        let raw = read(&artifact.path)?;
        let raw_size = raw.len() as u64;
        let mut notes = Vec::new();
        let handler = adapt::to_component(raw)?;
        let info = Info::of(&self.project, artifact.version.as_deref());
        let document = openapi::gather(&handler, &info, &mut notes)?;
        let whole = if self.options.compose {
            progress.step("composing");
            compose::compose(&self.project, handler, &mut notes)?
        } else {
            handler
        };
        let keep = if self.options.release { Keep::Needed } else { Keep::Names };
        let mut bytes = strip::strip(&whole, keep)?;
        if let Some(document) = &document {
            document.embed(&mut bytes);
        }
        let component = Component::check(bytes)?;
        let fit = component.fit(self.options.compose)?;
        notes.extend(fit.note());
        let dist = Dist::of(&self.project, self.options.compose)?;
        let openapi = dist.describe(document.as_ref())?;
        let path = dist.put(component.bytes())?;
        let module = match fit {
            Fit::Servable => dist.serve()?,
            Fit::NotYet(_) => None,
        };
        Ok(Built {
            component: path,
            module,
            size: component.bytes().len() as u64,
            raw_size,
            time: started.elapsed(),
            openapi,
            operations: document.as_ref().map_or(0, Document::operations),
            world: component.world(),
            is_servable: fit == Fit::Servable,
            notes,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|reason| BuildError::Unreadable { path: path.to_owned(), reason })
}
