//! Threads on which scripts run, watched by one more.
//!
//! A script may keep its thread busy for as long as it likes: the operating system sees to it that others
//! get their share. Threads are added while all are busy and somebody waits. A thread that has not come
//! back some time after the work's deadline is *lost*: it is replaced, and if it ever returns it ends. As
//! long as [`LOST`] are lost, nothing new begins.

mod watch;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

pub use watch::Watch;
pub use worker::logging_as_here;
use worker::{Worker, supervise, work};

/// Threads that may be lost before nothing new begins.
pub(crate) const LOST: usize = 4;
/// How long after its deadline a thread counts as lost.
const GRACE: Duration = Duration::from_secs(1);
/// How often the threads are looked at while there is work.
const TICK: Duration = Duration::from_millis(10);
/// How long a thread more than the usual number stays without work.
const IDLE: Duration = Duration::from_secs(10);

/// How many threads there are, and how much work may wait.
#[derive(Debug, Clone)]
pub(crate) struct ThreadLimits {
    /// Threads that stay. At least 1.
    pub(crate) usual: usize,
    /// Threads that there may be at once, lost ones not counted. At least `usual`.
    pub(crate) most: usize,
    /// Pieces of work that may wait.
    pub(crate) queue: usize,
    /// How long after its deadline a thread counts as lost. Default 1 s.
    pub(crate) grace: Duration,
}

impl Default for ThreadLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { usual: cores.max(2), most: cores.max(2) * 32, queue: 1_000, grace: GRACE }
    }
}

/// Why work was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As much as may wait does.
    #[error("too many scripts wait for a thread")]
    Full,
    /// Too many threads are lost.
    #[error("too many threads are held by scripts that do not return")]
    Stuck,
}

/// Threads that run what they are given. All clones are the same threads; they end with the last one.
#[derive(Clone)]
pub(crate) struct Threads(Arc<Shared>);

struct Shared {
    crew: Arc<Crew>,
    work: Sender<Work>,
}

/// What the threads have in common. It does not hold the sending end: with that, they end.
struct Crew {
    limits: ThreadLimits,
    work: Receiver<Work>,
    workers: Mutex<Vec<Arc<Worker>>>,
    /// Threads that wait for work.
    idle: AtomicUsize,
    /// Pieces of work that were begun.
    begun: AtomicUsize,
    lost: AtomicUsize,
    supervisor: std::sync::OnceLock<std::thread::Thread>,
}

struct Work {
    watch: Arc<Watch>,
    run: Box<dyn FnOnce() + Send>,
}

impl Threads {
    /// Starts no thread yet.
    pub(crate) fn new(limits: ThreadLimits) -> Self {
        // The workers take from the queue at once, so that one of length 0 would refuse while they are free.
        let (work, waiting) = bounded(limits.queue.max(1));
        let crew = Crew {
            limits,
            work: waiting,
            workers: Mutex::default(),
            idle: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            supervisor: std::sync::OnceLock::new(),
        };
        Self(Arc::new(Shared { crew: Arc::new(crew), work }))
    }

    /// Has `run` done by one of the threads, soon. `watch` says until when it may take; `run` itself must
    /// look at it.
    ///
    /// # Errors
    /// When there is no room; `run` is dropped.
    pub(crate) fn submit(
        &self,
        watch: Arc<Watch>,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), Refused> {
        if self.lost() >= LOST {
            return Err(Refused::Stuck);
        }
        let work = Work { watch, run: Box::new(run) };
        match self.0.work.try_send(work) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                return Err(Refused::Full);
            }
        }
        self.0.crew.called();
        Ok(())
    }

    /// Threads that did not come back in time, and have not yet.
    pub(crate) fn lost(&self) -> usize {
        self.0.crew.lost.load(Ordering::Relaxed)
    }

    /// Threads that there are, lost ones not counted.
    pub(crate) fn count(&self) -> usize {
        self.0.crew.workers().len()
    }
}

impl Crew {
    fn workers(&self) -> MutexGuard<'_, Vec<Arc<Worker>>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is work: makes sure that somebody does it and somebody watches.
    fn called(self: &Arc<Self>) {
        if self.idle.load(Ordering::Acquire) == 0 {
            self.add(self.limits.usual);
        }
        let supervisor = self.supervisor.get_or_init(|| supervise(self));
        supervisor.unpark();
    }

    /// Starts one thread more, if there are fewer than `most`.
    fn add(self: &Arc<Self>, most: usize) {
        let mut workers = self.workers();
        if workers.len() >= most {
            return;
        }
        let worker = Arc::new(Worker::default());
        match work(self, &worker) {
            Ok(()) => workers.push(worker),
            Err(error) => tracing::error!("no thread for scripts: {error}"),
        }
    }
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Threads")
            .field("count", &self.count())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
