//! What tells one state of files from the next.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How far the clock of a file system may lag behind that of the system.
const LAG: Duration = Duration::from_millis(50);

/// One state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

/// One state of the file of a module or script, and of the files that it was made from besides: `None` for
/// those that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    own: Option<Version>,
    others: Vec<(PathBuf, Option<Version>)>,
}

impl Version {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Self { len: metadata.len(), modified: metadata.modified().ok(), inode })
    }
}

impl State {
    /// The state now of the file `own` and of these others.
    pub(super) fn of(own: &Path, others: impl IntoIterator<Item = PathBuf>) -> Self {
        let others = others.into_iter().map(|path| {
            let version = Version::of(&path);
            (path, version)
        });
        Self { own: Version::of(own), others: others.collect() }
    }

    /// The files besides its own.
    pub(super) fn others(&self) -> impl Iterator<Item = &Path> {
        self.others.iter().map(|(path, _)| &**path)
    }

    /// The state now of the same files.
    pub(super) fn now(&self, own: &Path) -> Self {
        Self::of(own, self.others().map(Path::to_owned))
    }

    /// Whether the file itself is there.
    pub(super) fn is_there(&self) -> bool {
        self.own.is_some()
    }

    /// Bytes of the file itself.
    pub(super) fn len(&self) -> u64 {
        self.own.map_or(0, |own| own.len)
    }

    /// Whether what was read since `started` is in this state, where `before` was the state at that time.
    /// Which other files there are is known only once they were read, so `before` may lack some: those must
    /// not have been touched since.
    pub(super) fn held_since(&self, started: SystemTime, before: &Self) -> bool {
        let held = |(path, version): &(PathBuf, Option<Version>)| {
            let known = before.others.iter().find(|(other, _)| other == path);
            known.map_or_else(|| was_left_alone(path, started), |(_, known)| known == version)
        };
        self.own == before.own && self.others.iter().all(held)
    }

    /// This state as far as it was known `before` it was read: where files never stop to change, the next
    /// look finds a difference.
    pub(super) fn known_at(mut self, before: &Self) -> Self {
        self.own = before.own;
        for (path, version) in &mut self.others {
            if let Some((_, known)) = before.others.iter().find(|(other, _)| other == path) {
                *version = *known;
            }
        }
        self
    }
}

/// Whether a file was neither written nor put in its place since `started`. One that is not there was.
#[cfg(unix)]
fn was_left_alone(path: &Path, started: SystemTime) -> bool {
    use std::os::unix::fs::MetadataExt;

    let Ok(metadata) = fs::metadata(path) else { return true };
    // Unlike the time of modification it cannot be set, and it tells of a rename.
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanos = u64::try_from(metadata.ctime_nsec()).unwrap_or_default();
    let changed =
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanos);
    changed + LAG < started
}

#[cfg(not(unix))]
fn was_left_alone(_: &Path, _: SystemTime) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_file_that_changes_makes_another_state() {
        let dir = tempfile::tempdir().unwrap();
        let [own, part, gone] = ["a.js", "b.js", "c.js"].map(|name| dir.path().join(name));
        fs::write(&own, "a").unwrap();
        fs::write(&part, "b").unwrap();
        let state = State::of(&own, [part.clone(), gone.clone()]);
        assert_eq!(state.now(&own), state);
        fs::write(&gone, "c").unwrap();
        assert_ne!(state.now(&own), state, "a file that was missing is there");
        let state = state.now(&own);
        fs::write(&part, "longer").unwrap();
        assert_ne!(state.now(&own), state);
        fs::remove_file(&own).unwrap();
        assert!(!state.now(&own).is_there());
    }

    #[test]
    fn files_that_nobody_knew_of_must_be_older_than_the_reading() {
        let dir = tempfile::tempdir().unwrap();
        let [own, part] = ["a.js", "b.js"].map(|name| dir.path().join(name));
        fs::write(&own, "a").unwrap();
        fs::write(&part, "b").unwrap();
        let before = State::of(&own, []);
        let after = State::of(&own, [part.clone()]);
        let now = SystemTime::now();
        assert!(!after.held_since(now - Duration::from_secs(1), &before));
        assert!(after.held_since(now + Duration::from_secs(1), &before));
        assert!(after.held_since(now, &after), "known before, and the same");
        assert!(State::of(&own, [dir.path().join("none")]).held_since(now, &before));
    }
}
