//! Where a new project comes to lie, and how it gets there: all at once, or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process;

/// Why a project cannot lie there.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The path ends in no name.
    #[error("{} has no name in it: give the folder of the project, such as my-api", path.display())]
    Nameless {
        /// What was given.
        path: PathBuf,
    },
    /// The name is no text.
    #[error("{} is not UTF-8, so it cannot be the name of a project", path.display())]
    NotText {
        /// What was given.
        path: PathBuf,
    },
    /// Something would be lost, or mixed up with the project.
    #[error("{} is there already, and not empty: nothing was written; choose another name", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A file has the name.
    #[error("{} is there already, and no folder: nothing was written; choose another name", path.display())]
    File {
        /// The file.
        path: PathBuf,
    },
    /// The operating system does not let mik write there.
    #[error("cannot write {}: {reason}; nothing was left behind", path.display())]
    Unwritable {
        /// What was being written.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
}

/// A place where a project can lie: nothing is there, or an empty folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The project's folder.
    path: PathBuf,
    /// The first part of it that is missing; `None` where the folder is there.
    missing: Option<PathBuf>,
}

impl Place {
    /// Looks at the place. Nothing is written.
    pub(super) fn look(path: &Path) -> Result<Self, PlaceError> {
        match path.read_dir().map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(Self { path: path.to_owned(), missing: None }),
            Ok(false) => Err(PlaceError::Occupied { path: path.to_owned() }),
            Err(_) if path.symlink_metadata().is_ok_and(|there| !there.is_dir()) => {
                Err(PlaceError::File { path: path.to_owned() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let missing = first_missing(path).ok_or(error).map_err(unwritable(path))?;
                Ok(Self { path: path.to_owned(), missing: Some(missing) })
            }
            Err(reason) => Err(unwritable(path)(reason)),
        }
    }

    /// The folder that is there and in which the project will lie; the project's own where that is there.
    pub(super) fn around(&self) -> &Path {
        let Some(missing) = &self.missing else { return &self.path };
        match missing.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }

    /// Makes a folder beside the place to write the project into.
    pub(super) fn stage(&self) -> Result<Stage, PlaceError> {
        let root = self.around().join(format!(".mik-new-{}", process::id()));
        fs::create_dir(&root).map_err(unwritable(&self.path))?;
        let stage = Stage { root, is_in_place: false, below: self.below() };
        // The folders between what is there and the project are made with it.
        fs::create_dir_all(stage.project()).map_err(unwritable(&self.path))?;
        Ok(stage)
    }

    /// Puts what was written where it belongs.
    pub(super) fn take(&self, mut stage: Stage) -> Result<(), PlaceError> {
        let Some(missing) = &self.missing else { return self.take_each(&stage) };
        // The system refuses this where anything has come to lie there meanwhile.
        fs::rename(&stage.root, missing).map_err(unwritable(&self.path))?;
        stage.is_in_place = true;
        Ok(())
    }

    /// Moves one after the other into the folder, which stays: it may be somebody's current one.
    fn take_each(&self, stage: &Stage) -> Result<(), PlaceError> {
        let staged = stage.project().read_dir().map_err(unwritable(&stage.root))?;
        let mut moved: Vec<OsString> = Vec::new();
        let taken = staged.into_iter().try_for_each(|entry| {
            let name = entry.map_err(unwritable(&stage.root))?.file_name();
            let to = self.path.join(&name);
            if to.symlink_metadata().is_ok() {
                return Err(PlaceError::Occupied { path: self.path.clone() });
            }
            fs::rename(stage.project().join(&name), &to).map_err(unwritable(&to))?;
            moved.push(name);
            Ok(())
        });
        if taken.is_err() {
            // Back to where it is removed with all else.
            for name in moved {
                let _ = fs::rename(self.path.join(&name), stage.project().join(&name));
            }
        }
        taken
    }

    /// What lies between the first missing part and the project's folder.
    fn below(&self) -> PathBuf {
        let missing = self.missing.as_deref().unwrap_or(&self.path);
        self.path.strip_prefix(missing).map(Path::to_owned).unwrap_or_default()
    }
}

/// A project that is being written, beside its place. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
    below: PathBuf,
    is_in_place: bool,
}

impl Stage {
    /// The folder that will be the project's.
    pub(super) fn project(&self) -> PathBuf {
        self.root.join(&self.below)
    }

    /// Writes a file of the project.
    pub(super) fn write(&self, path: &str, content: &[u8]) -> Result<(), PlaceError> {
        let path = self.project().join(path);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder.and_then(|()| fs::write(&path, content)).map_err(unwritable(&path))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_in_place {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// The name of the project in this folder: the last part of the path, or of where the path leads to.
pub(super) fn name_of(path: &Path) -> Result<String, PlaceError> {
    let whole = match path.file_name() {
        Some(_) => path.to_owned(),
        None => path.canonicalize().unwrap_or_default(),
    };
    let Some(name) = whole.file_name() else {
        return Err(PlaceError::Nameless { path: path.to_owned() });
    };
    let text = name.to_str().map(ToOwned::to_owned);
    text.ok_or_else(|| PlaceError::NotText { path: path.to_owned() })
}

/// The first part of a path that is missing. `None` where the path leads out of what is missing.
fn first_missing(path: &Path) -> Option<PathBuf> {
    let is_missing =
        |part: &&Path| !part.as_os_str().is_empty() && part.symlink_metadata().is_err();
    let missing = path.ancestors().take_while(is_missing).last()?;
    let below = path.strip_prefix(missing).ok()?;
    let stays_below = below.components().all(|part| matches!(part, Component::Normal(_)));
    stays_below.then(|| missing.to_owned())
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    |reason| PlaceError::Unwritable { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(place: &Place) -> Stage {
        let stage = place.stage().unwrap();
        stage.write("src/lib.rs", b"source").unwrap();
        stage.write(".gitignore", b"").unwrap();
        stage
    }

    #[test]
    fn a_project_appears_as_a_whole_or_not_at_all() {
        let here = tempfile::tempdir().unwrap();
        for path in ["one", "two/deep/er"] {
            let path = here.path().join(path);
            let place = Place::look(&path).unwrap();
            let stage = write(&place);
            assert!(!path.exists());
            drop(stage);
            assert!(!here.path().join("two").exists());
            let stage = write(&place);
            place.take(stage).unwrap();
            assert_eq!(names(&path), [".gitignore", "src"]);
        }
        assert_eq!(names(here.path()), ["one", "two"]);
    }

    #[test]
    fn an_empty_folder_stays_and_is_filled() {
        let here = tempfile::tempdir().unwrap();
        let place = Place::look(here.path()).unwrap();
        drop(write(&place));
        assert!(names(here.path()).is_empty());
        let stage = write(&place);
        place.take(stage).unwrap();
        assert_eq!(names(here.path()), [".gitignore", "src"]);
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let here = tempfile::tempdir().unwrap();
        let at = |path: &str| here.path().join(path);
        fs::write(at("file"), "mine").unwrap();
        std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
        assert!(matches!(Place::look(here.path()), Err(PlaceError::Occupied { .. })));
        assert!(matches!(Place::look(&at("file")), Err(PlaceError::File { .. })));
        assert!(matches!(Place::look(&at("link")), Err(PlaceError::File { .. })));
        for bad in ["file/project", "gone/../project", "link/project"] {
            let written = Place::look(&at(bad)).and_then(|place| place.stage());
            assert!(matches!(written, Err(PlaceError::Unwritable { .. })), "{bad}");
        }
        assert_eq!(names(here.path()), ["file", "link"]);
    }

    #[test]
    fn what_has_come_meanwhile_stays_as_well() {
        let here = tempfile::tempdir().unwrap();
        let path = here.path().join("project");
        let place = Place::look(&path).unwrap();
        let stage = write(&place);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("mine"), "").unwrap();
        place.take(stage).unwrap_err();
        assert_eq!(
            (names(here.path()), names(&path)),
            (vec!["project".into()], vec!["mine".into()])
        );

        let empty = here.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let place = Place::look(&empty).unwrap();
        let stage = write(&place);
        fs::write(empty.join("src"), "mine").unwrap();
        place.take(stage).unwrap_err();
        assert_eq!(names(&empty), ["src"]);
    }

    #[test]
    fn a_name_is_the_last_part_of_the_path_or_of_where_it_leads() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("my-api");
        fs::create_dir(&folder).unwrap();
        for path in [Path::new("my-api"), Path::new("a/my-api/"), &folder.join("x/.."), &folder] {
            let name = name_of(path).ok();
            // What leads nowhere has no name.
            assert!(
                name.as_deref() == Some("my-api") || path.ends_with(".."),
                "{path:?}: {name:?}"
            );
        }
        fs::create_dir(folder.join("x")).unwrap();
        assert_eq!(name_of(&folder.join("x/..")).unwrap(), "my-api");
        assert!(matches!(name_of(Path::new("/")), Err(PlaceError::Nameless { .. })));
    }
}
