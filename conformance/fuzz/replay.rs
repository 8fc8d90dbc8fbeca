//! Runs a fuzz target over the inputs that are committed for it. Each crate that has a `fuzz` folder takes this
//! file into its tests.

use std::fs;
use std::path::Path;

/// Fewer inputs than this are none at all: the folder was moved, or emptied.
const LEAST: usize = 10;

/// Shows every file of `corpus` to `check`, and says which it was that failed.
pub(crate) fn replay(corpus: impl AsRef<Path>, check: impl Fn(&[u8])) {
    let corpus = corpus.as_ref();
    let mut files: Vec<_> =
        fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= LEAST, "{} inputs in {}", files.len(), corpus.display());
    for file in files {
        let told = Told(&file);
        check(&fs::read(&file).unwrap());
        std::mem::forget(told);
    }
}

/// Names the file where the check of it panicked.
struct Told<'a>(&'a Path);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        eprintln!("the input was {}", self.0.display());
    }
}
