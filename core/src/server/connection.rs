//! One connection from its first byte to its last.

use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, Connection};
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::after;
use super::io::Watched;
use super::response::Outbound;
use super::service::{Link, answer};
use super::state::{CLOSE, DRAIN, Overdue, Phase, later};
use crate::ServerLimits;
use crate::middleware::panic_text;

/// How much is read away, and for how long, before a connection closes on a client that may be sending:
/// a reset would destroy the answer on its way (RFC 9112, 9.6).
const LINGER: (usize, Duration) = (1 << 20, Duration::from_secs(1));
/// Header fields that hyper has room for on the stack.
const FIELDS_ON_STACK: usize = 100;
/// Bytes that hyper buffers of a head or of a response; a head needs more only where it may be larger.
const BUFFER: usize = 64 << 10;

/// How soon the timer fires again where what it was set for has not been done.
const AGAIN: Duration = Duration::from_millis(1);
/// Where the timer goes while nothing is due.
const NOTHING_DUE: Duration = Duration::from_secs(60);

const TIMED_OUT: &str =
    "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\ndate: ";

/// Why a connection is over.
enum Over {
    /// hyper is done with it.
    Served(hyper::Result<()>),
    /// It took too long.
    Late(Overdue),
    /// The client left in the middle of a request.
    Gone,
    /// It was idle and has to make room.
    Evicted,
    /// A body panicked.
    Panicked(String),
}

/// Serves a connection until it is over. Without `keep_alive` it takes one request.
pub(super) async fn run(stream: TcpStream, link: Arc<Link>, keep_alive: bool) {
    let service = {
        let link = link.clone();
        service_fn(move |request| answer(&link, request))
    };
    let io = TokioIo::new(Watched::new(stream, link.clone()));
    let mut http = builder(link.host.limits()).keep_alive(keep_alive).serve_connection(io, service);
    let over = drive(&mut http, &link).await;
    // hyper's buffers, the service's future and the response body go before anything is waited for.
    let stream = http.into_parts().io.into_inner().into_stream();
    part(stream, over, &link).await;
}

fn builder(limits: &ServerLimits) -> Builder {
    let mut builder = Builder::new();
    // Its time for heads also runs while a connection is idle: ours are in `State::due`.
    builder.header_read_timeout(None);
    // Not `max_header_size`, which would raise hyper's limit for trailers (16 KiB) as well.
    builder.max_buf_size(limits.head_bytes.as_usize().max(BUFFER));
    if limits.head_fields != FIELDS_ON_STACK {
        builder.max_headers(limits.head_fields);
    }
    builder
}

async fn drive<S>(http: &mut Connection<TokioIo<Watched>, S>, link: &Link) -> Over
where
    S: Service<Request<Incoming>, Response = Response<Outbound>, Error = Infallible>,
{
    let limits = link.host.limits();
    let mut sleep = pin!(sleep_until(later(Instant::now(), limits.head_time)));
    poll_fn(|cx| {
        let orders = link.state.take_orders(cx);
        let idle =
            matches!(link.state.phase(), Phase::Idle | Phase::New) && !link.state.is_stalled();
        if orders & CLOSE != 0 && idle {
            return Poll::Ready(Over::Evicted);
        }
        if orders & DRAIN != 0 {
            link.state.set_last_response();
            Pin::new(&mut *http).graceful_shutdown();
        }
        let poll = || after::scope(|| Pin::new(&mut *http).poll(cx));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Ready(result)) => return Poll::Ready(Over::Served(result)),
            Ok(Poll::Pending) => {}
            Err(panic) => {
                return Poll::Ready(Over::Panicked(
                    panic_text(&*panic).unwrap_or_default().to_owned(),
                ));
            }
        }
        // hyper tells the reader of the body and goes on; a handler need not care.
        if link.state.is_client_gone() {
            return Poll::Ready(Over::Gone);
        }
        link.state.poll_leftover(cx);
        poll_time(sleep.as_mut(), link, limits, cx).map(Over::Late)
    })
    .await
}

/// Ready when the connection has taken too long. The timer is touched only where the next deadline is
/// earlier than the one it is set to; a deadline that moved away is noticed when the old one is reached.
/// While a write waits it fires several times: the socket is then asked how far it is, see [`Watched`].
fn poll_time(
    mut sleep: Pin<&mut Sleep>,
    link: &Link,
    limits: &ServerLimits,
    cx: &mut Context<'_>,
) -> Poll<Overdue> {
    let due = link.state.due(limits);
    let wake = link.state.look_due(limits).or(due.map(|(at, _)| at));
    if let Some(at) = wake
        && at < sleep.deadline()
    {
        sleep.as_mut().reset(at);
    }
    while sleep.as_mut().poll(cx).is_ready() {
        let now = Instant::now();
        match (due, wake) {
            (Some((at, what)), _) if at <= now => return Poll::Ready(what),
            (_, Some(at)) => sleep.as_mut().reset(at.max(now + AGAIN)),
            (_, None) => sleep.as_mut().reset(now + NOTHING_DUE),
        }
    }
    Poll::Pending
}

/// Closes a connection in the way that fits how it ended.
async fn part(mut stream: TcpStream, over: Over, link: &Link) {
    let peer = link.peer;
    let mut linger = link.state.is_input_unread();
    match over {
        Over::Gone => return tracing::debug!(%peer, "client left in the middle of a request"),
        Over::Served(Ok(())) => {}
        Over::Served(Err(error)) if error.is_parse() => {
            tracing::debug!(%peer, %error, "not a request; answered with a status alone");
            link.host.traffic().unparsed.add();
            linger = true;
        }
        Over::Served(Err(error)) => {
            tracing::debug!(%peer, %error, "connection broke off");
            return abort(&stream, link);
        }
        Over::Panicked(message) => {
            link.host.traffic().panics.add();
            tracing::error!(%peer, "panic in a response body, its connection is closed: {message}");
            return abort(&stream, link);
        }
        Over::Late(Overdue::Write) => {
            tracing::debug!(%peer, "client stopped reading");
            // Otherwise the kernel keeps what it has not sent for minutes more.
            let _ = stream.set_zero_linger();
            return;
        }
        Over::Late(Overdue::Head)
            if link.state.phase() == Phase::Head && !link.state.is_stalled() =>
        {
            tracing::debug!(%peer, "request head took too long");
            let date = httpdate::fmt_http_date(SystemTime::now());
            let _ = stream.try_write(format!("{TIMED_OUT}{date}\r\n\r\n").as_bytes());
            linger = true;
        }
        Over::Late(_) | Over::Evicted => {}
    }
    // The end of our side goes out first, so that the client does not wait for it.
    if stream.shutdown().await.is_ok() && (linger || has_input(&stream)) {
        discard(&mut stream).await;
    }
}

/// Ends a response that broke off. Where the end of the connection would be the end of the body, only a
/// reset tells the client.
fn abort(stream: &TcpStream, link: &Link) {
    if link.state.is_http10() {
        let _ = stream.set_zero_linger();
    }
}

/// Whether the client has sent something that nobody has read.
fn has_input(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Ok(1))
}

async fn discard(stream: &mut TcpStream) {
    let (mut left, time) = LINGER;
    let mut buffer = vec![0; 16 << 10];
    let reading = async {
        while let Ok(n @ 1..) = stream.read(&mut buffer).await {
            left = left.saturating_sub(n);
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(time, reading).await;
}
