//! What the generated bindings need at run time, and nothing more: the crate `wit-bindgen` has it otherwise.
//!
//! `cabi_realloc` is not here: on wasm32-wasip2 the C library of the target exports it.
#![allow(unsafe_code)]

use std::alloc::{alloc, dealloc, handle_alloc_error, Layout};
use std::ptr::{null_mut, NonNull};

/// Runs the static constructors before the first export runs. Calling them by hand keeps the linker from wrapping
/// every export, `cabi_realloc` included, into a call of its own.
#[cfg(target_arch = "wasm32")]
pub fn run_ctors_once() {
    use std::sync::atomic::{AtomicBool, Ordering};

    static RAN: AtomicBool = AtomicBool::new(false);
    if !RAN.swap(true, Ordering::Relaxed) {
        extern "C" {
            fn __wasm_call_ctors();
        }
        // SAFETY: the linker makes this function, without parameters or results.
        unsafe { __wasm_call_ctors() }
    }
}

/// Named by what wraps the component's type; the target links `cabi_realloc` without our doing.
pub fn maybe_link_cabi_realloc() {}

/// A piece of memory that holds the arguments of one call, and is freed after it.
pub struct Cleanup {
    start: NonNull<u8>,
    layout: Layout,
}

impl Cleanup {
    /// Memory for `layout`, and what frees it; nothing of size nought.
    pub fn new(layout: Layout) -> (*mut u8, Option<Self>) {
        if layout.size() == 0 {
            return (null_mut(), None);
        }
        // SAFETY: the size is not nought.
        match NonNull::new(unsafe { alloc(layout) }) {
            Some(start) => (start.as_ptr(), Some(Self { start, layout })),
            None => handle_alloc_error(layout),
        }
    }

    /// The memory goes over to somebody else.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        // SAFETY: `new` allocated it with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// What may stand behind an exported resource.
pub trait Resource: Sized + 'static {
    /// How it lies in memory.
    type Rep: ResourceRep<Self>;
}

impl<T: 'static> Resource for T {
    type Rep = Option<T>;
}

/// How a resource of type `T` lies in memory.
///
/// # Safety
///
/// `rep_as_ref` and `rep_as_mut` give what `rep_new` took, until `rep_take` has given it away.
#[allow(clippy::missing_safety_doc, reason = "the generated bindings are the only callers")]
pub unsafe trait ResourceRep<T> {
    /// Holds `inner`.
    fn rep_new(inner: T) -> Self;
    /// The inner value, borrowed.
    unsafe fn rep_as_ref<'a>(this: *const Self) -> &'a T;
    /// The inner value, borrowed for changing it.
    unsafe fn rep_as_mut<'a>(this: *mut Self) -> &'a mut T;
    /// The inner value, once and for all.
    unsafe fn rep_take(this: *mut Self) -> T;
}

// SAFETY: it is `Some` from `rep_new` to `rep_take`.
unsafe impl<T> ResourceRep<T> for Option<T> {
    fn rep_new(inner: T) -> Self {
        Some(inner)
    }

    unsafe fn rep_as_ref<'a>(this: *const Self) -> &'a T {
        // SAFETY: the caller says so.
        present(unsafe { (*this).as_ref() })
    }

    unsafe fn rep_as_mut<'a>(this: *mut Self) -> &'a mut T {
        // SAFETY: the caller says so.
        present(unsafe { (*this).as_mut() })
    }

    unsafe fn rep_take(this: *mut Self) -> T {
        // SAFETY: the caller says so.
        present(unsafe { (*this).take() })
    }
}

fn present<T>(value: Option<T>) -> T {
    value.unwrap_or_else(|| unreachable!("a resource is used after it was taken"))
}

/// Handles of body sources, for tests that run without a host.
#[cfg(not(target_arch = "wasm32"))]
pub mod native {
    use std::cell::RefCell;

    use crate::response::Source;

    thread_local! {
        static HANDLES: RefCell<Vec<*mut Option<Source>>> = const { RefCell::new(Vec::new()) };
    }

    /// A handle for a source that lies at `rep`.
    pub fn resource_new(rep: *mut u8) -> i32 {
        HANDLES.with_borrow_mut(|handles| {
            handles.push(rep.cast());
            i32::try_from(handles.len()).unwrap_or(i32::MAX)
        })
    }

    /// Where the source of a handle lies.
    pub fn resource_rep(handle: i32) -> *mut u8 {
        let index = usize::try_from(handle).ok().and_then(|number| number.checked_sub(1));
        HANDLES.with_borrow(|handles| match index.and_then(|index| handles.get(index)) {
            Some(rep) => rep.cast(),
            None => std::ptr::null_mut(),
        })
    }

    /// Gives the source back. Its handle is not used again.
    pub fn resource_drop(handle: i32) {
        let rep = resource_rep(handle);
        if !rep.is_null() {
            // SAFETY: the bindings made it of a box, and give each handle back once.
            drop(unsafe { Box::from_raw(rep.cast::<Option<Source>>()) });
        }
    }
}
