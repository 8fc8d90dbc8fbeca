//! Looking for tools before any of them is run.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A tool that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingTool {
    /// What is missing, and what for.
    pub what: String,
    /// The command that gets it, or where it is to be had.
    pub how: String,
}

impl MissingTool {
    pub(super) fn new(what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { what: what.into(), how: how.into() }
    }
}

/// All that is missing, each with the command that gets it.
pub(super) fn list(missing: &[MissingTool]) -> String {
    let each = missing.iter().map(|tool| format!("{}; get it with\n\n    {}", tool.what, tool.how));
    each.collect::<Vec<_>>().join("\n\n")
}

/// The file of a program: the path itself where it has a folder, else the first in `PATH`.
pub(super) fn find(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let program = Path::new(program.as_ref());
    if program.components().count() > 1 {
        return is_executable(program).then(|| program.to_owned());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

pub(super) fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        let sh = find("sh").unwrap();
        assert_eq!(find(&sh), Some(sh.clone()));
        assert_eq!(find("no-such-program"), None);
        assert_eq!(find(sh.parent().unwrap()), None);
    }

    #[test]
    fn each_missing_tool_has_its_command() {
        let told = list(&[MissingTool::new("cargo is missing", "a"), MissingTool::new("x", "b c")]);
        assert_eq!(told, "cargo is missing; get it with\n\n    a\n\nx; get it with\n\n    b c");
    }
}
