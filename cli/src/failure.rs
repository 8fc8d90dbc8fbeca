//! Why a command ends other than well, and with which exit code.

use std::io;
use std::path::PathBuf;

use mik_core::{BuildError, Unknown};

#[cfg(feature = "develop")]
use crate::commands::new::NewError;
use crate::config::Problems;
use crate::log::LogError;
#[cfg(feature = "develop")]
use crate::project::ProjectError;
use crate::source::SourceError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Its arguments make no sense here.
    #[error("{0}")]
    Usage(String),
    /// There is nothing to work on.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There is no new project.
    #[cfg(feature = "develop")]
    #[error(transparent)]
    New(#[from] NewError),
    /// There is no project to build.
    #[cfg(feature = "develop")]
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A project does not build.
    #[cfg(feature = "develop")]
    #[error(transparent)]
    NotBuilt(#[from] crate::build::BuildError),
    /// The log cannot be set up.
    #[error(transparent)]
    Log(#[from] LogError),
    /// `mik.toml` cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A file would be lost.
    #[error("{} is there already, with something else in it: --force overwrites it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Something is wrong with the configuration.
    #[error(transparent)]
    Config(#[from] Problems),
    /// A part cannot be made.
    #[error(transparent)]
    Part(#[from] Unknown),
    /// The host cannot be put together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A program that stands for a command does not run.
    #[error("cannot run {}: {reason}", program.display())]
    External {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The runtime does not start.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// The address is not to be had.
    #[error("{reason}; choose another with --host and --port, or stop what holds it")]
    Bind {
        /// What the operating system said.
        reason: io::Error,
    },
    /// Requests were cut at the end.
    #[error("connections cut at the end of server.drain, unfinished: {connections}")]
    Cut {
        /// How many.
        connections: usize,
    },
    /// `mik check` has found problems, and has printed them.
    #[error("problems were found")]
    Problems,
}

impl Failure {
    /// 2 for wrong usage, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            #[cfg(feature = "develop")]
            Self::New(error) if error.is_usage() => 2,
            #[cfg(feature = "develop")]
            Self::Project(ProjectError::Missing { .. } | ProjectError::Nothing { .. }) => 2,
            Self::Usage(_) | Self::Source(_) | Self::Log(LogError::Filter { .. }) => 2,
            _ => 1,
        }
    }

    /// Whether the command itself has told of it: on standard output, or in the log.
    pub fn is_told(&self) -> bool {
        match self {
            Self::Problems | Self::Cut { .. } => true,
            #[cfg(feature = "develop")]
            Self::NotBuilt(error) => error.is_told(),
            _ => false,
        }
    }

    /// What to print: the error for people, coloured where they can see it.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Config(problems) => problems.render(colour),
            #[cfg(feature = "develop")]
            Self::Project(ProjectError::Config(problems))
            | Self::NotBuilt(crate::build::BuildError::Config(problems)) => problems.render(colour),
            other => format!("error: {other}"),
        }
    }
}
