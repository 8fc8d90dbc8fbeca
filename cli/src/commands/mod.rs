//! The commands, one module each.

mod check;
mod completions;
mod run;
mod schema;

use crate::args::{Cli, Command};
use crate::failure::Failure;

/// Does what the command line asks for.
pub(crate) fn execute(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::check(&args),
        Command::Schema => {
            schema::schema();
            Ok(())
        }
        Command::Completions { shell } => {
            completions::completions(shell);
            Ok(())
        }
    }
}
