//! Names that are checked once and trusted afterwards.

use std::borrow::Borrow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A name or a route that mik cannot use, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a usable {what}: {reason}")]
pub struct InvalidName {
    given: String,
    what: &'static str,
    reason: &'static str,
}

/// The name of a module or script: 1 to 64 of `A-Z a-z 0-9 - _ .`, starting with a letter or digit.
///
/// It becomes a path segment (`/run/NAME/`), a host label (`NAME.mik.internal`) and a metric label, so
/// nothing that would need escaping in one of them is allowed. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleName(Arc<str>);

impl ModuleName {
    /// Longest name, in bytes: that of a DNS label rounded up.
    pub const MAX_LEN: usize = 64;

    /// Checks `name`.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let fault = |reason| Err(InvalidName { given: name.into(), what: "name", reason });
        let Some(first) = name.bytes().next() else {
            return fault("it is empty");
        };
        if name.len() > Self::MAX_LEN {
            return fault("it is longer than 64 bytes");
        }
        if !first.is_ascii_alphanumeric() {
            return fault("it must start with a letter or a digit");
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return fault("only letters, digits, '-', '_' and '.' are allowed");
        }
        Ok(Self(name.into()))
    }

    /// The name that a file gives its module: the stem, less a `-composed` ending.
    pub fn from_file(path: &Path) -> Result<Self, InvalidName> {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        Self::new(stem.strip_suffix("-composed").unwrap_or(stem))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for ModuleName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ModuleName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

/// A path prefix at which a component is mounted: starts with `/`, no trailing `/` (the root is `/`),
/// no empty, `.` or `..` segment, no query, no percent-encoding.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RoutePath(Arc<str>);

impl RoutePath {
    /// The root, `/`.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Checks `path`; a trailing `/` is dropped.
    pub fn new(path: &str) -> Result<Self, InvalidName> {
        let fault = |reason| Err(InvalidName { given: path.into(), what: "route", reason });
        let Some(rest) = path.strip_prefix('/') else {
            return fault("it must start with '/'");
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return if path.len() <= 1 {
                Ok(Self::root())
            } else {
                fault("it has an empty segment")
            };
        }
        if rest.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return fault("it has an empty, '.' or '..' segment");
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
        if !rest.bytes().all(plain) {
            return fault("only letters, digits and '-', '_', '.', '~', '/' are allowed");
        }
        Ok(Self(format!("/{rest}").into()))
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is left of `path` below this prefix: empty, or starting with `/`. `None` where the prefix
    /// does not cover `path`.
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        if &*self.0 == "/" {
            return Some(path);
        }
        let rest = path.strip_prefix(&*self.0)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for RoutePath {
    type Err = InvalidName;

    fn from_str(path: &str) -> Result<Self, InvalidName> {
        Self::new(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_names_are_path_segments_and_host_labels() {
        for good in ["orders", "my-api", "a", "v1.2_x", "0"] {
            assert_eq!(ModuleName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "ä", "a%20", &"x".repeat(65)] {
            assert!(ModuleName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_gives_its_stem_less_composed() {
        let name = |file: &str| ModuleName::from_file(Path::new(file)).unwrap().to_string();
        assert_eq!(name("dist/my-api-composed.wasm"), "my-api");
        assert_eq!(name("modules/auth.wasm"), "auth");
        assert!(ModuleName::from_file(Path::new("/")).is_err());
    }

    #[test]
    fn routes_strip_whole_segments_only() {
        let api = RoutePath::new("/api/").unwrap();
        assert_eq!(api.as_str(), "/api");
        assert_eq!(api.strip("/api"), Some(""));
        assert_eq!(api.strip("/api/x"), Some("/x"));
        assert_eq!(api.strip("/apix"), None);
        assert_eq!(RoutePath::new("/").unwrap().strip("/x"), Some("/x"));
        for bad in ["", "api", "//", "/a//b", "/../x", "/a?b", "/a%2f"] {
            assert!(RoutePath::new(bad).is_err(), "{bad:?}");
        }
    }
}
