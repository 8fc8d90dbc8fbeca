//! What a hook may see and do while it runs.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{Entry, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use mik_core::{Body, Call, CallError, Matched, Request, RequestId, Response, Target};
use mik_plugin::abi::{self, Str};

/// What decides where a message ends or whom it is for, and what concerns one connection only.
const NOT_FOR_PLUGINS: [&str; 11] = [
    "content-length",
    "transfer-encoding",
    "host",
    "connection",
    "te",
    "upgrade",
    "proxy-authenticate",
    "proxy-authorization",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
];

/// What of a request stays known after it has gone on.
pub(super) struct Seen {
    method: Method,
    uri: Uri,
    matched: Arc<Matched>,
    pub(super) request_id: RequestId,
    peer: Option<SocketAddr>,
}

/// What comes of a hook.
pub(super) enum Verdict {
    /// On as before.
    Go,
    /// With this answer.
    Reply(Response),
    /// The request fails.
    Failed(CallError),
}

/// The head that a hook may read and change.
pub(super) enum Head<'a> {
    None,
    Request(&'a mut HeaderMap),
    Response(&'a mut StatusCode, &'a mut HeaderMap),
}

/// What a hook may do beyond that.
#[derive(Clone, Copy, Default)]
pub(super) struct May {
    /// `ABI_ASK_…` bits.
    pub(super) ask: u32,
    pub(super) reply: bool,
    pub(super) write: bool,
}

/// A hook that runs: what the request pointer of the ABI leads to.
pub(super) struct Hook<'a> {
    seen: &'a Seen,
    head: Head<'a>,
    may: May,
    pub(super) asked: u32,
    pub(super) reply: Option<Response>,
    pub(super) written: Option<Vec<u8>>,
    /// Why the request fails, whatever the hook returns.
    pub(super) fault: Option<&'static str>,
    pub(super) explanation: Option<String>,
    texts: [Option<String>; 3],
    /// What was replaced or removed: the plugin may still look at it.
    old_names: Vec<HeaderName>,
    old_values: Vec<HeaderValue>,
}

impl Seen {
    pub(super) fn of(request: &Request, call: &Call) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            matched: call.matched().clone(),
            request_id: call.request_id().clone(),
            peer: call.peer(),
        }
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }
}

impl Verdict {
    /// What the middleware returns, where the handler has answered with `response`.
    pub(super) fn into_result(self, response: Response) -> Result<Response, CallError> {
        match self {
            Self::Go => Ok(response),
            Self::Reply(reply) => Ok(reply),
            Self::Failed(error) => Err(error),
        }
    }
}

impl Head<'_> {
    fn headers(&mut self) -> Result<&mut HeaderMap, i32> {
        match self {
            Self::None => Err(abi::NOT_NOW),
            Self::Request(headers) | Self::Response(_, headers) => Ok(headers),
        }
    }
}

impl<'a> Hook<'a> {
    pub(super) fn new(seen: &'a Seen, head: Head<'a>, may: May) -> Self {
        Self {
            seen,
            head,
            may,
            asked: 0,
            reply: None,
            written: None,
            fault: None,
            explanation: None,
            texts: [None, None, None],
            old_names: Vec::new(),
            old_values: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, what: u32) -> Str {
        let seen = self.seen;
        let text = match what {
            abi::METHOD => Some(seen.method.as_str()),
            abi::PATH => Some(seen.uri.path()),
            abi::QUERY_STRING => seen.uri.query(),
            abi::ROUTE => Some(&*seen.matched.route),
            abi::MODULE => match &seen.matched.target {
                Target::Module(name) => Some(name.as_str()),
                _ => None,
            },
            abi::SCRIPT => match &seen.matched.target {
                Target::Script(name) => Some(name.as_str()),
                _ => None,
            },
            abi::REQUEST_ID => self.written_out(0, |seen| Some(seen.request_id.to_string())),
            abi::PEER => self.written_out(1, |seen| Some(seen.peer?.to_string())),
            abi::PEER_IP => self.written_out(2, |seen| Some(seen.peer?.ip().to_string())),
            _ => None,
        };
        text.map_or(Str::NONE, |text| Str::new(text.as_bytes()))
    }

    /// A text that does not lie somewhere already.
    fn written_out(&mut self, at: usize, make: fn(&Seen) -> Option<String>) -> Option<&str> {
        if self.texts[at].is_none() {
            self.texts[at] = make(self.seen);
        }
        self.texts[at].as_deref()
    }

    pub(super) fn header(&mut self, name: &[u8], index: usize) -> Result<Str, i32> {
        let headers = self.head.headers()?;
        let name = std::str::from_utf8(name).map_err(|_| abi::INVALID)?;
        let value = match index {
            0 => headers.get(name),
            _ => headers.get_all(name).iter().nth(index),
        };
        value.map(|value| Str::new(value.as_bytes())).ok_or(abi::NONE)
    }

    pub(super) fn header_at(&mut self, index: usize) -> Result<(Str, Str), i32> {
        let (name, value) = self.head.headers()?.iter().nth(index).ok_or(abi::NONE)?;
        Ok((Str::new(name.as_str().as_bytes()), Str::new(value.as_bytes())))
    }

    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), i32> {
        let value = HeaderValue::from_bytes(value).map_err(|_| abi::INVALID)?;
        match entry(self.head.headers()?, name)? {
            Entry::Vacant(entry) => {
                entry.try_insert(value).map_err(|_| abi::LIMIT)?;
            }
            Entry::Occupied(mut entry) => self.old_values.extend(entry.insert_mult(value)),
        }
        Ok(())
    }

    pub(super) fn append(&mut self, name: &[u8], value: &[u8]) -> Result<(), i32> {
        let (name, value) = field(name, value)?;
        self.head.headers()?.try_append(name, value).map_err(|_| abi::LIMIT)?;
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Result<(), i32> {
        let Entry::Occupied(entry) = entry(self.head.headers()?, name)? else {
            return Err(abi::NONE);
        };
        let (name, values) = entry.remove_entry_mult();
        self.old_names.push(name);
        self.old_values.extend(values);
        Ok(())
    }

    pub(super) fn status(&self) -> u32 {
        match &self.head {
            Head::Response(status, _) => status.as_u16().into(),
            _ => 0,
        }
    }

    pub(super) fn set_status(&mut self, status: u32) -> Result<(), i32> {
        let Head::Response(place, _) = &mut self.head else { return Err(abi::NOT_NOW) };
        **place = final_status(status)?;
        Ok(())
    }

    pub(super) fn ask(&mut self, what: u32) -> Result<(), i32> {
        if what & !self.may.ask != 0 {
            self.fault = Some("it asked for what cannot be had");
            return Err(abi::NOT_NOW);
        }
        self.asked |= what;
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), i32> {
        if !self.may.write {
            self.fault = Some("it changed a body without having asked for changes");
            return Err(abi::NOT_NOW);
        }
        self.written.get_or_insert_default().extend_from_slice(bytes);
        Ok(())
    }

    /// The answer in place of the handler's. One that cannot be sent is no reason to go on without.
    pub(super) fn reply<'h>(
        &mut self,
        status: u32,
        fields: impl Iterator<Item = Option<(&'h [u8], &'h [u8])>>,
        body: &[u8],
    ) -> Result<(), i32> {
        if !self.may.reply {
            self.fault = Some("it replied where the response head is on its way");
            return Err(abi::NOT_NOW);
        }
        let made = response(status, fields, body);
        let code = made.as_ref().err().copied();
        self.fault = code.map(|_| "its reply is not allowed by HTTP");
        self.reply = made.ok();
        code.map_or(Ok(()), Err)
    }
}

fn response<'h>(
    status: u32,
    fields: impl Iterator<Item = Option<(&'h [u8], &'h [u8])>>,
    body: &[u8],
) -> Result<Response, i32> {
    let mut response = Response::new(Body::from(Bytes::copy_from_slice(body)));
    *response.status_mut() = final_status(status)?;
    for pair in fields {
        let (name, value) = pair.ok_or(abi::INVALID)?;
        let (name, value) = field(name, value)?;
        response.headers_mut().try_append(name, value).map_err(|_| abi::LIMIT)?;
    }
    Ok(response)
}

fn final_status(status: u32) -> Result<StatusCode, i32> {
    let status = u16::try_from(status).ok().filter(|status| (200..600).contains(status));
    status.and_then(|status| StatusCode::from_u16(status).ok()).ok_or(abi::INVALID)
}

fn field(name: &[u8], value: &[u8]) -> Result<(HeaderName, HeaderValue), i32> {
    let value = HeaderValue::from_bytes(value).map_err(|_| abi::INVALID)?;
    let name = allowed(name)?;
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| abi::INVALID)?, value))
}

/// The place of a header. Its name is only copied where it is new.
fn entry<'h>(headers: &'h mut HeaderMap, name: &[u8]) -> Result<Entry<'h, HeaderValue>, i32> {
    headers.try_entry(allowed(name)?).map_err(|_| abi::INVALID)
}

fn allowed(name: &[u8]) -> Result<&str, i32> {
    let name = std::str::from_utf8(name).map_err(|_| abi::INVALID)?;
    let is_denied = NOT_FOR_PLUGINS.iter().any(|denied| name.eq_ignore_ascii_case(denied));
    if is_denied { Err(abi::DENIED) } else { Ok(name) }
}
