//! Coding is work on the task of a connection, which shares its thread with others.

use std::task::Context;

/// Bytes that are coded before other tasks have their turn: a millisecond or two.
const BYTES: usize = 64 << 10;

/// How much was coded since others last had their turn.
#[derive(Debug, Default)]
pub(super) struct Turn(usize);

impl Turn {
    pub(super) fn spend(&mut self, bytes: usize) {
        self.0 += bytes;
    }

    /// Whether it is over: then [`Turn::pass`] and return `Pending`.
    pub(super) fn is_over(&self) -> bool {
        self.0 >= BYTES
    }

    /// The task waits by itself.
    pub(super) fn rest(&mut self) {
        self.0 = 0;
    }

    /// Comes back when the others had theirs.
    pub(super) fn pass(&mut self, cx: &Context<'_>) {
        self.0 = 0;
        cx.waker().wake_by_ref();
    }
}
