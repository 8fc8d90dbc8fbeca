//! The server: takes requests off the network and hands them to a host.
//!
//! hyper parses and frames; around it stands what hyper leaves to others: limits in time on everything a
//! client does, checks of the head that hyper does not make, a cap on connections, and an orderly end.

mod accept;
mod after;
pub(crate) mod body;
mod connection;
mod drain;
mod guard;
mod io;
mod response;
mod service;
mod state;
#[cfg(test)]
mod tests;
mod unsent;

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::pin;

use tokio::net::{TcpListener, TcpSocket, ToSocketAddrs, lookup_host};

pub use after::drop_after_flush;
pub(crate) use body::BodyFault;
pub use drain::Drained;

use crate::Host;
use accept::Acceptor;

/// Connections that the kernel keeps for us before they are accepted. It cuts this down to its own limit.
const BACKLOG: u32 = 4_096;

/// Serves a [`Host`] over HTTP/1.1.
#[derive(Debug)]
pub struct Server {
    host: Host,
}

impl Server {
    /// A server for `host`. Its limits are the host's.
    pub fn new(host: Host) -> Self {
        Self { host }
    }

    /// Listens on the first of `addr` that can be had. Port 0 takes a free one.
    ///
    /// # Errors
    /// When none can be had; the error names the last one tried.
    pub async fn bind(self, addr: impl ToSocketAddrs) -> Result<BoundServer> {
        let mut last = Error::new(ErrorKind::InvalidInput, "no address to listen on");
        for addr in lookup_host(addr).await? {
            match listen(addr) {
                Ok(listener) => return self.serve_on(listener),
                Err(error) => {
                    last = Error::new(error.kind(), format!("cannot listen on {addr}: {error}"));
                }
            }
        }
        Err(last)
    }

    /// Serves on a socket that listens already, such as one from a service manager. Must be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// When the socket cannot be used with tokio.
    pub fn from_listener(self, listener: std::net::TcpListener) -> Result<BoundServer> {
        listener.set_nonblocking(true)?;
        self.serve_on(TcpListener::from_std(listener)?)
    }

    fn serve_on(self, listener: TcpListener) -> Result<BoundServer> {
        let local = listener.local_addr()?;
        self.host.watch();
        Ok(BoundServer { host: self.host, listener, local })
    }
}

fn listen(addr: SocketAddr) -> Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Not to be kept from starting again by connections of the last run that still fade out.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// A server that listens. Clients can connect; they are served when [`serve_until`](Self::serve_until) runs.
#[derive(Debug)]
pub struct BoundServer {
    host: Host,
    listener: TcpListener,
    local: SocketAddr,
}

impl BoundServer {
    /// The address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `signal` is ready, then drains: idle connections close, requests under way finish
    /// within [`ServerLimits::drain`](crate::ServerLimits::drain), new ones are answered 503.
    ///
    /// Dropping the future ends everything at once.
    pub async fn serve_until(self, signal: impl Future<Output = ()>) -> Drained {
        let limit = self.host.limits().drain;
        let mut acceptor = Acceptor::new(self.host, self.listener, self.local);
        let mut signal = pin!(signal);
        loop {
            tokio::select! {
                () = &mut signal => break,
                _ = acceptor.step() => {}
            }
        }
        drain::drain(acceptor, limit).await
    }
}
