//! What lies in the sources: every file with a print of its content.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files up to here are told apart by their content, larger ones by length and time.
const READ: u64 = 8 << 20;
/// How deep folders are looked into.
const DEPTH: usize = 64;
/// What is made, or fetched, and not written by anybody, wherever it lies.
const MADE: [&str; 2] = ["node_modules", "__pycache__"];

/// The files below some paths, and the folders that they lie in.
#[derive(Debug, Default)]
pub(super) struct Scan {
    files: BTreeMap<PathBuf, Print>,
    /// By their inode: one that was removed and made again is another.
    folders: BTreeMap<PathBuf, u64>,
}

/// What tells one content of a file from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Print {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
    content: u64,
}

impl Scan {
    /// Looks at `roots`, files and folders with all that is below them. Content that `before` knows is not
    /// read again.
    pub(super) fn of(roots: &[PathBuf], before: &Self) -> Self {
        let mut scan = Self::default();
        for root in roots {
            match fs::metadata(root) {
                Ok(found) if found.is_dir() => scan.add_folder(root, &found, before, 0),
                found => {
                    // It may be removed, and come again: that is seen in its folder.
                    scan.add_nearest(root);
                    if let Ok(found) = found {
                        scan.add_file(root, &found, before);
                    }
                }
            }
        }
        scan
    }

    /// The files that are not as they were.
    pub(super) fn changed_since(&self, before: &Self) -> Vec<PathBuf> {
        let content = |scan: &Self, path: &PathBuf| scan.files.get(path).map(|print| print.content);
        let is_other = |path: &&PathBuf| content(self, path) != content(before, path);
        let gone = before.files.keys().filter(|path| !self.files.contains_key(*path));
        self.files.keys().filter(is_other).chain(gone).cloned().collect()
    }

    /// Counts this folder among those that files lie in.
    pub(super) fn also_in(&mut self, folder: Option<&Path>) {
        if let Some(folder) = folder
            && let Ok(found) = fs::metadata(folder)
        {
            self.folders.insert(folder.to_owned(), found.ino());
        }
    }

    /// The folders that files lie in, with their inodes.
    pub(super) fn folders(&self) -> &BTreeMap<PathBuf, u64> {
        &self.folders
    }

    fn add_folder(&mut self, folder: &Path, found: &Metadata, before: &Self, depth: usize) {
        self.folders.insert(folder.to_owned(), found.ino());
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if is_none_of_ours(&path) {
                continue;
            }
            let Ok(found) = fs::metadata(&path) else { continue };
            if !found.is_dir() {
                self.add_file(&path, &found, before);
            } else if depth < DEPTH && !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                self.add_folder(&path, &found, before, depth + 1);
            }
        }
    }

    /// The nearest folder above `path` that is there.
    fn add_nearest(&mut self, path: &Path) {
        for above in path.ancestors().skip(1) {
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            if let Ok(found) = fs::metadata(above)
                && found.is_dir()
            {
                self.folders.insert(above.to_owned(), found.ino());
                return;
            }
        }
    }

    fn add_file(&mut self, path: &Path, found: &Metadata, before: &Self) {
        if !found.is_file() {
            return;
        }
        let mut print = Print {
            len: found.len(),
            modified: found.modified().ok(),
            inode: found.ino(),
            content: 0,
        };
        let known = before.files.get(path).filter(|known| {
            (known.len, known.modified, known.inode) == (print.len, print.modified, print.inode)
        });
        print.content = match known {
            Some(known) => known.content,
            // Gone, or not to be read: as if it were empty.
            None => content(path, &print).unwrap_or_default(),
        };
        self.files.insert(path.to_owned(), print);
    }
}

fn content(path: &Path, print: &Print) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    if print.len > READ {
        (print.len, print.modified, print.inode).hash(&mut hasher);
    } else {
        fs::read(path)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Whether the name is one that editors, file managers and tools use for themselves.
fn is_none_of_ours(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return true };
    let ends =
        ["~", ".swp", ".swo", ".swx", ".tmp", ".bak", ".orig", "___jb_tmp___", "___jb_old___"];
    name.starts_with('.')
        || name.starts_with('#') && name.ends_with('#')
        || ends.iter().any(|end| name.ends_with(end))
        // What vim writes to find out whether it may.
        || name.len() == 4 && name.bytes().all(|b| b.is_ascii_digit())
        || MADE.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.write("src/lib.rs", "one");
            folder.write("src/deep/er/part.rs", "part");
            folder.write("Cargo.toml", "toml");
            folder
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn write(&self, path: &str, content: &str) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        fn scan(&self, before: &Scan) -> Scan {
            let roots = ["src", "Cargo.toml", "wit"].map(|root| self.path(root));
            Scan::of(&roots, before)
        }

        /// What `change` changes.
        fn changes(&self, change: impl FnOnce()) -> Vec<String> {
            let before = self.scan(&Scan::default());
            change();
            let changed = self.scan(&before).changed_since(&before);
            let relative = changed.iter().map(|path| path.strip_prefix(self.0.path()).unwrap());
            relative.map(|path| path.to_str().unwrap().to_owned()).collect()
        }
    }

    #[test]
    fn content_that_is_another_is_a_change() {
        let folder = Folder::new();
        assert_eq!(folder.changes(|| folder.write("src/lib.rs", "two")), ["src/lib.rs"]);
        assert_eq!(folder.changes(|| folder.write("src/new/a.rs", "")), ["src/new/a.rs"]);
        assert_eq!(folder.changes(|| folder.write("wit/a.wit", "x")), ["wit/a.wit"]);
        let removed = || fs::remove_file(folder.path("Cargo.toml")).unwrap();
        assert_eq!(folder.changes(removed), ["Cargo.toml"]);
        let removed = || fs::remove_dir_all(folder.path("src/deep")).unwrap();
        assert_eq!(folder.changes(removed), ["src/deep/er/part.rs"]);
        let replaced = || {
            folder.write("src/lib.rs.other", "three");
            fs::rename(folder.path("src/lib.rs.other"), folder.path("src/lib.rs")).unwrap();
        };
        assert_eq!(folder.changes(replaced), ["src/lib.rs"]);
    }

    #[test]
    fn what_leaves_the_content_alone_is_none() {
        let folder = Folder::new();
        let nothing: [&str; 0] = [];
        assert_eq!(folder.changes(|| folder.write("src/lib.rs", "one")), nothing);
        let mode = fs::Permissions::from_mode(0o600);
        let chmod = || fs::set_permissions(folder.path("src/lib.rs"), mode).unwrap();
        assert_eq!(folder.changes(chmod), nothing);
        let temporary = || {
            for name in [".lib.rs.swp", "lib.rs~", "4913", ".#lib.rs", "#lib.rs#"] {
                folder.write(&format!("src/{name}"), "text");
            }
            folder.write("src/.git/config", "text");
            folder.write("src/node_modules/x/index.js", "text");
            folder.write("target/x", "text");
        };
        assert_eq!(folder.changes(temporary), nothing);
    }

    #[test]
    fn every_folder_of_sources_is_known_and_one_made_again_is_another() {
        let folder = Folder::new();
        let before = folder.scan(&Scan::default());
        let known: Vec<_> = before.folders().keys().collect();
        let paths = ["", "src", "src/deep", "src/deep/er"].map(|path| folder.path(path));
        let paths = paths.map(|path| path.components().collect::<PathBuf>());
        assert_eq!(known, paths.iter().collect::<Vec<_>>());
        fs::rename(folder.path("src/deep"), folder.path("src/old")).unwrap();
        folder.write("src/deep/er/part.rs", "part");
        let after = folder.scan(&before);
        let (old, new) = (&before.folders()[&paths[2]], &after.folders()[&paths[2]]);
        assert_ne!(old, new);
    }
}
