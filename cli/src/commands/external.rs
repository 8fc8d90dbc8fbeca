//! Commands that are programs of their own: `mik NAME` runs `mik-NAME` from the PATH.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::error::ErrorKind;

use crate::failure::Failure;

/// The environment variable that tells the program which `mik` runs it.
const RUN_BY: &str = "MIK";

/// Becomes the program that stands for the command of these arguments, where clap has found that it is none of
/// mik's own. Returns why it could not, or `None` where there is no such program.
pub(crate) fn external(args: &[OsString], told: &clap::Error) -> Option<Failure> {
    if told.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let (name, args) = args.get(1..)?.split_first()?;
    let program = find(name)?;
    let mut command = Command::new(&program);
    if let Ok(mik) = env::current_exe() {
        command.env(RUN_BY, mik);
    }
    Some(Failure::External { reason: command.args(args).exec(), program })
}

fn find(name: &OsStr) -> Option<PathBuf> {
    // A name is no way to a file that is not on the PATH.
    let is_name = !name.is_empty() && Path::new(name).components().count() == 1;
    let mut file = OsString::from("mik-");
    file.push(name);
    let path = env::var_os("PATH").filter(|_| is_name)?;
    env::split_paths(&path).map(|folder| folder.join(&file)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_looked_for() {
        for name in ["", "../x", "a/b", "surely-nobody-has-this"] {
            assert_eq!(find(OsStr::new(name)), None, "{name}");
        }
    }
}
