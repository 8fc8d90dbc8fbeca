//! The accept loop: it never ends by itself, and it knows every connection.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::connection;
use super::service::Link;
use super::state::{CLOSE, State};
use crate::Host;

/// Descriptors that are not for inbound connections: files, outgoing connections, and twenty or so of the process itself.
const RESERVE: u64 = 64;
/// How often a full server looks whether a connection has become idle.
const FULL_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause after an accept that failed.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Accepts connections and runs each as a task. Dropping it ends them all.
pub(super) struct Acceptor {
    pub(super) host: Host,
    listener: TcpListener,
    local: SocketAddr,
    epoch: Instant,
    tasks: JoinSet<()>,
    open: HashMap<Id, Arc<Link>>,
    cap: usize,
    /// Accepting pauses until then.
    paused: Option<Instant>,
    /// How long the last pause after a failure was; zero if the last accept went well.
    backoff: Duration,
    /// Whether the pause under way was logged.
    is_full: bool,
    /// Whether new connections are kept after their first answer.
    pub(super) keep_alive: bool,
}

impl Acceptor {
    pub(super) fn new(host: Host, listener: TcpListener, local: SocketAddr) -> Self {
        let cap = cap(host.limits().connections, getrlimit(Resource::Nofile).current);
        Self {
            host,
            listener,
            local,
            epoch: Instant::now(),
            tasks: JoinSet::new(),
            open: HashMap::new(),
            cap,
            paused: None,
            backoff: Duration::ZERO,
            is_full: false,
            keep_alive: true,
        }
    }

    /// Waits for one thing to happen and deals with it. Returns the connection that ended, if that was it.
    /// Dropping the future loses nothing.
    pub(super) async fn step(&mut self) -> Option<Id> {
        let pause = self.pause();
        tokio::select! {
            Some(ended) = self.tasks.join_next_with_id() => return Some(self.remove(ended)),
            () = sleep_until(pause.unwrap_or(self.epoch)), if pause.is_some() => {
                self.paused = None;
                if self.tasks.len() > self.cap {
                    self.evict();
                }
            }
            accepted = self.listener.accept(), if pause.is_none() => match accepted {
                Ok((stream, peer)) => self.add(stream, peer),
                Err(error) => self.failed(&error),
            },
        }
        None
    }

    /// The same for connections that are open already: nothing new is accepted.
    pub(super) async fn step_closed(&mut self) {
        if let Some(ended) = self.tasks.join_next_with_id().await {
            self.remove(ended);
        }
    }

    /// The open connections.
    pub(super) fn links(&self) -> impl Iterator<Item = (&Id, &Arc<Link>)> {
        self.open.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Until when nothing is accepted, if there is a reason.
    fn pause(&mut self) -> Option<Instant> {
        if self.paused.is_none() && !self.has_room() {
            if !self.is_full {
                tracing::warn!(
                    connections = self.cap,
                    "no room for more connections: accepting pauses"
                );
            }
            if !self.is_full {
                self.host.traffic().pauses.add();
            }
            self.is_full = true;
            self.paused = Some(Instant::now() + FULL_PAUSE);
        }
        self.paused
    }

    /// One more fits, or may take the place of an idle one.
    fn has_room(&self) -> bool {
        self.tasks.len() < self.cap || self.tasks.len() == self.cap && self.oldest_idle().is_some()
    }

    fn oldest_idle(&self) -> Option<&Arc<Link>> {
        let since = |link: &Arc<Link>| link.state.idle_since();
        let idle = self.open.values().filter_map(|link| Some((since(link)?, link)));
        idle.min_by_key(|(since, _)| *since).map(|(_, link)| link)
    }

    fn evict(&self) {
        if let Some(link) = self.oldest_idle() {
            tracing::debug!(peer = %link.peer, "idle connection closed to make room");
            link.state.order(CLOSE);
            self.host.traffic().evicted.add();
        }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr) {
        self.host.traffic().accepted.add();
        self.backoff = Duration::ZERO;
        self.is_full = false;
        if self.tasks.len() >= self.cap {
            self.evict();
        }
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "TCP_NODELAY");
        }
        let link = Arc::new(Link {
            host: self.host.clone(),
            state: State::new(self.epoch),
            peer,
            local: self.local,
        });
        let task = connection::run(stream, link.clone(), self.keep_alive);
        self.open.insert(self.tasks.spawn(task).id(), link);
    }

    fn remove(&mut self, ended: Result<(Id, ()), JoinError>) -> Id {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                if error.is_panic() {
                    self.host.traffic().panics.add();
                    tracing::error!(%error, "panic in the task of a connection");
                }
                error.id()
            }
        };
        self.open.remove(&id);
        self.host.traffic().closed.add();
        // There is a place, or a descriptor, again.
        self.paused = None;
        id
    }

    fn failed(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return;
        }
        if self.backoff.is_zero() {
            tracing::warn!(%error, "cannot accept connections: pausing");
            self.host.traffic().pauses.add();
        }
        // Most likely there are no descriptors left; an idle connection has one.
        self.evict();
        self.backoff = (self.backoff * 2).clamp(FULL_PAUSE, LONGEST_PAUSE);
        self.paused = Some(Instant::now() + self.backoff);
    }
}

/// How many connections fit: the limit, or what the soft limit on descriptors leaves.
fn cap(connections: usize, descriptors: Option<u64>) -> usize {
    let Some(descriptors) = descriptors else { return connections.max(1) };
    let free = descriptors - RESERVE.min(descriptors / 2);
    connections.min(usize::try_from(free).unwrap_or(usize::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_follows_the_descriptors() {
        for (connections, descriptors, expected) in [
            (10_000, None, 10_000),
            (10_000, Some(1 << 20), 10_000),
            (10_000, Some(1_024), 960),
            (10_000, Some(64), 32),
            (10, Some(64), 10),
            (10, Some(1), 1),
            (0, None, 1),
        ] {
            assert_eq!(cap(connections, descriptors), expected, "{descriptors:?}");
        }
    }
}
