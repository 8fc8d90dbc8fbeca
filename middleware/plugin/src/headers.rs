//! The header fields of a head.

#![allow(unsafe_code)]

use std::fmt;

use crate::abi::{self, HostTable, Str};

/// The header fields of a request or a response. Names are compared without regard to case. What it gives
/// can be used until the hook returns, also when the header is replaced or removed meanwhile.
#[derive(Debug)]
pub struct Headers<'a> {
    table: &'a HostTable,
    raw: *mut abi::Request,
}

/// Why the host did not do what it was asked for. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// A name, value or status that HTTP does not allow.
    Invalid,
    /// Not in this hook, or not asked for.
    NotNow,
    /// A header that decides where a message ends, or that concerns one connection only.
    Denied,
    /// More than there is room for.
    Limit,
    /// Anything else.
    Failed,
}

impl<'a> Headers<'a> {
    /// `raw` is the request of a hook that runs at least for `'a`.
    pub(crate) fn new(table: &'a HostTable, raw: *mut abi::Request) -> Self {
        Self { table, raw }
    }

    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.nth(name, 0)
    }

    /// The first value of a header, where it is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// All values of a header.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        (0..).map_while(|index| self.nth(name, index))
    }

    /// Every field, in no special order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        (0..).map_while(|index| {
            let (mut name, mut value) = (Str::NONE, Str::NONE);
            // SAFETY: the hook runs, and both places can be written.
            let code = unsafe { self.table.header_at?(self.raw, index, &mut name, &mut value) };
            if code != abi::OK {
                return None;
            }
            // SAFETY: what the host gives is valid until the hook returns.
            let (name, value) = unsafe { (name.bytes()?, value.bytes()?) };
            Some((std::str::from_utf8(name).ok()?, value))
        })
    }

    /// Sets a header to this one value.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Refused> {
        let (name, value) = (Str::new(name.as_bytes()), Str::new(value.as_ref()));
        let Some(set) = self.table.header_set else { return Err(Refused::Failed) };
        // SAFETY: the hook runs, and both texts are borrowed for the call.
        Refused::check(unsafe { set(self.raw, name, value) })
    }

    /// Adds a value to those that the header has.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Refused> {
        let (name, value) = (Str::new(name.as_bytes()), Str::new(value.as_ref()));
        let Some(append) = self.table.header_append else { return Err(Refused::Failed) };
        // SAFETY: the hook runs, and both texts are borrowed for the call.
        Refused::check(unsafe { append(self.raw, name, value) })
    }

    /// Removes all values of a header; says whether there was one.
    pub fn remove(&mut self, name: &str) -> Result<bool, Refused> {
        let Some(remove) = self.table.header_remove else { return Err(Refused::Failed) };
        // SAFETY: the hook runs, and the name is borrowed for the call.
        match unsafe { remove(self.raw, Str::new(name.as_bytes())) } {
            abi::NONE => Ok(false),
            code => Refused::check(code).map(|()| true),
        }
    }

    fn nth(&self, name: &str, index: usize) -> Option<&'a [u8]> {
        let mut value = Str::NONE;
        let name = Str::new(name.as_bytes());
        // SAFETY: the hook runs, the name is borrowed for the call, and the place can be written.
        let code = unsafe { self.table.header_get?(self.raw, name, index, &mut value) };
        // SAFETY: what the host gives is valid until the hook returns.
        if code == abi::OK { unsafe { value.bytes() } } else { None }
    }
}

impl Refused {
    pub(crate) fn check(code: i32) -> Result<(), Self> {
        match code {
            abi::OK => Ok(()),
            abi::INVALID => Err(Self::Invalid),
            abi::NOT_NOW => Err(Self::NotNow),
            abi::DENIED => Err(Self::Denied),
            abi::LIMIT => Err(Self::Limit),
            _ => Err(Self::Failed),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "not allowed by HTTP",
            Self::NotNow => "not possible in this hook",
            Self::Denied => "a header that only the host sets",
            Self::Limit => "more than there is room for",
            Self::Failed => "the host could not do it",
        })
    }
}

impl std::error::Error for Refused {}
