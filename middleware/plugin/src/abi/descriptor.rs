//! What a host makes of the table that a plugin shows it.

use super::{LEAST_PLUGIN, MAJOR, PluginTable};

/// Longest name of a plugin, in bytes.
const NAME: usize = 64;

/// A plugin that a host can work with.
#[derive(Debug, Clone)]
pub struct Descriptor {
    /// Its table; what an older plugin does not have is empty.
    pub table: PluginTable,
    /// What it calls itself: 1 to 64 of `a-z 0-9 -`, beginning with a letter.
    pub name: String,
}

/// Why a host cannot work with a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// There is no table.
    Null,
    /// It speaks another major version.
    OtherMajor,
    /// Its table has so many bytes, less than [`LEAST_PLUGIN`].
    TooSmall(u32),
    /// It has no name, or one that is none.
    Name,
    /// It has neither of the hooks of heads, so it would do nothing.
    NoHooks,
}

impl Descriptor {
    /// Copies a table, as far as both sides know it, and checks it. With what is wrong comes the plugin's
    /// version, major and minor, where there is one.
    ///
    /// # Errors
    /// The first [`Misfit`], in the order in which they are listed there.
    ///
    /// # Safety
    /// It is NULL or leads to a table. That has as many bytes as it says, or, where it is of another major
    /// version, at least the head that all versions begin with. Its name is valid during the call.
    pub unsafe fn read(table: *const PluginTable) -> Result<Self, (Misfit, Option<(u16, u16)>)> {
        if table.is_null() {
            return Err((Misfit::Null, None));
        }
        // SAFETY: the head of a table is the same in all versions: its size and its version.
        let (size, version) = unsafe {
            let size = (&raw const (*table).size).read();
            let major = (&raw const (*table).abi_major).read();
            (size, (major, (&raw const (*table).abi_minor).read()))
        };
        let misfit = |misfit| (misfit, Some(version));
        if version.0 != MAJOR {
            return Err(misfit(Misfit::OtherMajor));
        }
        if (size as usize) < LEAST_PLUGIN {
            return Err(misfit(Misfit::TooSmall(size)));
        }
        let mut own = PluginTable::EMPTY;
        let known = (size as usize).min(size_of::<PluginTable>());
        // SAFETY: so many bytes are there on both sides. A function that is NULL reads as `None`.
        unsafe {
            std::ptr::copy_nonoverlapping(table.cast::<u8>(), (&raw mut own).cast::<u8>(), known);
        }
        // SAFETY: by the contract of this function.
        let name = unsafe { own.name.bytes() };
        let name = name.and_then(plain_name).ok_or(misfit(Misfit::Name))?;
        if own.request_head.is_none() && own.response_head.is_none() {
            return Err(misfit(Misfit::NoHooks));
        }
        Ok(Self { table: own, name })
    }

    /// The version of the ABI that it speaks: major, minor.
    pub const fn version(&self) -> (u16, u16) {
        (self.table.abi_major, self.table.abi_minor)
    }
}

fn plain_name(bytes: &[u8]) -> Option<String> {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    let fits = (1..=NAME).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(plain);
    fits.then(|| String::from_utf8_lossy(bytes).into_owned())
}
