//! What wasmtime-wasi-http asks its host.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use http_body_util::BodyExt;
use mik_core::{Body, Call, CallError, SendOptions};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use crate::errors::{request_from_wasi, to_wasi, upstream_to_wasi};

/// Bytes that a guest may write to a body at once.
const CHUNK: usize = 64 << 10;
/// Writes that are buffered before the guest must wait: with one more that the channel always has, a
/// client that does not read holds 320 KiB of a guest's body.
const CHUNKS: usize = 4;

/// The host side of an instance's HTTP.
#[derive(Default)]
pub(crate) struct Hooks {
    call: Option<Served>,
}

/// The call that is being served.
struct Served {
    call: Call,
    answered: Arc<AtomicBool>,
    silence: Duration,
}

impl Hooks {
    pub(crate) fn begin(&mut self, call: Call, answered: Arc<AtomicBool>, silence: Duration) {
        self.call = Some(Served { call, answered, silence });
    }

    pub(crate) fn end(&mut self) {
        self.call = None;
    }

    pub(crate) fn is_in_call(&self) -> bool {
        self.call.is_some()
    }
}

impl Served {
    /// The call on whose behalf a request is sent. Its deadline is that of the response head; a guest that
    /// streams may go on calling others once that is out, as long as it may be silent.
    fn sender(&self) -> Call {
        let call = self.call.clone();
        if self.answered.load(Ordering::Relaxed) { call.after_head(self.silence) } else { call }
    }
}

static FORBIDDEN: LazyLock<ForbiddenHeaderFilter> = LazyLock::new(|| Arc::new(is_forbidden));

fn is_forbidden(name: &HeaderName) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
}

type Sent =
    Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        FORBIDDEN.clone()
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let Some(call) = self.call.as_ref().map(Served::sender) else {
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        };
        let options = options.map_or_else(SendOptions::default, |options| SendOptions {
            connect: options.connect_timeout,
            first_byte: options.first_byte_timeout,
            between_bytes: options.between_bytes_timeout,
        });
        let request = request.map(|body| Body::stream(body.map_err(request_from_wasi)));
        Box::new(async move {
            let response = match call.send(request, options).await {
                Ok(response) => response,
                Err(CallError::Upstream(error)) => return Err(upstream_to_wasi(&error)),
                // Another module failed: its caller sees what a client would.
                Err(error) => error.into_response(call.request_id()),
            };
            let response = response.map(|body| body.map_err(to_wasi).boxed_unsync());
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        CHUNKS
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

/// Bytes of a frame, for the signatures of body adapters.
pub(crate) type Frame = http_body::Frame<Bytes>;
