//! What one connection is doing, and when that has taken too long.
//!
//! All of it is atomics: the connection's own task writes, the accept loop reads when it looks for an
//! idle connection to close.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::body::Leftover;
use crate::ServerLimits;

/// How long a connection that has answered waits for the rest of a small body that nobody read.
const UNREAD_TIME: Duration = Duration::from_secs(5);
/// How old a connection without a single byte must be before it may make room for another.
const SILENT: u64 = 1_000;

/// How often within its time a write that waits is looked at.
const LOOKS: u32 = 10;

/// Finish what is under way, then close.
pub(super) const DRAIN: u8 = 1;
/// Close if idle.
pub(super) const CLOSE: u8 = 2;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Accepted, no byte yet.
    New,
    /// In the middle of a request head.
    Head,
    /// From the call of the service to the end of the response body.
    Busy,
    /// Between two requests.
    Idle,
    /// Answered, but the request body has not ended.
    Unread,
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    Head,
    Idle,
    Write,
    Unread,
}

/// `at` plus `time`, or in a far future: a limit may be as large as it likes.
pub(super) fn later(at: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    at + time.min(FAR)
}

/// The state of one connection.
pub(super) struct State {
    epoch: Instant,
    /// Milliseconds since `epoch` at which the phase began, and the phase in the lowest three bits.
    phase: AtomicU64,
    /// Milliseconds since `epoch`, plus one, at which a write began to wait, or was last seen to get ahead;
    /// 0 while none waits.
    stalled: AtomicU64,
    /// Milliseconds since `epoch` at which the socket was last asked how far the write is.
    looked: AtomicU64,
    orders: AtomicU8,
    waker: AtomicWaker,
    has_leftover: AtomicBool,
    leftover: Mutex<Option<Leftover>>,
    input_unread: AtomicBool,
    last_response: AtomicBool,
    client_gone: AtomicBool,
    http10: AtomicBool,
}

impl State {
    /// A connection that was accepted just now. `epoch` is when its server started.
    pub(super) fn new(epoch: Instant) -> Self {
        let state = Self {
            epoch,
            phase: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            looked: AtomicU64::new(0),
            orders: AtomicU8::new(0),
            waker: AtomicWaker::new(),
            has_leftover: AtomicBool::new(false),
            leftover: Mutex::new(None),
            input_unread: AtomicBool::new(false),
            last_response: AtomicBool::new(false),
            client_gone: AtomicBool::new(false),
            http10: AtomicBool::new(false),
        };
        state.enter(Phase::New, state.now());
        state
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn enter(&self, phase: Phase, since: u64) {
        self.phase.store(since << 3 | phase as u64, Ordering::Relaxed);
    }

    fn phase_since(&self) -> (Phase, u64) {
        let word = self.phase.load(Ordering::Relaxed);
        let phase = match word & 7 {
            0 => Phase::New,
            1 => Phase::Head,
            2 => Phase::Busy,
            3 => Phase::Idle,
            _ => Phase::Unread,
        };
        (phase, word >> 3)
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase_since().0
    }

    /// Bytes came in.
    pub(super) fn received(&self) {
        match self.phase_since() {
            // The time for the first head runs from the accept.
            (Phase::New, since) => self.enter(Phase::Head, since),
            (Phase::Idle, _) => self.enter(Phase::Head, self.now()),
            _ => {}
        }
    }

    /// A head is complete, and its request goes to the host.
    pub(super) fn called(&self, http10: bool) {
        self.enter(Phase::Busy, 0);
        self.http10.store(http10, Ordering::Relaxed);
    }

    /// The response body has ended; the request body perhaps has not.
    pub(super) fn answered(&self, body_open: bool) {
        self.enter(if body_open { Phase::Unread } else { Phase::Idle }, self.now());
    }

    /// The response under way is the last one on this connection.
    pub(super) fn set_last_response(&self) {
        self.last_response.store(true, Ordering::Relaxed);
    }

    /// Whether the last request spoke HTTP/1.0, where the end of the connection may be the end of a body.
    pub(super) fn is_http10(&self) -> bool {
        self.http10.load(Ordering::Relaxed)
    }

    /// Part of a request will never be read: the client may be sending still.
    pub(super) fn set_input_unread(&self) {
        self.input_unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_input_unread(&self) -> bool {
        self.input_unread.load(Ordering::Relaxed)
    }

    /// The client left in the middle of a request body: nobody is there to answer.
    pub(super) fn set_client_gone(&self) {
        self.client_gone.store(true, Ordering::Release);
        self.waker.wake();
    }

    pub(super) fn is_client_gone(&self) -> bool {
        self.client_gone.load(Ordering::Acquire)
    }

    /// A write went ahead, or has to wait.
    pub(super) fn wrote(&self, progress: bool) {
        match (progress, self.is_stalled()) {
            (false, false) => {
                let now = self.now();
                self.looked.store(now, Ordering::Relaxed);
                self.stalled.store(now + 1, Ordering::Relaxed);
            }
            (true, true) => {
                self.stalled.store(0, Ordering::Relaxed);
                // What the client was kept from doing counts from now.
                let phase = self.phase();
                if phase != Phase::Busy {
                    self.enter(phase, self.now());
                }
            }
            _ => {}
        }
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed) != 0
    }

    /// When the socket is to be asked how far a write is that waits; `None` while none does.
    pub(super) fn look_due(&self, limits: &ServerLimits) -> Option<Instant> {
        let since = self.stalled.load(Ordering::Relaxed).checked_sub(1)?;
        let looked = self.looked.load(Ordering::Relaxed);
        let at = |millis, time| later(self.epoch + Duration::from_millis(millis), time);
        // Always once more before it is given up.
        Some(at(looked, limits.write_time / LOOKS).min(at(since, limits.write_time)))
    }

    /// Whether it is time for that.
    pub(super) fn wants_look(&self, limits: &ServerLimits) -> bool {
        self.look_due(limits).is_some_and(|at| at <= Instant::now())
    }

    /// The socket was asked; the write is `ahead` of where it was the last time.
    pub(super) fn looked(&self, ahead: bool) {
        let now = self.now();
        self.looked.store(now, Ordering::Relaxed);
        if ahead {
            self.stalled.store(now + 1, Ordering::Relaxed);
        }
    }

    /// When the connection will have taken too long at what it is doing now. While a write waits, only the
    /// write's time runs: the client may have the rest of an answer to read.
    pub(super) fn due(&self, limits: &ServerLimits) -> Option<(Instant, Overdue)> {
        let (phase, since) = self.phase_since();
        let (since, time, what) = match (self.stalled.load(Ordering::Relaxed), phase) {
            (stalled @ 1.., _) => (stalled - 1, limits.write_time, Overdue::Write),
            (0, Phase::New | Phase::Head) => (since, limits.head_time, Overdue::Head),
            (0, Phase::Idle) => (since, limits.idle_time, Overdue::Idle),
            (0, Phase::Unread) => (since, UNREAD_TIME.min(limits.body_time), Overdue::Unread),
            (0, Phase::Busy) => return None,
        };
        Some((later(self.epoch + Duration::from_millis(since), time), what))
    }

    /// Since when it has been idle, if it is and may be closed to make room.
    pub(super) fn idle_since(&self) -> Option<u64> {
        if self.is_stalled() || self.orders.load(Ordering::Relaxed) & CLOSE != 0 {
            return None;
        }
        match self.phase_since() {
            (Phase::Idle, since) => Some(since),
            (Phase::New, since) if self.now().saturating_sub(since) > SILENT => Some(since),
            _ => None,
        }
    }

    /// Tells the connection's task what to do.
    pub(super) fn order(&self, order: u8) {
        self.orders.fetch_or(order, Ordering::Release);
        self.waker.wake();
    }

    /// What it was told since the last time.
    pub(super) fn take_orders(&self, cx: &Context<'_>) -> u8 {
        self.waker.register(cx.waker());
        match self.orders.load(Ordering::Acquire) {
            0 => 0,
            _ => self.orders.swap(0, Ordering::AcqRel),
        }
    }

    /// Takes over what a handler left of a request body, to read it away.
    pub(super) fn leave(&self, leftover: Leftover) {
        *self.leftover.lock().unwrap_or_else(PoisonError::into_inner) = Some(leftover);
        self.has_leftover.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Reads away what a handler left of a request body.
    pub(super) fn poll_leftover(&self, cx: &mut Context<'_>) {
        if !self.has_leftover.load(Ordering::Acquire) {
            return;
        }
        let mut slot = self.leftover.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(leftover) = &mut *slot else { return };
        let answered = self.phase() == Phase::Unread;
        let ended = if answered && self.last_response.load(Ordering::Relaxed) {
            false
        } else {
            match leftover.poll(cx) {
                Poll::Ready(ended) => ended,
                Poll::Pending => return,
            }
        };
        *slot = None;
        self.has_leftover.store(false, Ordering::Relaxed);
        if !ended {
            self.set_input_unread();
        } else if answered {
            self.enter(Phase::Idle, self.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (State, ServerLimits) {
        (State::new(Instant::now()), ServerLimits::default())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_counts_from_the_accept_and_later_ones_from_their_first_byte() {
        let (state, limits) = state();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        tokio::time::advance(3 * second).await;
        state.received();
        assert_eq!(state.due(&limits), Some((start + 10 * second, Overdue::Head)));
        state.called(false);
        assert_eq!(state.due(&limits), None);
        tokio::time::advance(4 * second).await;
        state.answered(false);
        assert_eq!(state.due(&limits), Some((start + 67 * second, Overdue::Idle)));
        tokio::time::advance(second).await;
        state.received();
        state.received();
        assert_eq!(state.due(&limits), Some((start + 18 * second, Overdue::Head)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_is_due_from_its_last_progress() {
        let (state, limits) = state();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        state.called(false);
        state.wrote(false);
        tokio::time::advance(second).await;
        state.wrote(false);
        assert_eq!(state.due(&limits), Some((start + 30 * second, Overdue::Write)));
        state.wrote(true);
        assert_eq!(state.due(&limits), None);
        state.wrote(false);
        assert_eq!(state.due(&limits), Some((start + 31 * second, Overdue::Write)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_waits_is_looked_at_and_due_from_when_it_got_ahead() {
        let (state, limits) = state();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(state.look_due(&limits), None);
        state.called(false);
        state.wrote(false);
        assert_eq!(state.look_due(&limits), Some(start + 3 * second));
        assert!(!state.wants_look(&limits));
        tokio::time::advance(3 * second).await;
        assert!(state.wants_look(&limits));
        state.looked(true);
        assert!(!state.wants_look(&limits));
        assert_eq!(state.due(&limits), Some((start + 33 * second, Overdue::Write)));
        tokio::time::advance(29 * second).await;
        state.looked(false);
        assert_eq!(state.due(&limits), Some((start + 33 * second, Overdue::Write)));
        assert_eq!(state.look_due(&limits), Some(start + 33 * second), "once more at the end");
        tokio::time::advance(second).await;
        assert!(state.wants_look(&limits));
        state.wrote(true);
        assert!(!state.wants_look(&limits), "nothing waits");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_not_idle_while_the_answer_is_still_going_out() {
        let (state, limits) = state();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        state.called(false);
        state.wrote(false);
        state.answered(false);
        assert_eq!(state.due(&limits), Some((start + 30 * second, Overdue::Write)));
        assert!(state.idle_since().is_none());
        tokio::time::advance(20 * second).await;
        state.wrote(true);
        assert_eq!(state.due(&limits), Some((start + 80 * second, Overdue::Idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_has_nothing_to_lose_makes_room() {
        let (state, _) = state();
        assert!(state.idle_since().is_none(), "its first request may be on the way");
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert!(state.idle_since().is_some());
        state.received();
        assert!(state.idle_since().is_none());
        state.called(false);
        assert!(state.idle_since().is_none());
        state.answered(false);
        assert!(state.idle_since().is_some());
        state.order(CLOSE);
        assert!(state.idle_since().is_none(), "told already");
    }
}
