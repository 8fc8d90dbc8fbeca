//! A guest that runs: polled by whoever waits for it, within its limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use mik_core::CallError;
use tokio::time::{Instant, Sleep, sleep_until};

type Guest = Pin<Box<dyn Future<Output = Result<(), CallError>> + Send>>;

/// A guest that has not returned yet.
///
/// It has no task of its own: the response future polls it, then the body, both on the connection's
/// task. Dropping it stops the guest.
pub(crate) struct Running {
    guest: Option<Guest>,
    /// When it is stopped; moves on after the response head.
    deadline: Instant,
    /// CPU time that is left.
    cpu: Duration,
    /// Made when the guest first waits.
    timer: Option<Pin<Box<Sleep>>>,
    late: &'static str,
}

impl Running {
    pub(crate) fn new(guest: Guest, deadline: Instant, cpu: Duration) -> Self {
        Self {
            guest: Some(guest),
            deadline,
            cpu,
            timer: None,
            late: "no response head by the deadline",
        }
    }

    /// Whether the guest has returned or was stopped.
    pub(crate) fn is_over(&self) -> bool {
        self.guest.is_none()
    }

    /// Lets the guest be silent until `deadline` from now on.
    pub(crate) fn allow_until(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.late = "silent for too long after the response head";
    }

    /// Runs the guest until it waits, returns, or has to be stopped. Must not be called again after it
    /// was ready.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        let Some(guest) = &mut self.guest else { return Poll::Pending };
        let begun = Instant::now();
        let polled = guest.as_mut().poll(cx);
        if polled.is_ready() {
            // Its instance is on its way already; nothing is left to drop here.
            self.guest = None;
            return polled;
        }
        let now = Instant::now();
        self.cpu = self.cpu.saturating_sub(now - begun);
        if self.cpu.is_zero() {
            return self.stop("out of CPU time");
        }
        // The clock decides, not the timer: a timer may be starved by guests that spin.
        if now >= self.deadline {
            return self.stop(self.late);
        }
        self.wait(cx)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // The timer may be set too early, never too late: it is moved when it fires.
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return self.stop(self.late);
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn stop(&mut self, why: &'static str) -> Poll<Result<(), CallError>> {
        self.guest = None;
        Poll::Ready(Err(CallError::Timeout(why)))
    }
}

/// What is left of a guest once its response is complete: it may finish its work, within its limits, and
/// counts as in flight until then.
pub(crate) fn finish(mut running: Running) {
    if running.is_over() {
        return;
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(std::future::poll_fn(move |cx| running.poll(cx).map(drop)));
    }
}
