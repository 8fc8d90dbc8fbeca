//! The section of a component that describes it.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::ModuleName;

const SECTION: &[u8] = b"mik:openapi";
/// Bytes of a description; a larger one is left out.
const MOST: u32 = 4 << 20;
/// Bytes before the first section: the magic number, the version and the layer.
const PREAMBLE: usize = 8;

/// The description in a component's file; `None` where there is none. One that is no JSON object is told in
/// the log.
pub(super) fn read(name: &ModuleName, path: &Path) -> Option<Value> {
    let text = match File::open(path).and_then(|file| find(BufReader::new(file))) {
        Ok(text) => text?,
        Err(error) => {
            tracing::debug!(module = %name, %error, "no description read");
            return None;
        }
    };
    match serde_json::from_slice(&text) {
        Ok(document @ Value::Object(_)) => Some(document),
        Ok(_) => {
            tracing::warn!(module = %name, "its section mik:openapi is no object");
            None
        }
        Err(error) => {
            tracing::warn!(module = %name, %error, "its section mik:openapi is no JSON");
            None
        }
    }
}

/// Looks at the outermost sections alone. What is between is skipped, not read.
fn find(mut file: impl Read + Seek) -> io::Result<Option<Vec<u8>>> {
    let mut preamble = [0; PREAMBLE];
    file.read_exact(&mut preamble)?;
    if !preamble.starts_with(b"\0asm") {
        return Ok(None);
    }
    while let Some(id) = byte(&mut file)? {
        let size = leb(&mut file)?;
        if id != 0 {
            file.seek(SeekFrom::Current(size.into()))?;
            continue;
        }
        let (name, rest) = custom(&mut file, size)?;
        if name != SECTION {
            file.seek(SeekFrom::Current(rest.into()))?;
        } else if rest > MOST {
            return Ok(None);
        } else {
            let mut text = vec![0; rest as usize];
            file.read_exact(&mut text)?;
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// The name of a custom section of `size` bytes, if it may be ours, and how much follows.
fn custom(file: &mut impl Read, size: u32) -> io::Result<(Vec<u8>, u32)> {
    let mut counted = Counted { file, read: 0 };
    let length = leb(&mut counted)?;
    let mut name = Vec::new();
    if length as usize == SECTION.len() {
        name.resize(SECTION.len(), 0);
        counted.read_exact(&mut name)?;
    }
    let rest = size.checked_sub(counted.read);
    rest.map(|rest| (name, rest)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Counts what is read.
struct Counted<'a, R> {
    file: &'a mut R,
    read: u32,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.read += u32::try_from(read).unwrap_or(u32::MAX);
        Ok(read)
    }
}

fn byte(file: &mut impl Read) -> io::Result<Option<u8>> {
    let mut one = [0];
    Ok((file.read(&mut one)? == 1).then_some(one[0]))
}

/// An unsigned number of at most 32 bits, as WebAssembly writes them (LEB128).
fn leb(file: &mut impl Read) -> io::Result<u32> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let byte = byte(file)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).map_err(|_| io::ErrorKind::InvalidData.into());
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const MAGIC: &[u8] = b"\0asm\x0d\0\x01\0";

    fn found(sections: &[&[u8]]) -> io::Result<Option<Vec<u8>>> {
        find(Cursor::new([&[MAGIC], sections].concat().concat()))
    }

    /// A custom section, its size in two bytes.
    fn section(name: &[u8], content: &[u8]) -> Vec<u8> {
        let size = 1 + name.len() + content.len();
        let size = [(size & 0x7f) as u8 | 0x80, (size >> 7) as u8];
        [&[0], &size[..], &[name.len() as u8], name, content].concat()
    }

    #[test]
    fn it_is_found_behind_others() {
        let other = section(b"producers!!", b"mik:openapi");
        let short = section(b"name", b"x");
        let ours = section(SECTION, b"{}");
        let code = [1, 3, 0, 0, 0];
        assert_eq!(found(&[&other, &code, &short, &ours]).unwrap(), Some(b"{}".to_vec()));
        assert_eq!(found(&[&other, &code, &short]).unwrap(), None);
        assert_eq!(found(&[]).unwrap(), None);
    }

    #[test]
    fn what_is_broken_is_an_error_or_nothing() {
        assert!(found(&[&[0]]).is_err());
        assert!(found(&[&[0, 0xff, 0xff, 0xff, 0xff, 0x7f]]).is_err());
        assert!(found(&[&[0, 5, 11, 1, 2]]).is_err());
        // A name that is longer than its section.
        assert!(found(&[&[0, 2, 11], SECTION]).is_err());
        // A content that is cut off.
        assert!(found(&[&[0, 100, 11], SECTION, b"{"]).is_err());
        // More than anybody describes: nothing is allocated for it.
        assert_eq!(found(&[&[0, 0x80, 0x80, 0x80, 0x80, 0x0f, 11], SECTION]).unwrap(), None);
        assert!(find(Cursor::new(b"\0as")).is_err());
        assert_eq!(find(Cursor::new(b"no component")).unwrap(), None);
    }
}
