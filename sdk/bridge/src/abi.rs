//! The canonical ABI, as far as the bridge meets it: a handle is a number, a list is a pointer and a length, and
//! a result that is no single number is written to where the last argument points. An `enum` that is
//! `repr(C, u8)` has the layout of a variant.

use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// A list. It lives until the memory is cleared; nothing frees it.
#[repr(C)]
pub struct List<T> {
    start: *const T,
    len: usize,
    items: PhantomData<T>,
}

/// `result<T, E>`, where it lies in memory.
#[repr(C, u8)]
#[allow(dead_code, reason = "the other side makes it")]
pub enum Outcome<T, E> {
    Ok(T),
    Err(E),
}

/// `option<T>`, where it lies in memory.
#[repr(C, u8)]
#[allow(dead_code, reason = "the other side makes it")]
pub enum Maybe<T> {
    None,
    Some(T),
}

/// Calls an import that writes its result to a place that it is given.
pub fn result_of<T>(import: impl FnOnce(*mut T)) -> T {
    let mut place = MaybeUninit::uninit();
    import(place.as_mut_ptr());
    // SAFETY: the import has written a `T`, whose layout is that of the type in the interface.
    unsafe { place.assume_init() }
}

impl<T> List<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn start(&self) -> *const T {
        self.start
    }

    pub fn items(&self) -> &[T] {
        // SAFETY: it came from a slice, or was lowered into this memory, where nothing overwrites it.
        // An empty list may point anywhere.
        match self.len {
            0 => &[],
            _ => unsafe { core::slice::from_raw_parts(self.start, self.len) },
        }
    }
}

impl<T> From<&[T]> for List<T> {
    fn from(items: &[T]) -> Self {
        Self { start: items.as_ptr(), len: items.len(), items: PhantomData }
    }
}

impl<T, E> Outcome<T, E> {
    pub fn into_result(self) -> Result<T, E> {
        match self {
            Self::Ok(value) => Ok(value),
            Self::Err(error) => Err(error),
        }
    }
}

impl<T> Outcome<T, ()> {
    /// What cannot be missing.
    pub fn or_trap(self) -> T {
        match self {
            Self::Ok(value) => value,
            Self::Err(()) => core::arch::wasm32::unreachable(),
        }
    }
}

/// A handle whose resource is dropped with it.
macro_rules! resource {
    ($(#[$doc:meta])* $name:ident, $module:literal, $drop:literal) => {
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $name(u32);

        impl Drop for $name {
            fn drop(&mut self) {
                #[link(wasm_import_module = $module)]
                extern "C" {
                    #[link_name = $drop]
                    fn drop(handle: u32);
                }
                // SAFETY: the handle is owned, and this is the last that is heard of it.
                unsafe { drop(self.0) }
            }
        }
    };
}
pub(crate) use resource;
