//! Which files give modules and scripts, and their names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::names::{InvalidName, ModuleName};

/// What files give.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    name: &'static str,
    extensions: &'static [&'static str],
    /// Whether files of subfolders are parts of them, though none by themselves.
    has_parts: bool,
}

/// Components.
pub(crate) const MODULES: Kind = Kind { name: "module", extensions: &["wasm"], has_parts: false };
/// What an orchestrator runs.
pub(crate) const SCRIPTS: Kind =
    Kind { name: "script", extensions: &["js", "mjs", "ts"], has_parts: true };
/// How a file ends that declares types only.
const DECLARATIONS: &str = ".d.ts";

/// Files by the name that each gives its module or script.
pub type FilesByName = BTreeMap<ModuleName, PathBuf>;

/// A folder of files, or one file.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    root: PathBuf,
    kind: Kind,
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
        "{} and {} both give the {kind} {name:?}: rename or remove one of them",
        first.display(),
        second.display()
    )]
    Ambiguous {
        /// `module` or `script`.
        kind: &'static str,
        /// The name.
        name: ModuleName,
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file whose name cannot be that of a module or script.
    #[error("{}: {reason}; rename the file", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with its name.
        reason: InvalidName,
    },
}

impl Files {
    pub(crate) fn new(root: impl Into<PathBuf>, kind: Kind) -> Self {
        Self { root: root.into(), kind }
    }

    /// The folder to watch for changes, and whether that includes its subfolders. A single file is watched
    /// through its folder: a replaced file is a new inode.
    pub(crate) fn watched(&self) -> (PathBuf, bool) {
        (folder_of(&self.root), self.kind.has_parts)
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
            Ok(paths) => {
                let faults = paths.into_iter().filter_map(|path| self.add(&mut found, path).err());
                faults.collect()
            }
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
        let name = path.file_name().map_or(&[][..], |name| name.as_encoded_bytes());
        let is_other = name.starts_with(b".") || name.ends_with(DECLARATIONS.as_bytes());
        !is_other && self.kind.extensions.contains(&extension)
    }

    fn add(&self, found: &mut FilesByName, path: PathBuf) -> Result<(), FilesError> {
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
                kind: self.kind.name,
                name: first.key().clone(),
                first: first.get().clone(),
                second: path,
            }),
        }
    }
}

/// A folder, or the folder of a file.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

/// The modules that a host would find in a folder, or in one file, and everything that is wrong there: a
/// host itself refuses at the first fault.
pub fn list_modules(root: &Path) -> (FilesByName, Vec<FilesError>) {
    Files::new(root, MODULES).list()
}

/// The same of scripts.
pub fn list_scripts(root: &Path) -> (FilesByName, Vec<FilesError>) {
    Files::new(root, SCRIPTS).list()
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
        let found = Files::new(dir.path(), MODULES).discover().unwrap();
        assert_eq!(found.keys().map(ModuleName::as_str).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_folder_gives_its_scripts_but_no_declarations_and_no_parts() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a.js", "b.ts", "c.mjs", "mik.d.ts", "d.json", "e.wasm"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        fs::create_dir(dir.path().join("lib")).unwrap();
        fs::write(dir.path().join("lib/f.js"), "").unwrap();
        let (found, faults) = list_scripts(dir.path());
        assert_eq!(found.keys().map(ModuleName::as_str).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(faults.is_empty(), "{faults:?}");
        fs::write(dir.path().join("a.ts"), "").unwrap();
        let (_, faults) = list_scripts(dir.path());
        assert!(faults[0].to_string().contains("both give the script \"a\""), "{faults:?}");
    }

    #[test]
    fn two_files_of_one_name_are_an_error_naming_both() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["a.wasm", "a-composed.wasm"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        let error = Files::new(dir.path(), MODULES).discover().unwrap_err().to_string();
        assert!(error.contains("a.wasm") && error.contains("a-composed.wasm"), "{error}");
    }

    #[test]
    fn a_missing_folder_and_a_bad_name_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Files::new(dir.path().join("no"), MODULES).discover().unwrap_err();
        assert!(matches!(error, FilesError::Unreadable { .. }));
        fs::write(dir.path().join("a b.wasm"), "").unwrap();
        let error = Files::new(dir.path(), MODULES).discover().unwrap_err().to_string();
        assert!(error.contains("a b.wasm"), "{error}");
    }
}
