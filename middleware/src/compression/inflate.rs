//! Request bodies that are unpacked before anybody reads them.

use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use mik_core::units::ByteSize;
use mik_core::{Body, CallError, ClientFault, Matched, Request};

use super::DIGESTS;
use super::coding::Coding;
use super::decode::{Inflated, refuse};
use crate::request_body::Refusals;

/// How far request bodies are inflated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InflateLimits {
    /// The most bytes of an inflated body. Default 10 MiB.
    pub max_inflated: ByteSize,
    /// How many times larger than it was sent a body may become, once it is past 64 KiB. Default 100.
    pub max_ratio: u64,
}

/// What is inflated, and how far.
#[derive(Debug)]
pub(super) struct Inflate {
    limits: InflateLimits,
    codings: Vec<Coding>,
    /// What the answer to any other coding says (RFC 7694).
    accepts: HeaderValue,
}

impl Default for InflateLimits {
    fn default() -> Self {
        Self { max_inflated: ByteSize::mib(10), max_ratio: 100 }
    }
}

impl Inflate {
    /// Inflates gzip, and whatever else responses are compressed with.
    pub(super) fn new(limits: InflateLimits, responses: &[Coding]) -> Self {
        let is_known = |coding: &Coding| *coding == Coding::Gzip || responses.contains(coding);
        let codings: Vec<_> = Coding::ALL.into_iter().filter(is_known).collect();
        let names = codings.iter().map(|coding| coding.as_str()).collect::<Vec<_>>().join(", ");
        let accepts = HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static("gzip"));
        Self { limits, codings, accepts }
    }

    /// Makes the body of `request` an inflated one, where it is encoded. What is found wrong with it is
    /// told to the fault that this returns.
    ///
    /// # Errors
    /// [`CallError::Coding`] for one or more codings that are not inflated here.
    pub(super) fn open(
        &self,
        request: &mut Request,
        matched: &Arc<Matched>,
        refusals: &Refusals,
    ) -> Result<Option<ClientFault>, CallError> {
        if !request.headers().contains_key(CONTENT_ENCODING) || request.body().length() == Some(0) {
            return Ok(None);
        }
        let coding = self.coding(request.headers());
        let coding = coding.inspect_err(|error| refuse(error, matched, refusals))?;
        let Some(coding) = coding else { return Ok(None) };
        let headers = request.headers_mut();
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
        DIGESTS.iter().for_each(|digest| drop(headers.remove(digest)));
        let fault = ClientFault::of(request);
        let body = std::mem::take(request.body_mut());
        let limits = self.limits.clone();
        let told = (fault.clone(), matched.clone(), refusals.clone());
        *request.body_mut() = Body::stream(Inflated::new(body, coding, limits, told));
        Ok(Some(fault))
    }

    /// Tells the client what it may send instead.
    pub(super) fn hint(&self, headers: &mut HeaderMap) {
        headers.insert(ACCEPT_ENCODING, self.accepts.clone());
    }

    /// The one coding of a body; `None` where there is none in truth.
    fn coding(&self, headers: &HeaderMap) -> Result<Option<Coding>, CallError> {
        let lines = headers.get_all(CONTENT_ENCODING).iter();
        let names = lines.flat_map(|line| line.as_bytes().split(|b| *b == b','));
        let mut names = names.map(<[u8]>::trim_ascii).filter(|name| {
            // An empty entry of a list is none (RFC 9110, 5.6.1.2).
            !name.is_empty() && !name.eq_ignore_ascii_case(b"identity")
        });
        match (names.next(), names.next()) {
            (None, _) => Ok(None),
            (Some(name), None) => Coding::named(name)
                .filter(|coding| self.codings.contains(coding))
                .map(Some)
                .ok_or(CallError::Coding),
            // Each further one multiplies what a body may inflate to.
            _ => Err(CallError::Coding),
        }
    }
}
