//! What modules and scripts have in common: a file, and a few lines about it.

use std::fs;
use std::path::Path;

use mik_core::LoadError;
use mik_core::units::ByteSize;

use crate::inspect::Access;
use crate::output::columns;

/// Reads a file as the host would.
pub(super) fn read(path: &Path, max: ByteSize) -> Result<Vec<u8>, LoadError> {
    let unreadable = |error| LoadError::new(format!("cannot read: {error}"));
    let len = fs::metadata(path).map_err(unreadable)?.len();
    if len > max.get() {
        return Err(LoadError::new(format!(
            "the file has {len} bytes, more than server.limits.module_bytes = {max}"
        )));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    if bytes.is_empty() {
        return Err(LoadError::new("the file is empty"));
    }
    Ok(bytes)
}

/// Tells of a file: a line, then rows below it.
pub(super) fn describe<'a>(
    text: &mut String,
    title: &str,
    bytes: u64,
    file: &str,
    rows: impl IntoIterator<Item = (&'a str, String)>,
    access: &'a [Access],
) {
    let size = ByteSize::bytes(bytes.next_multiple_of(1024));
    text.push_str(&format!("\n  {title}, {size}, {file}\n"));
    let access = access.iter().map(|access| (access.what, access.how.clone()));
    let rows: Vec<_> = rows.into_iter().chain(access).map(|(k, v)| [k.to_owned(), v]).collect();
    for line in columns(&rows).lines() {
        text.push_str(&format!("  {line}\n"));
    }
}
