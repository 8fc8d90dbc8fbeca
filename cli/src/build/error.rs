//! Why there is no component.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::compose::ComposeError;
use super::supply::SupplyError;
use super::tools::{MissingTool, list};
use crate::config::Problems;

/// Why a build has made nothing.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// What it takes is not there. Nothing was run.
    #[error("{}", list(.0))]
    Tools(Vec<MissingTool>),
    /// A tool does not start.
    #[error("cannot run {tool}: {reason}")]
    Start {
        /// Its name.
        tool: String,
        /// What the operating system said.
        reason: io::Error,
    },
    /// A tool has failed, and has said why.
    #[error("{command} failed: {status}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It was told to end.
    #[error("the build was stopped")]
    Stopped,
    /// There is nothing to build.
    #[error("there is nothing to build: scripts run as they are, `mik run` serves them")]
    OnlyScripts,
    /// The tools have succeeded and left no component.
    #[error("{reason}")]
    NoComponent {
        /// What there is instead, and what to do.
        reason: String,
    },
    /// It is a component by its head, and not by what follows.
    #[error("what was built is no valid component: {reason}")]
    Broken {
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be composed.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The SDK cannot be put into the project.
    #[error(transparent)]
    Supply(#[from] SupplyError),
    /// Something is wrong with `mik.toml`.
    #[error(transparent)]
    Config(#[from] Problems),
    /// A file cannot be read.
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
    /// A module that mik has not put there would be lost.
    #[error(
        "{} is not from this project, and would be served as `{name}` as well: move it away, or give the project \
         another name", path.display()
    )]
    Taken {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
}

impl BuildError {
    /// Whether all of it has been told already, by cargo: other tools may fail without a word.
    pub fn is_told(&self) -> bool {
        match self {
            Self::Failed { command, status } => {
                command.starts_with("cargo ") && status.code().is_some()
            }
            Self::Stopped => true,
            _ => false,
        }
    }
}
