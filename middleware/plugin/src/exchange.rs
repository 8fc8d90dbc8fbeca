//! What a hook sees of its request.

#![allow(unsafe_code)]

use std::net::SocketAddr;
use std::ops::Deref;

use crate::abi::{self, HostTable, Str};
use crate::{Asks, Headers, Refused, Reply};

/// One request, as far as every hook can read it. What it gives can be used until the hook returns.
#[derive(Debug)]
pub struct Exchange<'a> {
    table: &'a HostTable,
    raw: *mut abi::Request,
}

impl<'a> Exchange<'a> {
    /// `raw` is the request of a hook that runs at least for `'a`.
    pub(crate) fn new(table: &'a HostTable, raw: *mut abi::Request) -> Self {
        Self { table, raw }
    }

    /// The method.
    pub fn method(&self) -> &'a str {
        self.text(abi::METHOD).unwrap_or_default()
    }

    /// The path as it came, percent signs and all.
    pub fn path(&self) -> &'a str {
        self.text(abi::PATH).unwrap_or_default()
    }

    /// What follows the `?`.
    pub fn query(&self) -> Option<&'a str> {
        self.text(abi::QUERY_STRING)
    }

    /// The route as a pattern, such as `/run/orders/*`: of bounded variety.
    pub fn route(&self) -> &'a str {
        self.text(abi::ROUTE).unwrap_or_default()
    }

    /// The module that answers, if one does.
    pub fn module(&self) -> Option<&'a str> {
        self.text(abi::MODULE)
    }

    /// The script that answers, if one does.
    pub fn script(&self) -> Option<&'a str> {
        self.text(abi::SCRIPT)
    }

    /// The id of the request, as it stands in the log.
    pub fn id(&self) -> &'a str {
        self.text(abi::REQUEST_ID).unwrap_or_default()
    }

    /// The client's address, where the request came over a socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.text(abi::PEER)?.parse().ok()
    }

    fn text(&self, what: u32) -> Option<&'a str> {
        // SAFETY: the hook runs, and what the host gives is valid until it returns.
        let text = unsafe { self.table.text?(self.raw, what).bytes() };
        std::str::from_utf8(text?).ok()
    }

    fn ask(&mut self, what: Asks) -> Result<(), Refused> {
        // SAFETY: the hook runs.
        let code = self.table.ask.map(|ask| unsafe { ask(self.raw, what.0) });
        Refused::check(code.unwrap_or(abi::FAILED))
    }

    pub(crate) fn reply(&mut self, reply: &Reply) -> Result<(), Refused> {
        let headers: Vec<_> = reply
            .headers
            .iter()
            .map(|(name, value)| abi::Header {
                name: Str::new(name.as_bytes()),
                value: Str::new(value),
            })
            .collect();
        let Some(send) = self.table.reply else { return Err(Refused::Failed) };
        let (status, body) = (u32::from(reply.status), Str::new(&reply.body));
        // SAFETY: the hook runs, and all is borrowed for the call.
        Refused::check(unsafe { send(self.raw, status, headers.as_ptr(), headers.len(), body) })
    }

    fn status(&self) -> u16 {
        // SAFETY: the hook runs.
        let status = self.table.status.map_or(0, |status| unsafe { status(self.raw) });
        u16::try_from(status).unwrap_or(0)
    }

    fn set_status(&mut self, status: u16) -> Result<(), Refused> {
        // SAFETY: the hook runs.
        let code = self.table.status_set.map(|set| unsafe { set(self.raw, status.into()) });
        Refused::check(code.unwrap_or(abi::FAILED))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        // SAFETY: the hook runs, and the bytes are borrowed for the call.
        let code = self.table.body_write.map(|write| unsafe { write(self.raw, Str::new(bytes)) });
        Refused::check(code.unwrap_or(abi::FAILED))
    }
}

/// The head of a request that has come.
#[derive(Debug)]
pub struct RequestHead<'a> {
    exchange: Exchange<'a>,
    headers: Headers<'a>,
}

impl<'a> RequestHead<'a> {
    pub(crate) fn new(table: &'a HostTable, raw: *mut abi::Request) -> Self {
        Self { exchange: Exchange::new(table, raw), headers: Headers::new(table, raw) }
    }

    /// Its header fields.
    pub fn headers(&self) -> &Headers<'a> {
        &self.headers
    }

    /// Its header fields, to change them.
    pub fn headers_mut(&mut self) -> &mut Headers<'a> {
        &mut self.headers
    }

    /// Asks for more hooks of this request.
    ///
    /// # Errors
    /// Never between this SDK and its own version of mik. A refusal fails the request, even if it is
    /// ignored: a plugin that does not see what it must see is no open door.
    pub fn ask(&mut self, what: Asks) -> Result<(), Refused> {
        self.exchange.ask(what)
    }
}

impl<'a> Deref for RequestHead<'a> {
    type Target = Exchange<'a>;

    fn deref(&self) -> &Exchange<'a> {
        &self.exchange
    }
}

/// The head of a response that has not been sent.
#[derive(Debug)]
pub struct ResponseHead<'a> {
    exchange: Exchange<'a>,
    headers: Headers<'a>,
}

impl<'a> ResponseHead<'a> {
    pub(crate) fn new(table: &'a HostTable, raw: *mut abi::Request) -> Self {
        Self { exchange: Exchange::new(table, raw), headers: Headers::new(table, raw) }
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.exchange.status()
    }

    /// Sets its status.
    ///
    /// # Errors
    /// [`Refused::Invalid`] where it is not one of 200 to 599.
    pub fn set_status(&mut self, status: u16) -> Result<(), Refused> {
        self.exchange.set_status(status)
    }

    /// Its header fields.
    pub fn headers(&self) -> &Headers<'a> {
        &self.headers
    }

    /// Its header fields, to change them.
    pub fn headers_mut(&mut self) -> &mut Headers<'a> {
        &mut self.headers
    }

    /// Asks for more hooks of this request: those of the response body, and the end.
    ///
    /// # Errors
    /// [`Refused::NotNow`] for the request body. A refusal fails the request, even if it is ignored.
    pub fn ask(&mut self, what: Asks) -> Result<(), Refused> {
        self.exchange.ask(what)
    }
}

impl<'a> Deref for ResponseHead<'a> {
    type Target = Exchange<'a>;

    fn deref(&self) -> &Exchange<'a> {
        &self.exchange
    }
}

/// A chunk of a body on its way.
#[derive(Debug)]
pub struct Chunk<'a> {
    exchange: Exchange<'a>,
    bytes: &'a [u8],
    is_end: bool,
}

impl<'a> Chunk<'a> {
    pub(crate) fn new(
        table: &'a HostTable,
        raw: *mut abi::Request,
        bytes: &'a [u8],
        is_end: bool,
    ) -> Self {
        Self { exchange: Exchange::new(table, raw), bytes, is_end }
    }

    /// What has come. Chunks are as the network, or the handler, made them.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the body has ended. Such a chunk has no bytes, and bytes may be put in its place.
    pub fn is_end(&self) -> bool {
        self.is_end
    }

    /// Puts these bytes in the place of the chunk; each further call adds to them. Nothing at all drops
    /// the chunk.
    ///
    /// # Errors
    /// [`Refused::NotNow`] where changes were not asked for. It fails the request, even if it is ignored.
    pub fn replace(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Refused> {
        self.exchange.write(bytes.as_ref())
    }
}

impl<'a> Deref for Chunk<'a> {
    type Target = Exchange<'a>;

    fn deref(&self) -> &Exchange<'a> {
        &self.exchange
    }
}
