//! `mik types`: the TypeScript declarations of what scripts find.

use std::fs;
use std::io;
use std::path::Path;

use mik_javascript::TYPES;

use crate::args::TypesArgs;
use crate::failure::Failure;
use crate::output::print;

/// The file in a folder.
const FILE: &str = "mik.d.ts";

pub(super) fn types(args: &TypesArgs) -> Result<(), Failure> {
    match &args.path {
        Some(path) => write(TYPES, path, args.force),
        None => {
            print(TYPES.trim_end());
            Ok(())
        }
    }
}

/// Writes `text` to a file, or to [`FILE`] of a folder. A file with another text is kept unless `force` says
/// otherwise.
fn write(text: &str, path: &Path, force: bool) -> Result<(), Failure> {
    let is_folder = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let path = if is_folder { path.join(FILE) } else { path.to_owned() };
    let result = match fs::read(&path) {
        Ok(there) if there == text.as_bytes() => Ok(()),
        Ok(_) if !force => return Err(Failure::Exists { path }),
        Ok(_) => fs::write(&path, text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
            folder.and_then(|()| fs::write(&path, text))
        }
        Err(error) => Err(error),
    };
    result.map_err(|reason| Failure::Unwritable { path, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_text_is_kept_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let read = || fs::read_to_string(&file).unwrap();
        write("one", folder.path(), false).unwrap();
        write("one", &file, false).unwrap();
        assert_eq!(read(), "one");
        let failure = write("two", folder.path(), false).unwrap_err();
        assert!(failure.to_string().contains("--force"), "{failure}");
        assert_eq!((read(), failure.exit_code()), ("one".to_owned(), 1));
        write("two", folder.path(), true).unwrap();
        assert_eq!(read(), "two");
    }

    #[test]
    fn folders_are_made_and_what_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let new = format!("{}/new/", folder.path().display());
        write("one", Path::new(&new), false).unwrap();
        assert!(folder.path().join("new").join(FILE).is_file());
        let below_a_file = folder.path().join("new").join(FILE).join("x.d.ts");
        let failure = write("one", &below_a_file, true).unwrap_err();
        assert!(failure.to_string().starts_with("cannot write"), "{failure}");
    }
}
