//! A host as a tower service, to live inside another server.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;

use super::Host;
use crate::{Body, BoxFuture, CallError, Response};

impl<B> tower_service::Service<http::Request<B>> for Host
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let host = self.clone();
        let request = request.map(|body| {
            Body::stream(body.map_err(|error| {
                tracing::debug!("request body: {error}");
                CallError::ClientGone
            }))
        });
        Box::pin(async move { Ok(host.serve(request, None).await) })
    }
}
