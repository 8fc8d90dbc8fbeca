//! The memory behind the data: what is lowered into it, one after the other, until all of it is cleared. The
//! allocator is the module `$memory` of `component.wat`.

use core::ptr::null_mut;

#[link(wasm_import_module = "env")]
extern "C" {
    fn reset(start: *const u8);
    fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8;
}

extern "C" {
    #[link_name = "__heap_base"]
    static HEAP: u8;
}

/// Forgets all that was allocated.
pub fn clear() {
    // SAFETY: nothing of the stack or the data lies at or behind the address, which alone counts.
    unsafe { reset(&raw const HEAP) }
}

/// Room for `count` items. There is some, or the call traps.
pub fn allocate<T>(count: usize) -> *mut T {
    // SAFETY: nothing is given back.
    unsafe { cabi_realloc(null_mut(), 0, align_of::<T>(), count * size_of::<T>()) }.cast()
}
