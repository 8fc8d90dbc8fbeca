//! From a parsed head to the host and back.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::EXPECT;
use http::{Method, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use super::body::{BodyFault, Inbound};
use super::guard;
use super::response::{Asked, Outbound, finish};
use super::state::State;
use crate::{Body, CallError, ErrorKind, Host, Request};

/// One connection: what its task, its requests and the accept loop share.
pub(super) struct Link {
    pub(super) host: Host,
    pub(super) state: State,
    pub(super) peer: SocketAddr,
    /// The address that the server listens on.
    pub(super) local: SocketAddr,
}

/// Answers one request. What the guard refuses goes to the host too, so that it is logged like the rest.
pub(super) fn answer(
    link: &Arc<Link>,
    request: http::Request<Incoming>,
) -> impl Future<Output = Result<http::Response<Outbound>, Infallible>> + Send + use<> {
    let link = link.clone();
    let (mut head, incoming) = request.into_parts();
    link.state.called(head.version == Version::HTTP_10);
    // hyper leaves the handle of a possible upgrade there.
    head.extensions.clear();
    let mut asked = Asked {
        head: head.method == Method::HEAD,
        // What follows may be meant for a tunnel.
        last: head.method == Method::CONNECT,
        body: None,
    };
    let length = incoming.size_hint().exact();
    let verdict = guard::check(&mut head, length, link.host.limits(), link.local);
    let body = match &verdict {
        _ if incoming.is_end_stream() => Body::empty(),
        Ok(()) => {
            let expects = head.headers.contains_key(EXPECT);
            let (body, fault) = Inbound::open(incoming, &link, expects);
            head.extensions.insert(fault.clone());
            asked.body = Some(fault);
            body
        }
        Err(_) => {
            asked.last = true;
            link.state.set_input_unread();
            Body::empty()
        }
    };
    let request = Request::from_parts(head, body);
    async move {
        let peer = Some(link.peer);
        let response = match verdict {
            Ok(()) => link.host.serve(request, peer).await,
            // Boxed, so that the common case carries less around.
            Err(error) => Box::pin(link.host.refuse(error, request, peer)).await,
        };
        let gone = |error: CallError| error.kind() == ErrorKind::ClientGone;
        if response.extensions().get() == Some(&ErrorKind::ClientGone)
            || asked.body.as_ref().and_then(BodyFault::error).is_some_and(gone)
        {
            // Nobody is there to answer: the connection's task sees this and ends.
            link.state.set_client_gone();
            drop(response);
            return std::future::pending().await;
        }
        Ok(finish(response, asked, link))
    }
}
