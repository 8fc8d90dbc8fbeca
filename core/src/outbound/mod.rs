//! Outgoing HTTP: the allow-list, the rule about addresses, and one pooled client behind them.
//!
//! A request passes three gates. Its head must be sound (`head`), its host must be in `allowed_hosts`
//! (`allow`, `entry`), and the address that is connected to must be public or granted by the list (`address`,
//! asked by `connect` between resolution and connection). There are no redirects and no proxies: what a
//! guest names is what is reached.

mod address;
mod allow;
mod authority;
mod body;
mod connect;
mod entry;
mod failure;
mod head;
mod resolve;
mod stall;
mod tls;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use lru::LruCache;
use tokio::time::{Instant, sleep_until};

pub use allow::AllowedHosts;
pub use entry::{AllowedHost, InvalidAllowedHost};

use self::address::AddressGrants;
use self::authority::{Authority, Host};
pub(crate) use self::body::Paced;
use self::connect::{CONNECT, Connector};
use self::resolve::{Resolve, SystemResolver};
use self::tls::Tls;
use crate::{Body, Call, CallError, Request, Response, SendOptions, UpstreamError};

/// Longest time from a connection to the response head.
const FIRST_BYTE: Duration = Duration::from_secs(30);
/// Longest silence within a response body.
const BETWEEN_BYTES: Duration = Duration::from_secs(30);
/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Connections to one authority that are kept while nobody uses them.
const IDLE_PER_HOST: usize = 32;
/// Bytes of a response head, and of what is read ahead of the reader. A head may have 100 fields.
const BUFFER: usize = 64 << 10;
/// Different address grants that keep their connections; the least recently used loses them.
const POOLS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// Sends requests to other hosts over HTTP/1.1 and keeps the connections.
///
/// Modules share connections exactly if their lists grant the same non-public addresses, so that none
/// can use a connection that it could not have opened. For most lists, which grant none, that is one pool.
pub(crate) struct Outbound {
    pools: Mutex<LruCache<AddressGrants, Pool>>,
    resolve: Arc<dyn Resolve>,
    tls: Tls,
}

type Pool = Client<Connector, Body>;

impl Outbound {
    /// An empty pool over the system's resolver and root certificates. It costs nothing until used.
    pub(crate) fn new() -> Self {
        Self::with(Arc::new(SystemResolver::new()), Tls::new(tls::system))
    }

    fn with(resolve: Arc<dyn Resolve>, tls: Tls) -> Self {
        Self { pools: Mutex::new(LruCache::new(POOLS)), resolve, tls }
    }

    /// Sends `request` in the name of `call` and returns when the response head is there. Its body
    /// streams.
    ///
    /// Dropping the future or the response's body ends the exchange and closes its connection. A request
    /// is sent a second time only if a kept connection turned out closed before anything was written.
    pub(crate) async fn send(
        &self,
        request: Request,
        call: &Call,
        options: SendOptions,
    ) -> Result<Response, CallError> {
        let (request, authority) = head::outgoing(request)?;
        let name = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let allowed = &call.grants().allowed_hosts;
        if !allowed.allows(&authority) {
            return Err(UpstreamError::Denied(name).into());
        }
        if is_internal(&authority) {
            // Names of this host are not asked of DNS, whatever the spelling that led here.
            return Err(UpstreamError::Dns(name).into());
        }
        let pool = self.pool(allowed.addresses());
        let response = match exchange(&pool, request, call.deadline(), options).await {
            Ok(response) => response,
            Err(Failed::ConnectTimeout) => return Err(UpstreamError::ConnectTimeout(name).into()),
            Err(Failed::ResponseTimeout) => return Err(UpstreamError::ResponseTimeout.into()),
            Err(Failed::Client(error)) => {
                log_denied_address(&error, &name, call);
                return Err(failure::of_send(&error, &name));
            }
        };
        let (mut head, body) = response.into_parts();
        head::incoming(&mut head)?;
        let limit = bounded(options.between_bytes, BETWEEN_BYTES);
        Ok(Response::from_parts(head, Body::stream(Paced::new(body, limit, failure::of_body))))
    }

    /// The client whose connections may reach what `grants` grant.
    fn pool(&self, grants: &AddressGrants) -> Pool {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let connector = Connector::new(grants.clone(), self.resolve.clone(), self.tls.clone());
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .http1_max_buf_size(BUFFER)
                .set_host(false)
                .build(connector)
        };
        pools.get_or_insert(grants.clone(), new).clone()
    }
}

/// Why there is no response head.
enum Failed {
    ConnectTimeout,
    ResponseTimeout,
    Client(legacy::Error),
}

/// Sends `request` and waits for the response head: first for a connection, then for an answer.
async fn exchange(
    pool: &Pool,
    mut request: Request,
    deadline: Instant,
    options: SendOptions,
) -> Result<http::Response<Incoming>, Failed> {
    let until = |limit: Duration| sleep_until(deadline.min(Instant::now() + limit));
    let mut connected = capture_connection(&mut request);
    let mut response = pool.request(request);
    // The order matters: a connection from the pool is there at the first poll, and no timer is set.
    tokio::select! {
        biased;
        response = &mut response => return response.map_err(Failed::Client),
        _ = connected.wait_for_connection_metadata() => {}
        () = until(bounded(options.connect, CONNECT)) => return Err(Failed::ConnectTimeout),
    }
    tokio::select! {
        biased;
        response = &mut response => response.map_err(Failed::Client),
        () = until(bounded(options.first_byte, FIRST_BYTE)) => Err(Failed::ResponseTimeout),
    }
}

/// The shorter of what a guest asks for and what the host allows.
fn bounded(asked: Option<Duration>, most: Duration) -> Duration {
    asked.map_or(most, |asked| asked.min(most))
}

/// Whether the host and port of `uri` are well-formed, without user information.
pub(crate) fn is_sound(uri: &Uri) -> bool {
    Authority::of(uri).is_ok()
}

fn is_internal(authority: &Authority) -> bool {
    matches!(&authority.host, Host::Name(name) if entry::is_internal(name))
}

/// Logs the entry that would allow an address that was just denied.
fn log_denied_address(error: &legacy::Error, authority: &str, call: &Call) {
    if let Some(address) = failure::denied_address(error) {
        let entry = AllowedHost::from(address);
        tracing::warn!(
            request_id = %call.request_id(),
            "outgoing request to {authority} denied: {address} is not public; to allow it, add \
             \"{entry}\" to the same allowed_hosts",
        );
    }
}
