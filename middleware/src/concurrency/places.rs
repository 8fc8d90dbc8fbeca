//! The places of one module, and the queue before them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// How many calls may be in flight, and how many may wait for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) places: usize,
    pub(super) queue: usize,
    pub(super) wait: Duration,
}

/// The places of one module. Who waits gets one in the order of coming.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    limit: Limit,
}

/// A place; it is free again when this is dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Places {
    pub(super) fn new(limit: Limit) -> Self {
        let free = Arc::new(Semaphore::new(limit.places.min(Semaphore::MAX_PERMITS)));
        Self { free, waiting: AtomicUsize::new(0), limit }
    }

    /// A place, if there is one and nobody waits for it.
    pub(super) fn take(&self) -> Option<Place> {
        self.free.clone().try_acquire_owned().ok()
    }

    /// Waits for a place in the queue, until `deadline` at most; `None` where the queue is full, or
    /// where none came free in time.
    pub(super) async fn wait(&self, deadline: Instant) -> Option<Place> {
        let _waiting = Waiting::join(self)?;
        let patience = deadline.min(Instant::now() + self.limit.wait);
        timeout_at(patience, self.free.clone().acquire_owned()).await.ok()?.ok()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether anybody may wait at all.
    pub(super) fn has_queue(&self) -> bool {
        self.limit.queue > 0
    }
}

/// One that waits. It leaves the queue when this is dropped: with a place, too late, or given up.
struct Waiting<'a>(&'a Places);

impl<'a> Waiting<'a> {
    /// Joins the queue, unless it is full.
    fn join(places: &'a Places) -> Option<Self> {
        let waiting = Self(places);
        (places.waiting.fetch_add(1, Ordering::Relaxed) < places.limit.queue).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
