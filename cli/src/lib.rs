//! The command line of mik, as a library: what the binary does, for tests and other front ends.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use mik::{Plan, ProjectArgs, registry};
//!
//! let registry = registry();
//! let args = ProjectArgs { path: Some("modules/".into()), ..ProjectArgs::default() };
//! let plan = Plan::new(&args, &registry)?.sound()?;
//! let host = plan.make_host(plan.make_engine(&registry)?, plan.make_orchestrator(&registry)?)?;
//! # Ok(()) }
//! ```

mod announce;
mod args;
#[cfg(feature = "develop")]
mod build;
mod commands;
pub mod config;
mod failure;
#[cfg(test)]
mod fuzz;
mod inspect;
mod log;
mod output;
mod parts;
mod plan;
#[cfg(feature = "develop")]
mod project;
#[cfg(test)]
mod rig;
mod serving;
mod signals;
mod source;

#[cfg(test)]
extern crate self as mik;

use std::ffi::OsString;
use std::process::ExitCode;

use mik_core::Registry;

#[cfg(feature = "javascript")]
pub use args::TypesArgs;
#[cfg(feature = "develop")]
pub use args::{BuildArgs, DevArgs, NewArgs};
pub use args::{CheckArgs, Cli, Command, EnvArg, MiddlewareArgs, Origin, ProjectArgs, RunArgs};
#[cfg(feature = "develop")]
pub use build::{
    BuildError, Builder, Built, ComposeError, MissingTool, Options, Progress, Stopper, SupplyError,
    ToolOutput,
};
#[cfg(feature = "develop")]
pub use commands::new::{InvalidProjectName, NewError, PlaceError, Template};
pub use failure::Failure;
pub use inspect::{Access, Inspection};
pub use log::{Format, LogError, json_lines};
pub use parts::registry;
pub use plan::{Given, Placed, Plan, Setting};
#[cfg(feature = "develop")]
pub use project::{Kind, Package, Project, ProjectError};
pub use serving::raise_descriptor_limit;
pub use source::{Source, SourceError};

/// Runs a command line, its first element being the name of the program, and gives the exit code: 0 done,
/// 1 failed, 2 wrong usage.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_with(args, registry())
}

/// The same with other parts: those of [`registry`] and some of one's own, say.
pub fn run_with(args: impl IntoIterator<Item = OsString>, registry: Registry) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let outcome = match Cli::read(&args) {
        Ok(cli) => commands::execute(cli, registry),
        Err(told) => match commands::external(&args, &told) {
            Some(failure) => Err(failure),
            None => {
                // A closed pipe is no failure.
                let _ = told.print();
                return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
            }
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                output::complain(failure.render(log::colour()));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
