//! The commands, one module each.

#[cfg(feature = "develop")]
mod build;
mod check;
mod completions;
#[cfg(feature = "develop")]
mod dev;
mod external;
mod middleware;
#[cfg(feature = "develop")]
pub(crate) mod new;
mod run;
mod schema;
#[cfg(feature = "javascript")]
mod types;

use mik_core::Registry;

pub(crate) use external::external;

use crate::args::{Cli, Command};
use crate::failure::Failure;

/// Does what the command line asks for.
pub(crate) fn execute(cli: Cli, registry: Registry) -> Result<(), Failure> {
    match cli.command {
        #[cfg(feature = "develop")]
        Command::New(args) => new::new(&args),
        #[cfg(feature = "develop")]
        Command::Build(args) => build::build(&args),
        #[cfg(feature = "develop")]
        Command::Dev(args) => dev::dev(&args, registry),
        Command::Run(args) => run::run(args, registry),
        Command::Check(args) => check::check(&args, &registry),
        Command::Middleware(args) => middleware::middleware(&args, &registry),
        Command::Schema => {
            schema::schema(&registry);
            Ok(())
        }
        #[cfg(feature = "javascript")]
        Command::Types(args) => types::types(&args),
        Command::Completions { shell } => {
            completions::completions(shell);
            Ok(())
        }
    }
}
