//! The folder that a script's files lie in.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::SourceError;
use super::report::Report;
use super::specifier::is_name;

/// The folder that imports must not leave.
#[derive(Debug)]
pub(super) struct Root {
    folder: PathBuf,
}

/// Why no file of a name can be read.
#[derive(Debug)]
pub(super) enum Absence {
    /// Nothing has that name.
    Missing,
    /// A folder has it.
    Folder,
    /// It is a link to something outside of the root.
    Outside,
    /// It is neither a file nor a folder, or the system refuses.
    Unreadable(String),
}

impl Root {
    /// `root`, or the folder of the script at `path` where `root` is that script.
    pub(super) fn of(root: &Path, path: &Path) -> Self {
        let folder = if root == path || root.is_file() { folder_of(root) } else { root };
        Self { folder: folder.to_owned() }
    }

    /// The name of the script at `path`.
    pub(super) fn name_of(&self, path: &Path) -> Result<String, SourceError> {
        let outside = || {
            let folder = self.folder.display();
            let message = format!("the script does not lie below {folder}");
            SourceError::Unreadable(Report::new(&path.display().to_string(), message))
        };
        let as_written = path.strip_prefix(&self.folder).ok().and_then(name);
        as_written.or_else(|| self.real_name_of(path)).ok_or_else(outside)
    }

    /// The same for a path that is written in another way than the root.
    fn real_name_of(&self, path: &Path) -> Option<String> {
        let folder = folder_of(path).canonicalize().ok()?;
        let folder = folder.strip_prefix(self.folder.canonicalize().ok()?).ok()?;
        name(&folder.join(path.file_name()?))
    }

    /// Where a file of that name lies.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the file of that name really lies, all links followed.
    pub(super) fn find(&self, name: &str) -> Result<PathBuf, Absence> {
        if !is_name(name) {
            return Err(Absence::Outside);
        }
        let path = self.path_of(name).canonicalize().map_err(|error| Absence::of(&error))?;
        // Each time afresh: the root may be a link that is turned to another release.
        let root = self.folder.canonicalize().map_err(|error| Absence::of(&error))?;
        if !path.starts_with(root) {
            return Err(Absence::Outside);
        }
        let file = path.metadata().map_err(|error| Absence::of(&error))?;
        match () {
            () if file.is_file() => Ok(path),
            () if file.is_dir() => Err(Absence::Folder),
            () => Err(Absence::Unreadable("it is not a file".into())),
        }
    }

    /// What the file of that name says, of which `most` bytes are allowed.
    pub(super) fn read(&self, name: &str, most: usize) -> Result<String, SourceError> {
        let unreadable = |reason: String| SourceError::Unreadable(Report::new(name, reason));
        let path = self.find(name).map_err(|absence| unreadable(absence.words()))?;
        let mut bytes = Vec::new();
        let read = File::open(path)
            .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        if read > most {
            return Err(SourceError::TooLarge { name: name.to_owned() });
        }
        String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            unreadable(format!("line {line} is not UTF-8: save the file in that encoding"))
        })
    }
}

impl Absence {
    /// What it is, said of the file.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Missing => "is not there".into(),
            Self::Folder => "is a folder".into(),
            Self::Outside => "lies outside of the scripts folder".into(),
            Self::Unreadable(reason) => format!("cannot be read: {reason}"),
        }
    }

    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename => Self::Missing,
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

/// The folder that `path` lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A relative path as a name.
fn name(path: &Path) -> Option<String> {
    let segments: Option<Vec<&str>> = path.iter().map(|segment| segment.to_str()).collect();
    Some(segments?.join("/")).filter(|name| is_name(name))
}
