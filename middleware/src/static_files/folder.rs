//! The folder that is served, and the way to what lies in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt};
use mik_core::CallError;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::file::OpenFile;
use super::path::FilePath;

/// The folder that is served. Its own path belongs to whoever runs the host, so where that leads elsewhere
/// (a link that was switched, a folder that was made anew) files come from there from then on.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    root: ArcSwap<Root>,
}

/// The folder as it was found: everything is opened below its descriptor.
#[derive(Debug)]
pub(super) struct Root {
    dir: Dir,
    /// Device and inode.
    id: (u64, u64),
}

/// What lies at a path.
#[derive(Debug)]
pub(super) enum Entry {
    File(OpenFile),
    Folder,
}

impl Folder {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let root = ArcSwap::from_pointee(Root::open(&path)?);
        Ok(Self { path, root })
    }

    /// The folder as it is now.
    pub(super) fn root(&self) -> Arc<Root> {
        let root = self.root.load_full();
        let now = std::fs::metadata(&self.path).map(|found| (found.dev(), found.ino()));
        match now {
            Ok(id) if id != root.id => match Root::open(&self.path).map(Arc::new) {
                Ok(new) => {
                    self.root.store(new.clone());
                    new
                }
                Err(_) => root,
            },
            // Where there is none for a moment, the one that was there stands for it.
            _ => root,
        }
    }
}

impl Root {
    fn open(path: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        let found = dir.dir_metadata()?;
        Ok(Self { id: (found.dev(), found.ino()), dir })
    }

    /// Opens what lies at `path`: a regular file or a folder. `None` for everything else, for what is not
    /// there, and for what a link says lies outside.
    pub(super) fn find(&self, path: &FilePath) -> Result<Option<Entry>, CallError> {
        let name = if path.as_str().is_empty() { "." } else { path.as_str() };
        let found = self.open_at(name).and_then(|file| Ok((file.metadata()?, file)));
        match found {
            Ok((found, file)) if found.is_file() => {
                Ok(Some(Entry::File(OpenFile::new(file, &found))))
            }
            Ok((found, _)) => Ok(found.is_dir().then_some(Entry::Folder)),
            Err(error) => absent(path, &error),
        }
    }

    fn open_at(&self, name: &str) -> io::Result<File> {
        // Opening a FIFO must not wait for its writer, and a terminal must not become ours. Neither flag
        // changes anything for a regular file.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags.bits().cast_signed());
        Ok(self.dir.open_with(name, &options)?.into_std())
    }
}

/// What it means that a path cannot be opened: mostly that there is nothing there.
fn absent(path: &FilePath, error: &io::Error) -> Result<Option<Entry>, CallError> {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => {
            Err(CallError::Overloaded("no more files can be opened"))
        }
        Some(Errno::IO) => Err(CallError::Trap(format!("{}: {error}", path.as_str()).into())),
        Some(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        _ => {
            tracing::debug!("static: {} is not served: {error}", path.as_str());
            Ok(None)
        }
    }
}
