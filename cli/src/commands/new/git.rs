//! The repository of a new project.

use std::path::Path;
use std::process::{Command, Stdio};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Repository {
    /// The project is one.
    Made,
    /// The project lies in one already, or none was asked for.
    Unneeded,
    /// There is no git.
    NoGit,
    /// git made none, and said why.
    Failed(String),
}

/// Makes `project`, which will lie in the folder `around`, a repository, unless that folder is in one.
pub(super) fn init(project: &Path, around: &Path) -> Repository {
    let inside = git(around).args(["rev-parse", "--is-inside-work-tree"]).output();
    match inside {
        Err(_) => return Repository::NoGit,
        Ok(answer) if answer.status.success() => return Repository::Unneeded,
        Ok(_) => {}
    }
    match git(project).args(["init", "--quiet"]).output() {
        Ok(answer) if answer.status.success() => Repository::Made,
        Ok(answer) => {
            let told = String::from_utf8_lossy(&answer.stderr);
            Repository::Failed(told.lines().next().unwrap_or("it did not say why").to_owned())
        }
        Err(error) => Repository::Failed(error.to_string()),
    }
}

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).stdin(Stdio::null());
    // A hook, in which mik may run, has them for another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(name);
    }
    git
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_and_no_second_in_it() {
        let here = tempfile::tempdir().unwrap();
        let first = init(here.path(), here.path());
        if first == Repository::NoGit {
            return;
        }
        assert_eq!(first, Repository::Made);
        assert!(here.path().join(".git").is_dir());
        let inner = here.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        assert_eq!(init(&inner, here.path()), Repository::Unneeded);
        assert!(!inner.join(".git").exists());
    }
}
