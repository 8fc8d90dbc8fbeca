//! How much memory guests may have: each one, and all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::ResourceLimiter;

/// The memory that all guests share.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    cap: u64,
    used: AtomicU64,
}

impl MemoryBudget {
    pub(crate) fn new(cap: u64) -> Arc<Self> {
        Arc::new(Self { cap, used: AtomicU64::new(0) })
    }

    /// Whether nothing is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.cap
    }

    fn take(&self, bytes: u64) -> bool {
        let fits = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= self.cap;
        if !fits {
            self.give(bytes);
        }
        fits
    }

    fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Limits one store. What it took of the budget goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Limiter {
    budget: Arc<MemoryBudget>,
    limit: u64,
    used: u64,
    refused: bool,
}

impl Limiter {
    pub(crate) fn new(budget: Arc<MemoryBudget>, limit: u64) -> Self {
        Self { budget, limit, used: 0, refused: false }
    }

    /// Bytes of linear memory that the store has.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Whether the guest was refused memory that it asked for.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        let fits = self.used.saturating_add(more) <= self.limit && self.budget.take(more);
        if fits {
            self.used += more;
        } else {
            self.refused = true;
        }
        Ok(fits)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true) // The pool's slots bound it.
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.budget.give(self.used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_stays_within_its_own_and_the_common_limit() {
        let budget = MemoryBudget::new(100);
        let mut one = Limiter::new(budget.clone(), 80);
        assert!(one.memory_growing(0, 60, None).unwrap());
        assert!(!one.memory_growing(60, 90, None).unwrap(), "own limit");
        assert!(one.has_refused());
        let mut two = Limiter::new(budget.clone(), 80);
        assert!(!two.memory_growing(0, 50, None).unwrap(), "common limit");
        drop(one);
        assert!(two.memory_growing(0, 50, None).unwrap(), "given back");
        drop(two);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
