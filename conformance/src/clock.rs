//! A wall clock that jumps for one process alone: a small library is preloaded into it. Timers are to stand on the
//! monotonic clock, which the library leaves as it is.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::{NamedTempFile, TempPath};

use crate::binary::built;

/// The wall clock of the processes that are started with its variables.
#[derive(Debug)]
pub(crate) struct Clock {
    library: &'static Path,
    /// How many seconds it is ahead, as text.
    ahead: TempPath,
}

impl Clock {
    /// A clock that is right until it jumps. `None` where no C compiler `cc` is there to build the library.
    ///
    /// # Panics
    /// Where the library does not compile.
    pub(crate) fn build() -> Option<Self> {
        static LIBRARY: LazyLock<Option<PathBuf>> = LazyLock::new(library);
        let library = LIBRARY.as_deref()?;
        let file = NamedTempFile::with_prefix("mik-clock-").expect("a temporary file can be made");
        Some(Self { library, ahead: file.into_temp_path() })
    }

    /// What the environment of a process must have.
    pub(crate) fn env(&self) -> [(String, String); 2] {
        let pair = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        [pair("LD_PRELOAD", self.library), pair("CLOCK_JUMP", &self.ahead)]
    }

    /// Sets how far ahead of the right time it is; behind it, if that is negative. In one step: who reads the
    /// time finds the one or the other.
    pub(crate) fn jump(&self, seconds: i64) {
        let folder = self.ahead.parent().expect("a file lies in a folder");
        let mut file = NamedTempFile::new_in(folder).expect("a temporary file can be made");
        write!(file, "{seconds}").expect("a temporary file can be written");
        file.persist(&self.ahead).expect("a file can be renamed");
    }
}

/// Builds the library beside what cargo built. Each process does so once, as one that is there may be older than
/// its source; others may have it loaded, so it is put in place in one step.
fn library() -> Option<PathBuf> {
    let folder = built().join("conformance-clock");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let made = NamedTempFile::new_in(&folder).expect("the target folder can be written");
    let source = folder.join("jump.c");
    fs::write(&source, include_str!("clock/jump.c")).expect("the target folder can be written");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(made.path()).arg(&source).arg("-ldl");
    let built = match cc.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        built => built.expect("cc runs"),
    };
    assert!(built.status.success(), "jump.c: {}", String::from_utf8_lossy(&built.stderr));
    let library = folder.join("jump.so");
    made.persist(&library).expect("a file can be renamed");
    Some(library)
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::process::Command;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn it_is_right_until_it_jumps_and_for_one_process_alone() {
        let Some(clock) = Clock::build() else { return };
        let told = |clock: &Clock| -> i64 {
            let date = Command::new("date").arg("+%s").envs(clock.env()).output().unwrap();
            String::from_utf8(date.stdout).unwrap().trim().parse().unwrap()
        };
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
        for ahead in [0, 3_600, -3_600] {
            clock.jump(ahead);
            let off = told(&clock) - now() - ahead;
            assert!(off.abs() < 60, "{off} s beside {ahead} s ahead");
        }
    }
}
