//! tower's layers as middleware.

use std::any::Any;
use std::error::Error;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use tower_layer::Layer;
use tower_service::Service;

use super::{Middleware, Next, Ring, Rings};
use crate::{Body, BoxFuture, Call, CallError, Request, Response};

type BoxError = Box<dyn Error + Send + Sync>;

/// Any tower layer over HTTP, such as those of `tower-http`, as a middleware of one ring.
///
/// ```ignore
/// use tower_http::set_header::SetResponseHeaderLayer;
///
/// let layer = SetResponseHeaderLayer::overriding(SERVER, HeaderValue::from_static("mik"));
/// let host = Host::builder().middleware(TowerLayer::new("server-header", Ring::Edge, layer));
/// ```
///
/// The layer is applied once, so what it shares between requests (a semaphore, a rate) is shared. An error
/// that it makes itself is answered with 500; one of mik's own comes through as it is.
#[derive(Debug, Clone)]
pub struct TowerLayer<S> {
    name: &'static str,
    ring: Ring,
    service: S,
}

impl<S> TowerLayer<S> {
    /// `layer` as the middleware `name` of `ring`.
    pub fn new<L: Layer<RestOfChain, Service = S>>(
        name: &'static str,
        ring: Ring,
        layer: L,
    ) -> Self {
        Self { name, ring, service: layer.layer(RestOfChain(())) }
    }
}

impl<S, B> Middleware for TowerLayer<S>
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn name(&self) -> &str {
        self.name
    }

    fn rings(&self) -> Rings {
        self.ring.into()
    }

    fn handle<'a>(
        &'a self,
        mut request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        Box::pin(async move {
            let mut service = self.service.clone();
            request.extensions_mut().insert(Rest { next, call });
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(typed)?;
            let response = service.call(request).await.map_err(typed)?;
            Ok(response.map(into_body))
        })
    }
}

/// What comes after a layer, carried in the request's extensions.
#[derive(Clone)]
struct Rest {
    next: Next,
    call: Call,
}

/// The service that a layer wraps: the rest of the chain of whatever request it is given.
#[derive(Debug, Clone)]
pub struct RestOfChain(());

impl<B> Service<http::Request<B>> for RestOfChain
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = CallError;
    type Future = BoxFuture<'static, Result<Response, CallError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        match request.extensions_mut().remove::<Rest>() {
            Some(Rest { next, call }) => next.run(request.map(into_body), call),
            None => Box::pin(std::future::ready(Err(CallError::Panic(
                "a tower layer dropped the request's extensions".into(),
            )))),
        }
    }
}

/// The body as it is, if no layer has wrapped it.
fn into_body<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut slot = Some(body);
    if let Some(plain) = (&mut slot as &mut dyn Any).downcast_mut::<Option<Body>>() {
        return plain.take().unwrap_or_default();
    }
    slot.map_or_else(Body::empty, |body| Body::stream(body.map_err(typed)))
}

/// An error of mik's own as it is, any other as a failure of the middleware.
fn typed(error: impl Into<BoxError>) -> CallError {
    let error: BoxError = error.into();
    match error.downcast::<CallError>() {
        Ok(error) => *error,
        Err(error) => {
            // A layer may have wrapped it: the cause says what to answer.
            let mut cause = error.source();
            while let Some(inner) = cause {
                if let Some(error) = inner.downcast_ref::<CallError>() {
                    return error.clone();
                }
                cause = inner.source();
            }
            CallError::Panic(error.to_string().into())
        }
    }
}
