//! The end of a server: what is under way finishes, what is new is turned away.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::Id;
use tokio::time::{Instant, timeout, timeout_at};

use super::accept::Acceptor;
use super::state::{DRAIN, later};

/// How long clients that came during the drain have to take their refusal.
const LATE_COMERS: Duration = Duration::from_secs(1);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request that was under way was answered.
    Clean,
    /// Some were not in time, and were cut.
    Cut {
        /// Connections that were cut.
        connections: usize,
    },
}

/// Ends every connection within `limit`. Until the last one of those that were open has ended, new ones are
/// accepted, to hear from the host that it is shutting down.
pub(super) async fn drain(mut acceptor: Acceptor, limit: Duration) -> Drained {
    let deadline = later(Instant::now(), limit);
    acceptor.host.drain();
    acceptor.keep_alive = false;
    let mut old = tell(&acceptor);
    tracing::info!(connections = old.len(), "draining");
    let finish = async {
        while !old.is_empty() {
            if let Some(ended) = acceptor.step().await {
                old.remove(&ended);
            }
        }
    };
    if timeout_at(deadline, finish).await.is_err() {
        return Drained::Cut { connections: old.len() };
    }
    tell(&acceptor);
    let leave = async {
        while !acceptor.is_empty() {
            acceptor.step_closed().await;
        }
    };
    let _ = timeout(LATE_COMERS.min(deadline.duration_since(Instant::now())), leave).await;
    Drained::Clean
}

/// Tells every connection to end, and returns which there are.
fn tell(acceptor: &Acceptor) -> HashSet<Id> {
    for (_, link) in acceptor.links() {
        link.state.order(DRAIN);
    }
    acceptor.links().map(|(id, _)| *id).collect()
}
