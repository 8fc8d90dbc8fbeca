//! How much memory guests may have: each one, and all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mik_core::InstanceLimits;
use wasmtime::ResourceLimiter;

use crate::numbers::ModuleNumbers;

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

    fn take(&self, bytes: u64) -> bool {
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.cap);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What memory was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// The instance has as much as it may.
    Own,
    /// All guests together have.
    Common,
}

/// Limits one store. What it took of the budget goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Limiter {
    budget: Arc<MemoryBudget>,
    limit: u64,
    used: u64,
    /// What was granted last: wasmtime may find afterwards that it cannot be had.
    granted: u64,
    refused: Option<Bound>,
    numbers: Option<Arc<ModuleNumbers>>,
}

impl Limiter {
    pub(crate) fn new(
        budget: Arc<MemoryBudget>,
        limits: &InstanceLimits,
        numbers: Option<Arc<ModuleNumbers>>,
    ) -> Self {
        let limit = limits.memory.get();
        Self { budget, limit, used: 0, granted: 0, refused: None, numbers }
    }

    /// Bytes of linear memory that the store has.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Starts a call: what an earlier one was refused does not count any more.
    pub(crate) fn begin(&mut self) {
        self.refused = None;
    }

    /// Whether the guest was refused memory that it asked for.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Whether that was because all guests together have as much as they may.
    pub(crate) fn is_for_want_of_common(&self) -> bool {
        self.refused == Some(Bound::Common)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.granted = 0;
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false); // The guest's own limit.
        }
        let more = desired.saturating_sub(current) as u64;
        if self.used.saturating_add(more) > self.limit {
            self.refused = Some(Bound::Own);
            return Ok(false);
        }
        if !self.budget.take(more) {
            self.refused = Some(Bound::Common);
            return Ok(false);
        }
        self.used += more;
        self.granted = more;
        if let Some(numbers) = &self.numbers {
            numbers.has_memory(self.used);
        }
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        let granted = std::mem::take(&mut self.granted);
        self.used -= granted;
        self.budget.give(granted);
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
    use mik_core::units::ByteSize;

    fn limiter(budget: &Arc<MemoryBudget>, bytes: u64) -> Limiter {
        let memory = ByteSize::bytes(bytes);
        Limiter::new(budget.clone(), &InstanceLimits { memory, ..InstanceLimits::default() }, None)
    }

    #[test]
    fn a_growth_that_fails_costs_nothing() {
        let budget = MemoryBudget::new(100);
        let mut one = limiter(&budget, 80);
        assert!(!one.memory_growing(0, 60, Some(50)).unwrap());
        assert!(!one.has_refused(), "it is the guest's own maximum");
        assert!(one.memory_growing(0, 60, None).unwrap());
        one.memory_grow_failed(wasmtime::Error::msg("no pages")).unwrap();
        assert_eq!((one.used(), budget.used.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn a_guest_stays_within_its_own_and_the_common_limit() {
        let budget = MemoryBudget::new(100);
        let mut one = limiter(&budget, 80);
        assert!(one.memory_growing(0, 60, None).unwrap());
        assert!(!one.memory_growing(60, 90, None).unwrap(), "own limit");
        assert!(one.has_refused());
        let mut two = limiter(&budget, 80);
        assert!(!one.is_for_want_of_common());
        assert!(!two.memory_growing(0, 50, None).unwrap(), "common limit");
        assert!(two.is_for_want_of_common());
        drop(one);
        assert!(two.memory_growing(0, 50, None).unwrap(), "given back");
        drop(two);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
