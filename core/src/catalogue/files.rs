//! Which files give modules, and their names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::names::{InvalidName, ModuleName};

/// Endings of the files that give modules.
pub(crate) const MODULES: &[&str] = &["wasm"];

/// Files by the name that each gives its module or script.
pub type FilesByName = BTreeMap<ModuleName, PathBuf>;

/// A folder of files, or one file.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    root: PathBuf,
    extensions: &'static [&'static str],
}

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// It cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Two files would answer to one name.
    #[error(
        "{} and {} both give the module {name:?}: rename or remove one of them",
        first.display(),
        second.display()
    )]
    Ambiguous {
        /// The name.
        name: ModuleName,
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file whose name cannot be a module's.
    #[error("{}: {reason}; rename the file", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with its name.
        reason: InvalidName,
    },
}

impl Files {
    pub(crate) fn new(root: impl Into<PathBuf>, extensions: &'static [&'static str]) -> Self {
        Self { root: root.into(), extensions }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The files by the name that each gives. Subfolders and hidden files are not looked at.
    ///
    /// # Errors
    /// The first fault: what two files claim is not decided by chance.
    pub(crate) fn discover(&self) -> Result<FilesByName, FilesError> {
        let (found, mut faults) = self.list();
        if faults.is_empty() { Ok(found) } else { Err(faults.swap_remove(0)) }
    }

    /// The files by name, the first of each, and everything that is wrong with them.
    fn list(&self) -> (FilesByName, Vec<FilesError>) {
        let mut found = FilesByName::new();
        let faults = match self.paths() {
            Ok(paths) => paths.into_iter().filter_map(|path| add(&mut found, path).err()).collect(),
            Err(reason) => vec![FilesError::Unreadable { path: self.root.clone(), reason }],
        };
        (found, faults)
    }

    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        if fs::metadata(&self.root)?.is_file() {
            return Ok(vec![self.root.clone()]);
        }
        let files = fs::read_dir(&self.root)?.map(|file| file.map(|file| file.path()));
        let mut paths = files.collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| self.is_ours(path) && path.is_file());
        paths.sort();
        Ok(paths)
    }

    fn is_ours(&self, path: &Path) -> bool {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        !hidden && self.extensions.contains(&extension)
    }
}

/// The modules that a host would find in a folder, or in one file, and everything that is wrong there: a
/// host itself refuses at the first fault.
pub fn list_modules(root: &Path) -> (FilesByName, Vec<FilesError>) {
    Files::new(root, MODULES).list()
}

fn add(found: &mut FilesByName, path: PathBuf) -> Result<(), FilesError> {
    let name = match ModuleName::from_file(&path) {
        Ok(name) => name,
        Err(reason) => return Err(FilesError::Name { path, reason }),
    };
    match found.entry(name) {
        Entry::Vacant(place) => {
            place.insert(path);
            Ok(())
        }
        Entry::Occupied(first) => Err(FilesError::Ambiguous {
            name: first.key().clone(),
            first: first.get().clone(),
            second: path,
        }),
    }
}

/// What tells one state of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Version {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Ok(Self { len: metadata.len(), modified: metadata.modified().ok(), inode })
    }

    pub(super) fn len(self) -> u64 {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_wasm_files_by_stem() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a.wasm", "b-composed.wasm", "c.txt", ".d.wasm"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        fs::create_dir(dir.path().join("e.wasm")).unwrap();
        let found = Files::new(dir.path(), &["wasm"]).discover().unwrap();
        assert_eq!(found.keys().map(ModuleName::as_str).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn two_files_of_one_name_are_an_error_naming_both() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a.wasm", "a-composed.wasm"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        let error = Files::new(dir.path(), &["wasm"]).discover().unwrap_err().to_string();
        assert!(error.contains("a.wasm") && error.contains("a-composed.wasm"), "{error}");
    }

    #[test]
    fn a_missing_folder_and_a_bad_name_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Files::new(dir.path().join("no"), &["wasm"]).discover().unwrap_err();
        assert!(matches!(error, FilesError::Unreadable { .. }));
        fs::write(dir.path().join("a b.wasm"), "").unwrap();
        let error = Files::new(dir.path(), &["wasm"]).discover().unwrap_err().to_string();
        assert!(error.contains("a b.wasm"), "{error}");
    }
}
