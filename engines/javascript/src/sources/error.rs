//! Why a file cannot be part of a script.

use super::report::Report;
use super::{MOST_BYTES, MOST_FILES};

/// Why a script, or a file that it imports, cannot be read.
///
/// The text of each is for the script's author: it names the file and, where it can, shows the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// An import of what a script may not import.
    #[error("{0}")]
    Import(Report),
    /// An import of a file that is not there.
    #[error("{0}")]
    Missing(Report),
    /// A file that is not the JSON or the TypeScript that its name promises.
    #[error("{0}")]
    Syntax(Report),
    /// TypeScript that is more than types.
    #[error("{0}")]
    NotErasable(Report),
    /// A file that cannot be read, or is not UTF-8.
    #[error("{0}")]
    Unreadable(Report),
    /// A script of too many files or too many bytes.
    #[error(
        "{name}: the script is too large: it may have {MOST_FILES} files of {} MiB in all",
        MOST_BYTES >> 20
    )]
    TooLarge {
        /// The file that was one too many.
        name: String,
    },
}
