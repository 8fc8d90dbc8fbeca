//! Opens a dynamic library and agrees with it on a version.

#![allow(unsafe_code)]

use std::path::Path;

use mik_plugin::abi::{self, PluginTable, Query};

use super::error::{Fault, Version};
use super::host;

/// Longest name of a plugin, in bytes.
const NAME: usize = 64;

/// A library that is a plugin of a version that fits.
pub(super) struct Library {
    /// Its table; what an older plugin does not have is empty.
    pub(super) table: PluginTable,
    /// What it calls itself.
    pub(super) name: String,
}

/// What is wrong, and the plugin's version as far as it is known.
type Failed = (Fault, Option<Version>);

/// Opens the library, for as long as the process lives.
pub(super) fn open(path: &Path) -> Result<Library, Failed> {
    let unknown = |fault| (fault, None);
    // A bare name would be looked for in the folders of the system.
    let path = path.canonicalize().map_err(|error| unknown(Fault::Missing(error)))?;
    if !path.is_file() {
        return Err(unknown(Fault::NotAFile));
    }
    let query = query(&path).map_err(unknown)?;
    // SAFETY: the symbol has the type that its name promises. The host's table lives as long as the process.
    let table = unsafe { query(&raw const host::TABLE) };
    // SAFETY: what a plugin returns is its table, or NULL.
    unsafe { read(table) }
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

/// # Safety
/// It is NULL or leads to a table, which has as many bytes as it says.
unsafe fn read(table: *const PluginTable) -> Result<Library, Failed> {
    if table.is_null() {
        return Err((Fault::NoTable, None));
    }
    // SAFETY: the head of a table is the same in all versions: its size and its version.
    let (size, version) = unsafe {
        let size = (&raw const (*table).size).read();
        let major = (&raw const (*table).abi_major).read();
        (size, Version(major, (&raw const (*table).abi_minor).read()))
    };
    let failed = |fault| (fault, Some(version));
    if version.0 != abi::MAJOR {
        return Err(failed(Fault::OtherMajor));
    }
    if (size as usize) < abi::LEAST_PLUGIN {
        return Err(failed(Fault::TooSmall(size)));
    }
    let mut own = PluginTable::EMPTY;
    let known = (size as usize).min(size_of::<PluginTable>());
    // SAFETY: so many bytes are there on both sides. A function that is NULL reads as `None`.
    unsafe {
        std::ptr::copy_nonoverlapping(table.cast::<u8>(), (&raw mut own).cast::<u8>(), known);
    }
    // SAFETY: its texts live as long as the process.
    let name = unsafe { own.name.bytes() };
    let name = name.and_then(plugin_name).ok_or(failed(Fault::Name))?;
    if own.request_head.is_none() && own.response_head.is_none() {
        return Err(failed(Fault::NoHooks));
    }
    Ok(Library { table: own, name })
}

fn plugin_name(bytes: &[u8]) -> Option<String> {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    let fits = (1..=NAME).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(plain);
    fits.then(|| String::from_utf8_lossy(bytes).into_owned())
}

impl Library {
    pub(super) fn version(&self) -> Version {
        Version(self.table.abi_major, self.table.abi_minor)
    }
}
