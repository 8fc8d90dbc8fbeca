//! From an authority to a connection to an address that is permitted.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use super::address::AddressGrants;
use super::authority::{Authority, Host};
use super::failure::{describe, find};
use super::resolve::Resolve;
use super::stall::WriteBound;
use super::tls::Tls;
use crate::BoxFuture;

/// Longest time until a connection stands, name resolution and TLS included.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// After this time the next address is tried beside the one that has not answered (RFC 8305, 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// How long a write to a connection may make no progress.
const WRITE: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("cannot resolve")]
    Dns(#[source] io::Error),
    #[error("{0} is not public")]
    Denied(IpAddr),
    #[error("timed out")]
    Timeout,
    #[error("cannot connect")]
    Tcp(#[source] io::Error),
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("TLS failed: {0}")]
    Certificate(String),
}

/// Connects by TCP, and by TLS on top of it for `https`.
#[derive(Clone)]
pub(super) struct Connector {
    dialer: Dialer,
    tls: Tls,
}

impl Connector {
    pub(super) fn new(grants: AddressGrants, resolve: Arc<dyn Resolve>, tls: Tls) -> Self {
        Self { dialer: Dialer { grants, resolve }, tls }
    }

    async fn connect(self, uri: Uri) -> Result<Stream, ConnectError> {
        let Self { mut dialer, tls } = self;
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return dialer.call(uri).await.map(MaybeHttpsStream::Http);
        }
        let config = tls.config().await.map_err(ConnectError::Tls)?;
        // What it says beside our own errors comes from the handshake.
        let connected = HttpsConnector::from((dialer, config)).call(uri).await;
        connected.map_err(|error| error.downcast().map_or_else(|error| of_tls(&*error), |own| *own))
    }
}

fn of_tls(error: &(dyn std::error::Error + 'static)) -> ConnectError {
    match find(error).and_then(carried) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            ConnectError::Certificate(describe(error))
        }
        _ => ConnectError::Tls(describe(error)),
    }
}

/// What an error of I/O carries: it does not give that as its cause.
fn carried(error: &io::Error) -> Option<&rustls::Error> {
    let carried = error.get_ref()?;
    carried.downcast_ref().or_else(|| self::carried(carried.downcast_ref()?))
}

type Stream = MaybeHttpsStream<Tcp>;
type Tcp = TokioIo<WriteBound<TcpStream>>;

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Stream, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = timeout(CONNECT, self.clone().connect(uri));
        Box::pin(async move { connecting.await.unwrap_or(Err(ConnectError::Timeout)) })
    }
}

/// Resolves a name once, drops the addresses that are not permitted, and connects to one of the others.
/// Nobody resolves again after the check, so a name that changes its mind gains nothing.
#[derive(Clone)]
struct Dialer {
    grants: AddressGrants,
    resolve: Arc<dyn Resolve>,
}

impl Dialer {
    async fn dial(self, uri: Uri) -> Result<Tcp, ConnectError> {
        let invalid =
            |reason| ConnectError::Dns(io::Error::new(io::ErrorKind::InvalidInput, reason));
        let Authority { host, port } = Authority::of(&uri).map_err(invalid)?;
        let found = match &host {
            Host::Address(address) => vec![SocketAddr::new(*address, port)],
            // As it was written: a trailing dot matters to the resolver.
            Host::Name(name) => {
                let lookup = self.resolve.resolve(uri.host().unwrap_or(name), port);
                lookup.await.map_err(ConnectError::Dns)?
            }
        };
        let permitted =
            |address: &&SocketAddr| self.grants.permit(&host, address.ip(), address.port());
        let addresses: Vec<_> = found.iter().filter(permitted).copied().collect();
        if addresses.is_empty() {
            let denied = found.first().map(|denied| ConnectError::Denied(denied.ip()));
            return Err(denied.unwrap_or(invalid("no address")));
        }
        let stream = first_to_connect(addresses).await.map_err(ConnectError::Tcp)?;
        Ok(TokioIo::new(WriteBound::new(stream, WRITE)))
    }
}

impl Service<Uri> for Dialer {
    type Response = Tcp;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Tcp, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

/// Tries `addresses` in their order, the next one as soon as one fails or is slow; the first that
/// connects wins.
async fn first_to_connect(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    first_to_succeed(addresses.into_iter().map(|address| async move {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }))
    .await
}

async fn first_to_succeed<T>(
    attempts: impl IntoIterator<Item = impl Future<Output = io::Result<T>>>,
) -> io::Result<T> {
    let mut waiting = attempts.into_iter();
    let mut running = FuturesUnordered::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let started = waiting.next().map(|attempt| running.push(attempt)).is_some();
        tokio::select! {
            finished = running.next() => match finished {
                Some(Ok(winner)) => return Ok(winner),
                Some(Err(error)) => last = error,
                None => return Err(last),
            },
            () = sleep(NEXT_ADDRESS), if started => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::Either;
    use std::future::{pending, ready};
    use tokio::time::Instant;

    fn refused() -> io::Result<u8> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_address_is_followed_by_the_next_at_once() {
        let start = Instant::now();
        let winner = first_to_succeed([ready(refused()), ready(refused()), ready(Ok(3))]).await;
        assert_eq!(winner.unwrap(), 3);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_does_not_hold_up_the_next() {
        let silent = || Either::Left(pending());
        let start = Instant::now();
        let winner = first_to_succeed([silent(), silent(), Either::Right(ready(Ok(3)))]).await;
        assert_eq!(winner.unwrap(), 3);
        assert_eq!(start.elapsed(), NEXT_ADDRESS * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_is_not_given_up() {
        let slow = async {
            sleep(Duration::from_secs(2)).await;
            Ok(1)
        };
        let attempts = [Either::Left(slow), Either::Right(ready(refused()))];
        assert_eq!(first_to_succeed(attempts).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_last_failure_is_the_answer() {
        let error = first_to_succeed([ready(refused()), ready(refused())]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let none: [std::future::Ready<io::Result<u8>>; 0] = [];
        assert!(first_to_succeed(none).await.is_err());
    }
}
