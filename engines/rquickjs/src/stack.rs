//! How deep the calls of a script may go.
#![allow(
    unsafe_code,
    reason = "the safe interface sets the limit only from outside of the runtime"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rquickjs::{Ctx, qjs};

/// What is left to a script that stands at its limit already, in bytes: 0 would mean no limit.
const LEAST: usize = 4 << 10;

/// The stack of one world. A clone is the same.
///
/// QuickJS counts from where it was entered last. That is so also where one of our own functions, called by a
/// script, enters it again: the script would have the whole of its stack once more each time, until the thread has
/// none, which ends the process.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    size: usize,
    /// Where it began.
    top: Arc<AtomicUsize>,
}

impl Stack {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, top: Arc::default() }
    }

    /// The runtime is entered from outside: the stack begins here.
    pub(crate) fn enter(&self, ctx: &Ctx<'_>) {
        self.top.store(here(), Ordering::Relaxed);
        set(ctx, self.size);
    }

    /// One of our functions has entered it again, and returns to the script.
    pub(crate) fn resume(&self, ctx: &Ctx<'_>) {
        let used = self.top.load(Ordering::Relaxed).abs_diff(here());
        set(ctx, self.size.saturating_sub(used).max(LEAST));
    }
}

/// So much from here on.
fn set(ctx: &Ctx<'_>, size: usize) {
    // SAFETY: whoever has a context has the lock of its runtime.
    unsafe {
        let runtime = qjs::JS_GetRuntime(ctx.as_raw().as_ptr());
        qjs::JS_UpdateStackTop(runtime);
        qjs::JS_SetMaxStackSize(runtime, size as qjs::size_t);
    }
}

#[inline(never)]
fn here() -> usize {
    let mark = 0_u8;
    std::hint::black_box(&raw const mark) as usize
}
