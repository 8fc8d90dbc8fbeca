//! Opens a dynamic library and agrees with it on a version.

#![allow(unsafe_code)]

use std::path::Path;

use mik_plugin::abi::{self, Descriptor, Query};

use super::error::{Fault, Version};
use super::host;

/// What is wrong, and the plugin's version as far as it is known.
type Failed = (Fault, Option<Version>);

/// Opens the library, for as long as the process lives.
pub(super) fn open(path: &Path) -> Result<Descriptor, Failed> {
    let unknown = |fault| (fault, None);
    // A bare name would be looked for in the folders of the system.
    let path = path.canonicalize().map_err(|error| unknown(Fault::Missing(error)))?;
    if !path.is_file() {
        return Err(unknown(Fault::NotAFile));
    }
    let query = query(&path).map_err(unknown)?;
    // SAFETY: the symbol has the type that its name promises. The host's table lives as long as the process.
    let table = unsafe { query(&raw const host::TABLE) };
    // SAFETY: what a plugin returns is its table, or NULL. Its texts live as long as the process.
    let read = unsafe { Descriptor::read(table) };
    read.map_err(|(misfit, version)| (misfit.into(), version.map(Version::from)))
}

/// The symbol that every plugin has.
fn query(path: &Path) -> Result<Query, Fault> {
    // SAFETY: the initializers of the library run, as all of its code will. Who names a library in the
    // configuration trusts it as much as this binary.
    let library = unsafe { load(path) }.map_err(|error| Fault::NotALibrary(reason(&error)))?;
    // SAFETY: the header file gives the symbol this type.
    let query = unsafe { library.get::<Query>(abi::QUERY) }.map(|symbol| *symbol);
    // Never unloaded, not even where it does not fit: threads and pointers of its own may be left behind.
    std::mem::forget(library);
    query.map_err(|_| Fault::NoSymbol)
}

/// All symbols are resolved now: one that is missing would otherwise end the process when it is called.
#[cfg(unix)]
unsafe fn load(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: the caller answers for the library's initializers.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL).map(Into::into) }
}

#[cfg(not(unix))]
unsafe fn load(path: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: the caller answers for the library's initializers.
    unsafe { libloading::Library::new(path) }
}

/// What the system said, not that it was `dlopen` that said it.
fn reason(error: &libloading::Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    cause.unwrap_or_else(|| error.to_string())
}
