//! From names to addresses.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::BoxFuture;

/// Finds the addresses of a name. Tests put their own in the place of the system's.
pub(super) trait Resolve: Send + Sync {
    /// The addresses of `name`, with `port`, best first.
    fn resolve(&self, name: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The operating system's resolver. It blocks a thread a lookup, so lookups are bounded; more wait.
pub(super) struct SystemResolver(Arc<Semaphore>);

impl SystemResolver {
    /// Lookups at a time.
    const LOOKUPS: usize = 64;

    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(Self::LOOKUPS)))
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let name = name.to_owned();
        let slots = self.0.clone();
        Box::pin(async move {
            let slot = slots.acquire_owned().await.map_err(io::Error::other)?;
            let lookup = spawn_blocking(move || {
                // The thread holds the slot: it cannot be stopped when nobody waits any more.
                let _slot = slot;
                (name.as_str(), port).to_socket_addrs().map(Iterator::collect)
            });
            lookup.await.map_err(io::Error::other)?
        })
    }
}
