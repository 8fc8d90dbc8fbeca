//! What a script is made of: its file, the files that it imports, and JavaScript out of each.

mod error;
mod files;
mod import;
mod json;
mod kind;
mod report;
mod specifier;
mod strip;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{Value, prelude};
pub use error::SourceError;
use files::Root;
use import::Import;
use kind::Kind;
use report::Place;
pub use report::Report;

/// The most files of one script.
const MOST_FILES: usize = 256;
/// The most bytes of all files of one script.
const MOST_BYTES: usize = 16 << 20;

/// One file of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path relative to the root, with `/`: `checkout.ts`, `lib/price.ts`. Stack traces show it.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// An ES module of JavaScript. Its lines and columns are those of the file, save for JSON.
    pub text: String,
    /// What the file says, without a byte order mark.
    pub original: String,
}

/// The files of one script, read when they are first imported and then kept.
///
/// A script imports files below the root by relative paths: `.js`, `.mjs`, `.ts`, `.mts` and `.json`, at most
/// 256 of 16 MiB in all. Symbolic links hold as long as they stay below the root. TypeScript loses its types,
/// JSON becomes a default export; each file is otherwise what its author wrote.
#[derive(Debug)]
pub struct Sources {
    root: Root,
    entry: Arc<Source>,
    read: RwLock<Read>,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Read {
    sources: HashMap<String, Arc<Source>>,
    bytes: usize,
    /// Also those that could not be read: they may come to be there.
    tried: BTreeSet<PathBuf>,
}

impl Sources {
    /// The script at `path`, which says `text`. Its imports lie below the folder `root`; where `root` is the
    /// script itself, below the script's folder.
    ///
    /// # Errors
    /// TypeScript that cannot be stripped; a script that is of another kind, is too large, or lies outside of
    /// the root.
    pub fn open(root: &Path, path: &Path, text: &str) -> Result<Self, SourceError> {
        let root = Root::of(root, path);
        let name = root.name_of(path)?;
        let entry = Arc::new(source(name.clone(), path.to_owned(), text)?);
        let mut read = Read::default();
        read.add(&entry)?;
        Ok(Self { root, entry, read: RwLock::new(read) })
    }

    /// The script's own file.
    pub fn entry(&self) -> Arc<Source> {
        self.entry.clone()
    }

    /// The name of the file that an import of `specifier` in the file `from` means. The file is there and can
    /// be loaded as far as its name and place tell.
    ///
    /// # Errors
    /// An import that scripts may not make, or of a file that is not there; the error shows the import.
    pub fn resolve(&self, from: &str, specifier: &str) -> Result<String, SourceError> {
        let name = specifier::name_of(from, specifier);
        // A script that runs again imports what was read long ago.
        if let Ok(name) = &name
            && self.read().sources.contains_key(name)
        {
            return Ok(name.clone());
        }
        let source = self.original(from);
        let import = Import { from, source: source.as_deref(), specifier };
        let name = name.map_err(|refusal| import.refused(refusal))?;
        self.write().attempt(self.root.path_of(&name));
        match self.root.find(&name) {
            Ok(_) => Kind::of(&name).map_err(|refusal| import.refused(refusal))?,
            Err(absence) => return Err(import.absent(&self.root, &name, &absence)),
        };
        Ok(name)
    }

    /// The file of that name, as [`Sources::resolve`] gave it.
    ///
    /// # Errors
    /// A file that cannot be read, or is not what its name says; one that makes the script too large.
    pub fn load(&self, name: &str) -> Result<Arc<Source>, SourceError> {
        if let Some(source) = self.read().sources.get(name) {
            return Ok(source.clone());
        }
        let path = self.root.path_of(name);
        self.write().attempt(path.clone());
        let left = MOST_BYTES.saturating_sub(self.read().bytes);
        let text = self.root.read(name, left)?;
        let source = Arc::new(source(name.to_owned(), path, &text)?);
        self.write().add(&source)
    }

    /// The files other than the script's own that were read, or would have been had they been there.
    pub fn files(&self) -> Vec<PathBuf> {
        self.read().tried.iter().cloned().collect()
    }

    /// The globals of mik that the files read so far can reach, as the prelude takes them.
    pub fn globals(&self) -> Value {
        let read = self.read();
        let texts: Vec<_> = read.sources.values().map(|source| source.text.as_str()).collect();
        prelude::globals(&texts)
    }

    /// `message`, with the place and the line that it is about. `line` and `column` count from 1, as the
    /// engines tell them; what does not exist is left out.
    pub fn explain(&self, name: &str, line: u32, column: u32, message: &str) -> String {
        let place = self
            .original(name)
            .and_then(|source| Place::of_position(&source.original, line, column));
        match place {
            Some(place) => Report::new(name, message).at(place).to_string(),
            None => format!("{name}:{line}:{column}: {message}"),
        }
    }

    fn original(&self, name: &str) -> Option<Arc<Source>> {
        self.read().sources.get(name).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, Read> {
        self.read.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Read> {
        self.read.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    /// Remembers a file that is about to be read. A script that tries names at random is cut short.
    fn attempt(&mut self, path: PathBuf) {
        if self.tried.len() < MOST_FILES * 2 {
            self.tried.insert(path);
        }
    }

    /// Keeps a file, unless another thread was quicker or it is one too many.
    fn add(&mut self, source: &Arc<Source>) -> Result<Arc<Source>, SourceError> {
        if let Some(source) = self.sources.get(&source.name) {
            return Ok(source.clone());
        }
        let bytes = self.bytes + source.original.len();
        if self.sources.len() == MOST_FILES || bytes > MOST_BYTES {
            return Err(SourceError::TooLarge { name: source.name.clone() });
        }
        self.bytes = bytes;
        self.sources.insert(source.name.clone(), source.clone());
        Ok(source.clone())
    }
}

/// Makes JavaScript of a file.
fn source(name: String, path: PathBuf, text: &str) -> Result<Source, SourceError> {
    let original = text.strip_prefix('\u{feff}').unwrap_or(text);
    let kind = Kind::of(&name).map_err(|refusal| {
        SourceError::Unreadable(Report::new(&name, refusal.reason).help(refusal.help))
    })?;
    let text = match kind {
        Kind::JavaScript => original.to_owned(),
        Kind::TypeScript => strip::strip(&name, original)?,
        Kind::Json => json::module(&name, original)?,
    };
    Ok(Source { name, path, text, original: original.to_owned() })
}
