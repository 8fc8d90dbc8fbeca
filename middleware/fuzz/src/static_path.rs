//! The path of a request for a file: what is sent is the file that the file system says lies there, inside of
//! the folder that is served.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use mik_core::{Body, Response};
use mik_middleware::StaticFiles;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::rig::{Rig, write};

const SECRET: &str = "not for anybody";

struct Site {
    rig: Rig,
    /// The folder that is served, without links.
    root: PathBuf,
}

static SITE: LazyLock<Mutex<Site>> = LazyLock::new(|| Mutex::new(Site::new()));

/// Asks for `/static` and what the bytes say.
pub(super) fn check(input: &[u8]) {
    let site = SITE.lock().unwrap_or_else(PoisonError::into_inner);
    let target = [b"/static", input].concat();
    let Ok(target) = std::str::from_utf8(&target) else { return };
    // What is no URI, or not plain ASCII, does not come so far.
    let Some(uri) = target.parse::<http::Uri>().ok().filter(|_| target.is_ascii()) else { return };
    let Some(path) = uri.path().strip_prefix("/static") else { return };
    let Some(answer) = site.rig.get(target, []) else { return };
    assert!(!answer.body.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "{target}");
    match answer.status {
        200 => {
            let file =
                site.file(path).unwrap_or_else(|| panic!("{target} is no file of the folder"));
            assert!(
                answer.is_whole && answer.body == std::fs::read(&file).unwrap(),
                "{target} is {file:?}"
            );
        }
        // To the same path with a slash after it, and nowhere else.
        301 => {
            let location = answer.field("location").expect("a location");
            let path = location.split('?').next().unwrap_or_default();
            let name = path.strip_prefix("./").and_then(|path| path.strip_suffix('/'));
            assert!(name.is_some_and(|name| !name.contains('/')), "{target} to {location}");
        }
        // Below the prefix alone there is the site; `/staticx` is not.
        400 | 404 => {}
        status => panic!("{status} to {target}"),
    }
}

impl Site {
    fn new() -> Self {
        let mut served = PathBuf::new();
        let make = |folder: &Path| {
            served = folder.join("public");
            for name in
                ["index.html", "a.txt", "a b", "ä", "%2e%2e", "C", "sub/index.html", "sub/deep/x"]
            {
                write(served.join(name), format!("this is {name}"));
            }
            for name in [".hidden", ".well-known/x", "sub/.git/config", "empty/..data/x", "..x"] {
                write(served.join(name), format!("this is {name}"));
            }
            for name in ["secret", "public2/index.html", "etc/passwd"] {
                write(folder.join(name), SECRET);
            }
            // One that stays inside, and some that do not.
            for (to, link) in [
                ("a.txt", "in"),
                ("../secret", "out"),
                ("..", "up"),
                ("/etc", "etc"),
                ("sub", "dir"),
            ] {
                symlink(to, served.join(link)).unwrap();
            }
            let fifo = served.join("pipe");
            mknodat(CWD, fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            StaticFiles::new(&served).unwrap()
        };
        let rig = Rig::new(make, |_| async { Ok(Response::new(Body::empty())) });
        Self { rig, root: served.canonicalize().unwrap() }
    }

    /// The file that a path leads to, if it is one of the folder.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let name = String::from_utf8(decoded(path.as_bytes())).ok()?;
        let found = self.root.join(name.trim_start_matches('/')).canonicalize().ok()?;
        let file =
            if found.is_dir() { found.join("index.html").canonicalize().ok()? } else { found };
        (file.starts_with(&self.root) && file.is_file()).then_some(file)
    }
}

/// RFC 3986, 2.1: once.
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut left = path;
    while let Some((first, rest)) = left.split_first() {
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                left = &rest[2..];
            }
            _ => {
                bytes.push(*first);
                left = rest;
            }
        }
    }
    bytes
}
