//! Request bodies that are inflated: whatever they are, no more than the limit comes out, and the answer says
//! what was wrong.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use mik_core::units::ByteSize;
use mik_core::{Body, Response};
use mik_middleware::{Coding, Compression, CompressionOptions, InflateLimits};

use super::rig::Rig;

/// The most that a body may become.
const MOST: usize = 128 << 10;
/// A bound on hanging.
const LONG: Duration = Duration::from_secs(5);

const CODINGS: [&str; 4] = ["gzip", "br", "zstd", "deflate"];

/// A host, and how many bytes its module saw last.
static RIG: LazyLock<Mutex<(Rig, Arc<AtomicUsize>)>> = LazyLock::new(|| Mutex::new(inflating()));

/// The first byte says the coding, the rest is the body.
pub(super) fn check(input: &[u8]) {
    let Some((first, body)) = input.split_first() else { return };
    let coding = CODINGS[usize::from(*first) % CODINGS.len()];
    let (rig, seen) = &*RIG.lock().unwrap_or_else(PoisonError::into_inner);
    seen.store(0, Ordering::Relaxed);
    let started = Instant::now();
    let request = http::Request::post("/run/t/").header(CONTENT_ENCODING, coding);
    let answer = rig.send(request.body(Bytes::copy_from_slice(body).into()).unwrap());
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    assert!(answer.is_whole);
    let seen = seen.load(Ordering::Relaxed);
    assert!(seen <= MOST, "{seen} bytes came out of {}", body.len());
    match answer.status {
        // It was inflated, or there was nothing to inflate.
        200 => assert_eq!(answer.body, seen.to_string().as_bytes()),
        415 => assert!(answer.field("accept-encoding").is_some()),
        400 | 413 => assert!(answer.field("mik-error").is_some()),
        status => panic!("{status} to {coding}"),
    }
    // An empty body is in no coding at all.
    let is_known = coding != "deflate" || body.is_empty();
    assert!(is_known || answer.status == 415, "{coding} is not known: {}", answer.status);
}

fn inflating() -> (Rig, Arc<AtomicUsize>) {
    let limits = InflateLimits { max_inflated: ByteSize::bytes(MOST as u64), ..Default::default() };
    let codings = vec![Coding::Gzip, Coding::Br, Coding::Zstd];
    let options = CompressionOptions { codings, inflate: Some(limits), ..Default::default() };
    let seen = Arc::<AtomicUsize>::default();
    let counter = seen.clone();
    let rig = Rig::new(
        |_: &Path| Compression::new(options),
        move |request| {
            let seen = counter.clone();
            async move {
                let mut body = request.into_body();
                while let Some(frame) = body.frame().await {
                    seen.fetch_add(frame?.data_ref().map_or(0, Bytes::len), Ordering::Relaxed);
                }
                Ok(Response::new(Body::from(seen.load(Ordering::Relaxed).to_string())))
            }
        },
    );
    (rig, seen)
}
