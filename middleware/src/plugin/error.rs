//! Why a plugin does not load.

use std::fmt;
use std::path::{Path, PathBuf};

use mik_plugin::abi::{self, Misfit};

/// A dynamic library that cannot be used as a plugin: which, why, what to do, and both versions of the ABI.
#[derive(Debug)]
pub struct PluginError {
    path: PathBuf,
    fault: Fault,
    version: Option<Version>,
}

/// A version of the ABI: major, minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(pub(super) u16, pub(super) u16);

/// What is wrong, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}. Correct its path, which is relative to the folder of mik.toml, or put it there")]
    Missing(std::io::Error),
    #[error("it is no regular file. Its path must name the library itself")]
    NotAFile,
    #[error(
        "it is no dynamic library for this machine ({0}). Build it here, as a `cdylib` or with \
         `cc -shared -fPIC`"
    )]
    NotALibrary(String),
    #[error(
        "it has no symbol `{symbol}`, so it is no plugin of mik. In Rust write \
         `mik_plugin::export!(…)`, in C define the function as mik_plugin.h says",
        symbol = abi::QUERY
    )]
    NoSymbol,
    #[error("its `{symbol}` returned NULL. It must always return its table", symbol = abi::QUERY)]
    NoTable,
    #[error(
        "it speaks another major version of the plugin ABI. Build it with mik-plugin \
         {crate_version}, or with the mik_plugin.h of this mik",
        crate_version = env!("CARGO_PKG_VERSION")
    )]
    OtherMajor,
    #[error(
        "its table is too small: {0} bytes, and version {major}.0 has {least}. `size` must be \
         sizeof(mik_plugin)",
        major = abi::MAJOR,
        least = abi::LEAST_PLUGIN
    )]
    TooSmall(u32),
    #[error("its name is not 1 to 64 of `a-z 0-9 -` beginning with a letter")]
    Name,
    #[error(
        "it has neither of the hooks `request_head` and `response_head`, so it would do nothing"
    )]
    NoHooks,
    #[error("it does not start: {0}. Look at its `config` and at its own documentation")]
    Create(String),
}

impl From<Misfit> for Fault {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Null => Self::NoTable,
            Misfit::OtherMajor => Self::OtherMajor,
            Misfit::TooSmall(size) => Self::TooSmall(size),
            Misfit::Name => Self::Name,
            Misfit::NoHooks => Self::NoHooks,
        }
    }
}

impl From<(u16, u16)> for Version {
    fn from((major, minor): (u16, u16)) -> Self {
        Self(major, minor)
    }
}

impl PluginError {
    pub(super) fn new(path: &Path, fault: Fault, version: Option<Version>) -> Self {
        Self { path: path.to_owned(), fault, version }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = Version(abi::MAJOR, abi::MINOR);
        write!(f, "cannot load the plugin {}: {}. ", self.path.display(), self.fault)?;
        write!(f, "This mik speaks version {own} of the plugin ABI; ")?;
        match self.version {
            Some(version) => write!(f, "the plugin, {version}"),
            None => f.write_str("which version the plugin speaks is unknown"),
        }
    }
}

impl std::error::Error for PluginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Missing(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}
