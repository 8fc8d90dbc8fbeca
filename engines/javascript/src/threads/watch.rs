//! Until when a piece of work may take.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
/// The end of [`Watch::step`] while there is none.
const AT_REST: u64 = u64::MAX;

/// Until when a run may take, and how much of a thread's time it may have. It is read by the thread that
/// runs it and by the one that watches, and may be moved, or brought to its end, from anywhere.
#[derive(Debug)]
pub struct Watch {
    until: AtomicU64,
    /// Nanoseconds on a thread that are left.
    left: AtomicU64,
    /// When the step under way began.
    step: AtomicU64,
}

impl Watch {
    /// Until `deadline`, with so much time on a thread.
    pub fn new(deadline: Instant, cpu: Duration) -> Self {
        Self {
            until: AtomicU64::new(nanos(deadline)),
            left: AtomicU64::new(as_nanos(cpu)),
            step: AtomicU64::new(AT_REST),
        }
    }

    /// Moves the end.
    pub fn move_to(&self, deadline: Instant) {
        self.until.store(nanos(deadline), Ordering::Release);
    }

    /// It is over: whoever waited has left.
    pub fn stop(&self) {
        self.until.fetch_min(nanos(Instant::now()), Ordering::AcqRel);
    }

    /// A step on a thread begins.
    pub(crate) fn begin(&self) {
        self.step.store(nanos(Instant::now()), Ordering::Release);
    }

    /// It has ended; what it took is taken off.
    pub(crate) fn end(&self) {
        let began = self.step.swap(AT_REST, Ordering::AcqRel);
        let took = nanos(Instant::now()).saturating_sub(began);
        let left = self.left.load(Ordering::Acquire);
        self.left.store(left.saturating_sub(took), Ordering::Release);
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        nanos(Instant::now()) >= self.end_of_step()
    }

    /// Whether what is over is the time on a thread, not the deadline.
    pub(crate) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    /// Whether the time has been over for so long.
    pub(super) fn is_over_by(&self, time: Duration) -> bool {
        nanos(Instant::now()) >= self.end_of_step().saturating_add(as_nanos(time))
    }

    fn end_of_step(&self) -> u64 {
        let began = self.step.load(Ordering::Acquire);
        let spent = began.saturating_add(self.left.load(Ordering::Acquire));
        self.until.load(Ordering::Acquire).min(spent)
    }
}

/// Nanoseconds since the first look at the clock; enough for five centuries.
fn nanos(at: Instant) -> u64 {
    as_nanos(at.saturating_duration_since(*EPOCH))
}

fn as_nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
