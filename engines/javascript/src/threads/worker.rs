//! One thread, and the one that watches them all.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, Thread};

use crossbeam_channel::RecvTimeoutError;
use tracing::Dispatch;
use tracing::dispatcher::{get_default, with_default};

use super::{Crew, IDLE, LOST, TICK, Watch, Work};

/// Stack of a thread: room for the deepest script and the native code below it.
const STACK: usize = 24 << 20;

/// One thread as the others see it.
#[derive(Default)]
pub(super) struct Worker {
    /// Until when its work may take, while it has any.
    watch: Mutex<Option<Arc<Watch>>>,
    /// It did not come back in time; another has its place.
    is_lost: AtomicBool,
}

/// Has what `run` logs on another thread go where it goes from this one: where a host has a log of its own, and not
/// one of the whole process, a thread does not come by it by itself.
pub fn logging_as_here<T>(run: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let log = get_default(Dispatch::clone);
    move || with_default(&log, run)
}

/// Starts a thread.
pub(super) fn work(crew: &Arc<Crew>, worker: &Arc<Worker>) -> io::Result<()> {
    let (crew, worker) = (crew.clone(), worker.clone());
    let thread = thread::Builder::new().name("mik-script".into()).stack_size(STACK);
    thread.spawn(logging_as_here(move || worker.run(&crew))).map(drop)
}

impl Worker {
    fn run(self: &Arc<Self>, crew: &Crew) {
        loop {
            crew.idle.fetch_add(1, Ordering::AcqRel);
            let work = crew.work.recv_timeout(IDLE);
            crew.idle.fetch_sub(1, Ordering::AcqRel);
            match work {
                Ok(work) => self.perform(work, crew),
                Err(RecvTimeoutError::Timeout) if !self.retire(crew) => {}
                Err(_) => return,
            }
            if self.is_lost.load(Ordering::Acquire) {
                crew.lost.fetch_sub(1, Ordering::AcqRel);
                tracing::warn!("a script's thread that was given up has returned");
                return;
            }
        }
    }

    fn perform(&self, work: Work, crew: &Crew) {
        crew.begun.fetch_add(1, Ordering::Relaxed);
        self.watch(Some(work.watch));
        // What panics in there has a receiver that notices.
        if catch_unwind(AssertUnwindSafe(work.run)).is_err() {
            tracing::error!("a script's thread panicked; it goes on");
        }
        self.watch(None);
    }

    fn watch(&self, watch: Option<Arc<Watch>>) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = watch;
    }

    /// Whether this thread may end, because there are more than usual.
    fn retire(self: &Arc<Self>, crew: &Crew) -> bool {
        let mut workers = crew.workers();
        let may = workers.len() > crew.limits.usual;
        if may {
            workers.retain(|other| !Arc::ptr_eq(other, self));
        }
        may
    }

    fn is_stuck(&self, crew: &Crew) -> bool {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.as_ref().is_some_and(|watch| watch.is_over_by(crew.limits.grace))
    }

    fn is_busy(&self) -> bool {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// Starts the thread that watches.
pub(super) fn supervise(crew: &Arc<Crew>) -> Thread {
    let weak = Arc::downgrade(crew);
    let thread = thread::Builder::new().name("mik-script-watch".into());
    match thread.spawn(logging_as_here(move || watch_all(&weak))) {
        Ok(handle) => handle.thread().clone(),
        Err(error) => {
            tracing::error!("nobody watches scripts: {error}");
            thread::current()
        }
    }
}

/// Looks after the threads until there are none to look after.
fn watch_all(crew: &Weak<Crew>) {
    let mut begun = 0;
    loop {
        let Some(crew) = crew.upgrade() else { return };
        let is_quiet =
            crew.work.is_empty() && crew.workers().iter().all(|worker| !worker.is_busy());
        if !is_quiet {
            begun = crew.look(begun);
        }
        drop(crew);
        match is_quiet {
            // New work wakes it; and from time to time it sees whether it is still needed.
            true => thread::park_timeout(IDLE),
            false => thread::sleep(TICK),
        }
    }
}

impl Crew {
    /// Gives up threads that are lost, and adds some where work waits and none has begun since the last
    /// look. Says how much has begun.
    fn look(self: &Arc<Self>, begun_before: usize) -> usize {
        let mut workers = self.workers();
        let before = workers.len();
        workers.retain(|worker| {
            // More than so many are not replaced.
            let is_stuck = self.lost.load(Ordering::Acquire) < LOST && worker.is_stuck(self);
            if is_stuck {
                self.lost.fetch_add(1, Ordering::AcqRel);
                worker.is_lost.store(true, Ordering::Release);
                tracing::error!(
                    lost = self.lost.load(Ordering::Relaxed),
                    "a script does not return past its deadline; its thread is given up and replaced"
                );
            }
            !is_stuck
        });
        let mut missing = before - workers.len();
        drop(workers);
        let begun = self.begun.load(Ordering::Relaxed);
        if begun == begun_before && self.idle.load(Ordering::Acquire) == 0 {
            missing = missing.max(self.work.len());
        }
        for _ in 0..missing {
            self.add(self.limits.most);
        }
        begun
    }
}
