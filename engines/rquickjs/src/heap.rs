//! The memory of one runtime, which can be taken back to how it was.
#![allow(unsafe_code, reason = "QuickJS takes its memory through C, and it is copied as a whole")]

use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rquickjs::allocator::Allocator;

/// All blocks that a runtime has from the system. A clone is the same.
///
/// A fresh world costs more than most scripts: its intrinsics are a thousand objects, and its prelude is read
/// from bytecode. So it is made once and copied, down to the last bit, as [`keep`](Self::keep) finds it;
/// [`restore`](Self::restore) writes that back. What ran in between has left nothing.
///
/// How much memory there may be is counted here. QuickJS counts as well, but only what is in use of the blocks that
/// it has taken, and a script can bring about that this is a small part of them.
#[derive(Clone)]
pub(crate) struct Heap(Arc<Mutex<Blocks>>);

struct Blocks {
    /// Bytes of all blocks, and how many there may be.
    used: usize,
    limit: usize,
    /// Those of the moment that is kept. They stay, whether they are in use or not.
    base: Vec<NonNull<Block>>,
    /// What stood in them, one after the other.
    image: Vec<MaybeUninit<u8>>,
    /// All others.
    live: Vec<NonNull<Block>>,
}

// SAFETY: nothing else knows the blocks, but the runtime, which belongs to one thread at a time.
unsafe impl Send for Blocks {}

/// What stands before the bytes of a block: two words, so that these are aligned as `malloc` does it.
#[repr(C)]
struct Block {
    size: usize,
    /// The place in `live`, or `BASE`.
    index: usize,
}

const BASE: usize = usize::MAX;

impl Heap {
    /// One that may have so many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        let (base, image, live) = (Vec::new(), Vec::new(), Vec::new());
        Self(Arc::new(Mutex::new(Blocks { used: 0, limit, base, image, live })))
    }

    /// Remembers all of it as it is.
    pub(crate) fn keep(&self) {
        let mut blocks = self.blocks();
        let Blocks { base, image, live, .. } = &mut *blocks;
        for mut block in live.drain(..) {
            // SAFETY: the block is in use and has so many bytes, not all of which have been written; no
            // JavaScript runs.
            unsafe {
                block.as_mut().index = BASE;
                image.extend_from_slice(std::slice::from_raw_parts(
                    bytes(block).cast::<MaybeUninit<u8>>(),
                    size(block),
                ));
            }
            base.push(block);
        }
        image.shrink_to_fit();
        live.shrink_to_fit();
    }

    /// Makes it what it was when it was kept. Nothing that was made since may be in anybody's hands.
    pub(crate) fn restore(&self) {
        let mut blocks = self.blocks();
        for block in blocks.live.drain(..) {
            // SAFETY: nobody has it: those who could know it are overwritten now.
            unsafe { libc::free(block.as_ptr().cast()) };
        }
        blocks.used = blocks.image.len();
        let mut from = blocks.image.as_ptr().cast::<u8>();
        for &block in &blocks.base {
            // SAFETY: the image has as many bytes as all blocks of the base together.
            unsafe {
                ptr::copy_nonoverlapping(from, bytes(block), size(block));
                from = from.add(size(block));
            }
        }
    }

    /// A block of so many bytes, which the system gives with its head.
    fn get(&self, size: usize, system: impl FnOnce(usize) -> *mut libc::c_void) -> *mut u8 {
        let mut blocks = self.blocks();
        match whole(size).filter(|_| blocks.count(size)) {
            Some(whole) => blocks.take(system(whole), size),
            None => ptr::null_mut(),
        }
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    /// Whether there may be so many bytes more, which are counted then.
    fn count(&mut self, size: usize) -> bool {
        let used = self.used.checked_add(size).filter(|used| *used <= self.limit);
        self.used = used.unwrap_or(self.used);
        used.is_some()
    }

    /// Takes a block that the system gave, whose bytes are counted.
    fn take(&mut self, block: *mut libc::c_void, size: usize) -> *mut u8 {
        let Some(block) = NonNull::new(block.cast::<Block>()) else {
            self.used -= size;
            return ptr::null_mut();
        };
        // SAFETY: it has room for its own head, and nobody else has it.
        unsafe { block.write(Block { size, index: self.live.len() }) };
        self.live.push(block);
        bytes(block)
    }

    /// Takes a block off that is not of the base.
    fn remove(&mut self, index: usize, size: usize) {
        self.used -= size;
        self.live.swap_remove(index);
        if let Some(moved) = self.live.get_mut(index) {
            // SAFETY: all blocks of the list are in use.
            unsafe { moved.as_mut().index = index };
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for block in self.live.drain(..).chain(self.base.drain(..)) {
            // SAFETY: the runtime is gone.
            unsafe { libc::free(block.as_ptr().cast()) };
        }
    }
}

// SAFETY: blocks are as large and as aligned as is asked, and stay where they are until they are freed.
unsafe impl Allocator for Heap {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        // SAFETY: the size is not 0.
        self.get(size, |whole| unsafe { libc::malloc(whole) })
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(size) = count.checked_mul(size) else { return ptr::null_mut() };
        // SAFETY: the size is not 0.
        self.get(size, |whole| unsafe { libc::calloc(1, whole) })
    }

    unsafe fn dealloc(&mut self, bytes: *mut u8) {
        let Some(block) = block(bytes) else { return };
        // SAFETY: the caller has it from here.
        let Block { size, index } = unsafe { block.read() };
        if index != BASE {
            self.blocks().remove(index, size);
            // SAFETY: as above.
            unsafe { libc::free(block.as_ptr().cast()) };
        }
    }

    unsafe fn realloc(&mut self, given: *mut u8, new_size: usize) -> *mut u8 {
        let Some(block) = block(given) else { return self.alloc(new_size) };
        // SAFETY: the caller has it from here.
        let Block { size, index } = unsafe { block.read() };
        if index == BASE {
            let new = self.alloc(new_size);
            if !new.is_null() {
                // SAFETY: both are at least as long.
                unsafe { ptr::copy_nonoverlapping(given, new, size.min(new_size)) };
            }
            return new;
        }
        let mut blocks = self.blocks();
        let more = new_size.saturating_sub(size);
        let Some(whole) = whole(new_size).filter(|_| blocks.count(more)) else {
            return ptr::null_mut();
        };
        // SAFETY: as above.
        let moved = unsafe { libc::realloc(block.as_ptr().cast(), whole) };
        let Some(mut moved) = NonNull::new(moved.cast::<Block>()) else {
            blocks.used -= more;
            return ptr::null_mut();
        };
        blocks.used -= size.saturating_sub(new_size);
        // SAFETY: the head came with it.
        unsafe { moved.as_mut().size = new_size };
        blocks.live[index] = moved;
        bytes(moved)
    }

    unsafe fn usable_size(bytes: *mut u8) -> usize {
        // SAFETY: the caller has it from here.
        block(bytes).map_or(0, |block| unsafe { size(block) })
    }
}

/// How much a block of so many bytes takes with its head.
fn whole(size: usize) -> Option<usize> {
    size.checked_add(size_of::<Block>())
}

fn bytes(block: NonNull<Block>) -> *mut u8 {
    block.as_ptr().wrapping_add(1).cast()
}

fn block(bytes: *mut u8) -> Option<NonNull<Block>> {
    let is_some = !bytes.is_null();
    is_some.then(|| NonNull::new(bytes.cast::<Block>().wrapping_sub(1))).flatten()
}

unsafe fn size(block: NonNull<Block>) -> usize {
    // SAFETY: the caller says that it is in use.
    unsafe { block.as_ref().size }
}

#[cfg(test)]
mod tests {
    use rquickjs::{Context, Runtime};

    use super::*;

    #[test]
    fn what_was_kept_comes_back_to_the_last_bit() {
        let heap = Heap::new(usize::MAX);
        let runtime = Runtime::new_with_alloc(heap.clone()).unwrap();
        let context = Context::full(&runtime).unwrap();
        let eval = |source: &str| context.with(|ctx| ctx.eval::<i32, _>(source)).unwrap();
        assert_eq!(eval("globalThis.list = Array.from({ length: 1000 }, (_, i) => `${i}`); 1"), 1);
        heap.keep();
        for _ in 0..10 {
            // Blocks of the base grow, are freed, and others come.
            assert_eq!(eval("list.push('a'.repeat(1 << 20)); list.length"), 1001);
            assert_eq!(eval("list = null; globalThis.other = new Uint8Array(1 << 20); 2"), 2);
            assert_eq!(eval("+('other' in globalThis)"), 1);
            heap.restore();
            assert_eq!(eval("list.length"), 1000);
            assert_eq!(eval("+('other' in globalThis)"), 0);
            assert_eq!(eval("+list.at(-1)"), 999);
            assert!(heap.blocks().live.len() < 100, "blocks of the run before are given back");
            heap.restore();
        }
        runtime.run_gc();
    }

    #[test]
    fn the_limit_holds() {
        let heap = Heap::new(4 << 20);
        let runtime = Runtime::new_with_alloc(heap.clone()).unwrap();
        let context = Context::full(&runtime).unwrap();
        heap.keep();
        let fill = "const all = []; for (;;) all.push('a'.repeat(1000) + all.length)";
        // Little is left in each of the blocks that QuickJS has taken.
        let thin = "const few = []; for (let n = 7; n < 480; n += 8) {
            const all = [];
            try { for (;;) all.push('x'.repeat(n) + all.length); } catch {}
            const per = Math.floor(4056 / ((n + 40) & ~7));
            for (let at = 0; at < all.length; at += per) few.push(all[at]);
        }
        throw few.length";
        for (script, least) in [(fill, 2 << 20), (thin, 0)].repeat(5) {
            assert!(context.with(|ctx| ctx.eval::<(), _>(script)).is_err());
            // SAFETY: the blocks of the list are in use.
            let bytes: usize = heap.blocks().live.iter().map(|block| unsafe { size(*block) }).sum();
            assert!((least..4 << 20).contains(&bytes), "{bytes}");
            heap.restore();
        }
    }
}
