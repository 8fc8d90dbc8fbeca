//! Compresses responses, and inflates request bodies.

mod accept;
mod coding;
mod decode;
mod encode;
mod inflate;
mod media;
mod response;
mod table;
#[cfg(test)]
mod tests;
mod turn;

use std::future;
use std::sync::Arc;

use http::header::CONTENT_ENCODING;
use http::header::HeaderName;
use http::{HeaderMap, Method, StatusCode};
use mik_core::opentelemetry::metrics::Meter;
use mik_core::units::ByteSize;
use mik_core::{
    Body, BoxFuture, ByTarget, Call, CallError, ErrorKind, Middleware, Next, Request, Response,
    Ring, Rings, Settings, Step,
};

pub use coding::{Coding, Levels};
pub use inflate::InflateLimits;
pub use media::MediaRange;

use crate::request_body::{Refusals, judged};
use crate::table::{Made, schema_of};
use encode::{Compressed, Traffic};
use inflate::Inflate;
use response::Compressible;
use table::Table;

/// Compresses responses as the client accepts it, and inflates request bodies where it is told to. It is on
/// unless its table says otherwise, and stands at the edge.
///
/// **Responses** are compressed with gzip, or with what `codings` names, by the weights of
/// `accept-encoding` (RFC 9110, 12.5.3). Left as they are: responses shorter than `min_size`, of other
/// media types, with a `content-encoding`, with `cache-control: no-transform`, parts (206,
/// `content-range`) and those without content. A response that might have been compressed says
/// `vary: accept-encoding`. One that is has no `content-length`, `accept-ranges` or digest, and a weak
/// `etag`. HEAD is answered with the head that GET would be. A client that accepts nothing at all, not even
/// identity, is answered with identity.
///
/// A body is compressed as it streams, and flushed whenever it has nothing more at the moment:
/// server-sent events arrive one by one. Its trailers and its errors come through. While it lasts, it holds
/// up to 350 KiB with gzip, 4 MiB with br and 1.5 MiB with zstd; at their highest levels 5 MiB. The length
/// of a compressed answer tells of a secret in it where the answer also repeats what its requester chose
/// (BREACH): switch compression off for such a module.
///
/// **Request bodies** are inflated with `inflate = true`: the handler sees the plain body, without
/// `content-encoding` and `content-length`. Past `max_inflated` or `max_ratio` the answer is 413, for
/// broken or truncated data 400, and for a coding that is not known, more than one of them, or a Brotli
/// window of more than 8 MiB, 415 with the `accept-encoding` that is (RFC 7694).
///
/// ```toml
/// [middleware.compression]
/// codings = ["zstd", "br", "gzip"]     # default ["gzip"]
/// level = { gzip = 5, br = 4, zstd = 3 }
/// min_size = "1KiB"
/// types = ["text/*", "+json"]          # default: whatever is text in some way
/// inflate = true                       # default false
/// max_inflated = "10MiB"
/// max_ratio = 100
///
/// [modules.pictures.compression]
/// enabled = false
/// ```
///
/// ```
/// use mik_middleware::{Coding, Compression, CompressionOptions};
///
/// let codings = vec![Coding::Zstd, Coding::Gzip];
/// let compression = Compression::new(CompressionOptions { codings, ..Default::default() });
/// let host = mik_core::Host::builder().middleware(compression);
/// ```
///
/// It counts `mik.compression.in` and `mik.compression.out`, the bytes before and after by coding, and
/// `mik.inflate.refused`, the requests whose body was not inflated, by reason and module.
#[derive(Debug)]
pub struct Compression {
    plans: ByTarget<Plan>,
    traffic: Traffic,
    refusals: Refusals,
}

/// What is compressed, and how.
#[derive(Debug, Clone)]
pub struct CompressionOptions {
    /// Codings of responses, the preferred one first. Default: gzip alone.
    pub codings: Vec<Coding>,
    /// How hard each coding tries.
    pub levels: Levels,
    /// Responses of known length below this stay as they are. Default 1 KiB.
    pub min_size: ByteSize,
    /// Media types that are compressed. Default [`MediaRange::compressible`].
    pub types: Vec<MediaRange>,
    /// How far request bodies are inflated. Default: not at all.
    pub inflate: Option<InflateLimits>,
}

/// The options of one target, ready for use.
#[derive(Debug)]
struct Plan {
    codings: Vec<Coding>,
    levels: Levels,
    compressible: Compressible,
    inflate: Option<Inflate>,
}

/// What of a request bears on how its response is compressed.
#[derive(Clone, Copy)]
struct Asked {
    coding: Option<Coding>,
    is_head: bool,
    /// Whether it has a response with a weak tag, as those have that were encoded here.
    has_weak: bool,
}

/// Fields that hold the digest of the bytes that were sent, or of those that were encoded (RFC 9530).
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

impl Compression {
    /// Compresses, and inflates, as `options` say.
    pub fn new(options: CompressionOptions) -> Self {
        Self::by_target(ByTarget::all(Plan::new(options)))
    }

    pub(crate) fn from_settings(settings: &Settings) -> Made {
        let tables = settings.by_target::<Table>()?;
        let plans = tables.try_map(|table| Ok(Plan::new(table.options()?)))?;
        Ok(Arc::new(Self::by_target(plans)))
    }

    pub(crate) fn schema() -> serde_json::Value {
        schema_of::<Table>()
    }

    fn by_target(plans: ByTarget<Plan>) -> Self {
        Self { plans, traffic: Traffic::default(), refusals: Refusals::default() }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new(CompressionOptions::default())
    }
}

impl Default for CompressionOptions {
    fn default() -> Self {
        Self {
            codings: vec![Coding::Gzip],
            levels: Levels::default(),
            min_size: ByteSize::kib(1),
            types: MediaRange::compressible(),
            inflate: None,
        }
    }
}

impl Plan {
    fn new(options: CompressionOptions) -> Self {
        let CompressionOptions { codings, levels, min_size, types, inflate } = options;
        let inflate = inflate.map(|limits| Inflate::new(limits, &codings));
        Self { codings, levels, compressible: Compressible { min_size, types }, inflate }
    }

    fn asked(&self, method: &Method, headers: &HeaderMap) -> Asked {
        let coding = accept::choose(headers, &self.codings);
        let has_weak = coding.is_some() && response::names_weak_tag(headers);
        Asked { coding, is_head: method == Method::HEAD, has_weak }
    }

    fn compress(&self, response: &mut Response, asked: Asked, traffic: &Traffic) {
        if response.status() == StatusCode::NOT_MODIFIED && asked.coding.is_some() {
            return response::unchanged(response.headers_mut(), asked.has_weak);
        }
        if self.codings.is_empty() || !self.compressible.contains(response) {
            return;
        }
        response::vary(response.headers_mut());
        let Some(coding) = asked.coding else { return };
        let body = response::encoded(response, coding);
        if asked.is_head {
            // Its length would be taken for that of the encoded form.
            return body.discard();
        }
        let compressed = Compressed::new(body, coding, &self.levels, traffic.clone());
        *response.body_mut() = Body::stream(compressed);
    }
}

impl Middleware for Compression {
    fn name(&self) -> &str {
        "compression"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn begin<'a>(&'a self, _: Ring, request: &mut Request, call: &mut Call) -> Step<'a> {
        let Some(plan) = self.plans.of(&call.matched().target) else { return Step::Pass };
        if plan.inflate.is_some() && request.headers().contains_key(CONTENT_ENCODING) {
            return Step::Handle;
        }
        if plan.codings.is_empty() {
            return Step::Pass;
        }
        let asked = plan.asked(request.method(), request.headers());
        Step::after(move |answer| {
            if let Ok(response) = answer {
                plan.compress(response, asked, &self.traffic);
            }
        })
    }

    fn handle<'a>(
        &'a self,
        mut request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        let Some(plan) = self.plans.of(&call.matched().target) else {
            return next.run(request, call);
        };
        let opened = plan.inflate.as_ref().map_or(Ok(None), |inflate| {
            inflate.open(&mut request, call.matched(), &self.refusals).map_err(|e| (inflate, e))
        });
        let fault = match opened {
            Ok(fault) => fault,
            Err((inflate, error)) => {
                let mut response = error.into_response(call.request_id());
                inflate.hint(response.headers_mut());
                return Box::pin(future::ready(Ok(response)));
            }
        };
        if plan.codings.is_empty() && fault.is_none() {
            return next.run(request, call);
        }
        let asked = plan.asked(request.method(), request.headers());
        let id = fault.as_ref().map(|_| call.request_id().clone());
        let answer = next.run(request, call);
        Box::pin(async move {
            let answer = match fault {
                Some(fault) => judged(fault, answer).await,
                None => answer.await,
            };
            let mut response = match (answer, id) {
                (Err(error), Some(id)) if error.kind() == ErrorKind::Coding => {
                    error.into_response(&id)
                }
                (answer, _) => answer?,
            };
            // That it cannot be inflated may show only when it is read.
            let refused = response.extensions().get() == Some(&ErrorKind::Coding);
            if let Some(inflate) = plan.inflate.as_ref().filter(|_| refused) {
                inflate.hint(response.headers_mut());
            }
            plan.compress(&mut response, asked, &self.traffic);
            Ok(response)
        })
    }

    fn instrument(&self, meter: &Meter) {
        self.traffic.count_with(meter);
        self.refusals.count_with(
            meter
                .u64_counter("mik.inflate.refused")
                .with_unit("{request}")
                .with_description("Requests whose body was not inflated, by reason")
                .build(),
        );
    }
}
