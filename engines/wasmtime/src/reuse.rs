//! Instances that wait for their next call, for modules that ask for `reuse`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::guest::Instance;

/// The waiting instances of all modules of an engine.
#[derive(Default)]
pub(crate) struct IdleInstances {
    /// Instances that may wait, over all modules.
    capacity: usize,
    waiting: AtomicUsize,
    shelves: Mutex<Vec<std::sync::Weak<Shelf>>>,
}

/// The waiting instances of one module, the last one that was used on top.
pub(crate) struct Shelf {
    all: Arc<IdleInstances>,
    patience: Duration,
    instances: Mutex<Vec<(Instant, Instance)>>,
}

impl IdleInstances {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity, ..Self::default() })
    }

    /// A place for one module's instances, each of which waits for `patience` at most.
    pub(crate) fn shelf(self: &Arc<Self>, patience: Duration) -> Arc<Shelf> {
        let shelf = Arc::new(Shelf { all: self.clone(), patience, instances: Mutex::default() });
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.retain(|shelf| shelf.strong_count() > 0);
        shelves.push(Arc::downgrade(&shelf));
        shelf
    }

    /// Drops what has waited too long.
    pub(crate) fn sweep(&self) {
        self.drop_where(|since, patience| since.elapsed() >= patience);
    }

    /// Drops everything that waits, for the memory that it holds.
    pub(crate) fn clear(&self) {
        self.drop_where(|_, _| true);
    }

    fn drop_where(&self, goes: impl Fn(&Instant, Duration) -> bool) {
        let shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for shelf in shelves.iter().filter_map(std::sync::Weak::upgrade) {
            let stale = {
                let mut instances = shelf.lock();
                // The oldest lie at the bottom.
                let fresh = instances.iter().position(|(since, _)| !goes(since, shelf.patience));
                let count = fresh.unwrap_or(instances.len());
                instances.drain(..count).collect::<Vec<_>>()
            };
            self.waiting.fetch_sub(stale.len(), Ordering::Relaxed);
            drop(stale);
        }
    }
}

impl Shelf {
    pub(crate) fn take(&self) -> Option<Instance> {
        let (since, instance) = self.lock().pop()?;
        self.all.waiting.fetch_sub(1, Ordering::Relaxed);
        (since.elapsed() < self.patience).then_some(instance)
    }

    /// Puts an instance back, or gives it to the caller where there is no room.
    pub(crate) fn put(&self, instance: Instance) -> Result<(), Instance> {
        if self.all.waiting.fetch_add(1, Ordering::Relaxed) >= self.all.capacity {
            self.all.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(instance);
        }
        self.lock().push((Instant::now(), instance));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, Instance)>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let left = self.instances.get_mut().map_or(0, |instances| instances.len());
        self.all.waiting.fetch_sub(left, Ordering::Relaxed);
    }
}
