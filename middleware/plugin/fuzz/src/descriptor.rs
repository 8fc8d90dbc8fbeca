//! The table of a plugin, as a host reads it: what is wrong is told, what is right is copied byte for byte, and
//! nothing past what the table says is looked at.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};

use mik_plugin::abi::{Descriptor, Misfit, PluginTable};

/// `mik_plugin` of version 1.0 on a machine of 64 bits, as the header file has it.
const SIZE: usize = 96;
const NAME: usize = 8;
const REQUEST_HEAD: usize = 56;
const RESPONSE_HEAD: usize = 64;

/// More of a table is not made here, whatever it says of its size.
const MOST: usize = 4_096;

/// The first bytes are the head of a table, and the rest of it as far as it says that it goes; what follows is
/// what its name leads to. Where its name should lead is not taken from the bytes, nor a length that is not
/// there: no host could tell such a pointer from a good one.
pub(super) fn check(input: &[u8]) {
    if cfg!(not(all(target_pointer_width = "64", target_endian = "little"))) {
        return;
    }
    let Some((head, _)) = input.split_at_checked(8) else {
        // SAFETY: NULL is allowed.
        let read = unsafe { Descriptor::read(std::ptr::null()) };
        return assert_eq!(read.unwrap_err(), (Misfit::Null, None));
    };
    let size = u32::from_le_bytes(head[..4].try_into().unwrap());
    let major = u16::from_le_bytes(head[4..6].try_into().unwrap());
    let minor = u16::from_le_bytes(head[6..].try_into().unwrap());
    // Of another major version only the head is there.
    let length = if major == 1 { (size as usize).clamp(8, MOST) } else { 8 };
    let (given, name) = input.split_at(length.min(input.len()));
    let mut table = given.to_vec();
    table.resize(length, 0);
    if length >= NAME + 16 && number(&table, NAME) != 0 {
        let said = number(&table, NAME + 8);
        let length = if said > i64::MAX as u64 { said } else { said.min(name.len() as u64) };
        table[NAME..NAME + 8].copy_from_slice(&(name.as_ptr() as u64).to_le_bytes());
        table[NAME + 8..NAME + 16].copy_from_slice(&length.to_le_bytes());
    }
    let place = Place::of(&table);
    // SAFETY: so much is there as it says, or more than is known of any table; the name lives as the input does.
    let read = unsafe { Descriptor::read(place.0.cast()) };
    match (expected(&table, size, major, name), read) {
        (Err(expected), read) => assert_eq!(read.unwrap_err(), (expected, Some((major, minor)))),
        (Ok(name), read) => {
            let descriptor = read.unwrap();
            assert_eq!(descriptor.name.as_bytes(), name);
            assert_eq!(descriptor.version(), (major, minor));
            let known = table.len().min(size_of::<PluginTable>());
            // SAFETY: a table has no gaps between its fields.
            let bytes = unsafe { bytes_of(&descriptor.table) };
            assert_eq!(bytes[..known], table[..known]);
            assert!(bytes[known..].iter().all(|byte| *byte == 0), "what is not there is empty");
        }
    }
}

/// What the page about the ABI says of these bytes: the name, or what is wrong.
fn expected<'a>(table: &[u8], size: u32, major: u16, name: &'a [u8]) -> Result<&'a [u8], Misfit> {
    if major != 1 {
        return Err(Misfit::OtherMajor);
    }
    if (size as usize) < SIZE {
        return Err(Misfit::TooSmall(size));
    }
    let length = usize::try_from(number(table, NAME + 8)).unwrap();
    let name = match number(table, NAME) {
        0 => None,
        _ => name.get(..length),
    };
    let name = name.ok_or(Misfit::Name)?;
    let text = std::str::from_utf8(name).map_err(|_| Misfit::Name)?;
    let is_name = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= 64
        && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'));
    if !is_name {
        return Err(Misfit::Name);
    }
    if number(table, REQUEST_HEAD) == 0 && number(table, RESPONSE_HEAD) == 0 {
        return Err(Misfit::NoHooks);
    }
    Ok(name)
}

fn number(table: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(table[at..at + 8].try_into().unwrap())
}

/// # Safety
/// The value has no padding.
unsafe fn bytes_of<T>(value: &T) -> &[u8] {
    // SAFETY: by the contract of this function all its bytes are there.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// So many bytes, aligned as a table is, and not one more: what reads past them is seen by a sanitizer.
struct Place(*mut u8, Layout);

impl Place {
    fn of(bytes: &[u8]) -> Self {
        let layout = Layout::from_size_align(bytes.len(), align_of::<PluginTable>()).unwrap();
        // SAFETY: a table has at least a head, so this is not empty, and as long as the bytes.
        let place = unsafe {
            let place = alloc_zeroed(layout);
            assert!(!place.is_null());
            place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            place
        };
        Self(place, layout)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // SAFETY: it was made with this layout.
        unsafe { dealloc(self.0, self.1) };
    }
}
