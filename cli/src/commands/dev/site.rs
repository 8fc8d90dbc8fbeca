//! Where `mik dev` works: the project that it builds, and what it serves.

use std::fs;
use std::path::{Path, PathBuf};

use crate::args::{DevArgs, ProjectArgs};
use crate::config::{DEFAULT_MODULES, FILE_NAME};
use crate::failure::Failure;
use crate::project::{Kind, Project, ProjectError};

use super::watch::{Targets, shown};

/// How many sources are told by name.
const SHOWN: usize = 6;

/// The project, and the arguments that it is served with.
pub(super) struct Site {
    args: ProjectArgs,
    /// Where the project lies, if there is one.
    path: PathBuf,
    may_build: bool,
    /// What is built; `None` where there is nothing to build.
    project: Option<Project>,
}

impl Site {
    /// Looks for the project, and makes the folder that its module comes into.
    pub(super) fn find(args: &DevArgs) -> Result<Self, Failure> {
        let project = &args.project;
        let beside = project.config.as_deref().and_then(Path::parent);
        let path = project.path.as_deref().or(beside).unwrap_or(Path::new(""));
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let (args, path, may_build) = (project.clone(), path.to_owned(), !args.no_build);
        let mut site = Self { args, path, may_build, project: None };
        site.refresh()?;
        Ok(site)
    }

    /// Looks at the project again: what a manifest says may have changed. Says whether it is built otherwise
    /// than before.
    pub(super) fn refresh(&mut self) -> Result<bool, Failure> {
        let new = if self.may_build { buildable(&self.path)? } else { None };
        if let Some(project) = &new {
            make_modules(project)?;
        }
        let old = std::mem::replace(&mut self.project, new);
        let what = |project: &Project| {
            (project.kind(), project.name().clone(), project.build().clone(), project.modules())
        };
        Ok(old.as_ref().map(what) != self.project.as_ref().map(what))
    }

    /// What is built.
    pub(super) fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// What is built, looked at afresh, for a build of its own.
    pub(super) fn project_to_build(&mut self) -> Result<Option<Project>, Failure> {
        self.refresh()?;
        if self.project.is_some() { Ok(buildable(&self.path)?) } else { Ok(None) }
    }

    /// The sources as people are told of them.
    pub(super) fn watched(&self) -> String {
        let Some(project) = &self.project else { return String::new() };
        let sources = project.sources();
        let name = |path: &PathBuf| {
            let end = if path.is_dir() { "/" } else { "" };
            format!("{}{end}", shown(path, project.folder()))
        };
        let mut names: Vec<_> = sources.iter().take(SHOWN).map(name).collect();
        if sources.len() > SHOWN {
            names.push(format!("{} more", sources.len() - SHOWN));
        }
        names.push(FILE_NAME.to_owned());
        names.join(", ")
    }

    /// With what it is served: `mik run` takes a folder without a `mik.toml` for one of modules.
    pub(super) fn args(&self) -> ProjectArgs {
        let mut args = self.args.clone();
        let Some(project) = &self.project else { return args };
        args.expected = Some(project.name().clone());
        if args.path.is_some() {
            let has_config = args.config.is_none() && project.folder().join(FILE_NAME).is_file();
            let served = if has_config { PathBuf::new() } else { DEFAULT_MODULES.into() };
            args.path = Some(project.folder().join(served));
        }
        args
    }

    /// What is to be watched.
    pub(super) fn targets(&self) -> Targets {
        let folder = match self.path.is_dir() {
            true => self.path.clone(),
            false => self.path.parent().unwrap_or(Path::new(".")).to_owned(),
        };
        let config = self.args.config.clone().unwrap_or_else(|| folder.join(FILE_NAME));
        let mut targets = Targets { config: Some(config), ..Targets::default() };
        if let Some(project) = &self.project {
            targets.folder = Some(project.folder().to_owned());
            let (path, last) = (self.path.clone(), project.sources());
            // Listed by the manifest as it is then; while it does not read, by what it said before.
            targets.sources = Some(Box::new(move || match buildable(&path) {
                Ok(Some(project)) => project.sources(),
                Ok(None) | Err(_) => last.clone(),
            }));
        }
        targets
    }
}

/// What is built of what lies at `path`, if anything is.
fn buildable(path: &Path) -> Result<Option<Project>, ProjectError> {
    match Project::find(path) {
        Ok(project) => Ok(Some(project).filter(|project| project.kind() != Kind::Scripts)),
        // What there is to serve is looked at elsewhere.
        Err(ProjectError::Nothing { .. } | ProjectError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the folder of modules: what is not there cannot be served, nor watched.
fn make_modules(project: &Project) -> Result<(), Failure> {
    let usual = || project.document().is_none().then(|| project.folder().join(DEFAULT_MODULES));
    let Some(path) = project.modules().or_else(usual) else { return Ok(()) };
    fs::create_dir_all(&path).map_err(|reason| Failure::Unwritable { path, reason })
}
