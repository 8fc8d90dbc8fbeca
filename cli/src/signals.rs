//! SIGINT, SIGTERM and SIGHUP.

use std::io;
use std::process;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::log::Sink;

/// The signals that a server listens to.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To read the configuration again.
    Reload,
    /// To stop.
    Stop,
}

impl Wish {
    pub(crate) fn is_reload(self) -> bool {
        self == Self::Reload
    }
}

impl Signals {
    /// Takes the signals over. Must be called within a tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.hangup.recv() => Wish::Reload,
        }
    }

    /// Ends the process with the exit code 1 at the next wish to stop.
    pub(crate) async fn exit_at_next(mut self, log: Sink) {
        while self.next().await.is_reload() {}
        tracing::warn!("stopped at once by a second signal");
        log.flush(Duration::from_millis(200));
        process::exit(1);
    }
}
