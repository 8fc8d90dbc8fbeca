//! What each instruction does.

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use mik_core::{CallError, Request, SendOptions, UpstreamError};
use tokio::time::{Instant, sleep};

use crate::inspect::inspect;
use crate::program::Instruction;
use crate::run::{Next, Run};
use crate::text::Text;

/// Fields of a connection and of a message's frame: those are the host's.
const OF_THE_HOST: [HeaderName; 7] = [
    CONNECTION,
    HOST,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

impl Run {
    pub(crate) async fn execute(
        &mut self,
        instruction: &Instruction,
    ) -> Result<Option<Next>, CallError> {
        match instruction {
            Instruction::Status(status) => self.status = self.value(status)?,
            Instruction::Header(name, value) => {
                let (name, value) = (self.text(name)?, self.text(value)?);
                self.header(&name, value.as_bytes())?;
            }
            Instruction::Trailer(name, value) => {
                let (name, value) = (self.text(name)?, self.text(value)?);
                // HTTP/1.1 sends only those that were announced.
                self.header(TRAILER.as_str(), name.as_bytes())?;
                set(&mut self.trailers, &name, value.as_bytes())?;
            }
            Instruction::Length(factors) => {
                let mut length = 1_u64;
                for factor in factors {
                    length = length.saturating_mul(self.value(factor)?);
                }
                self.header(CONTENT_LENGTH.as_str(), length.to_string().as_bytes())?;
            }
            Instruction::Say(text) => return data(self.text(text)? + "\n"),
            Instruction::Write(text) => return data(self.text(text)?),
            Instruction::Fill(size) => {
                let size = self.room_for(self.value(size)?)?;
                let letter = b'a' + u8::try_from(self.turn % 26).unwrap_or_default();
                return data(vec![letter; size]);
            }
            Instruction::Echo => {
                let request = self.request.clone();
                for name in [CONTENT_TYPE, TRAILER] {
                    self.take_over(&name, &request.headers)?;
                }
                self.pours = Some(std::mem::take(&mut self.body));
                return Ok(Some(Next::Head));
            }
            Instruction::Inspect => {
                let body = std::mem::take(&mut self.body);
                let seen = inspect(&self.request, body, self.call.grants()).await;
                self.header(CONTENT_TYPE.as_str(), b"application/json")?;
                return data(seen.to_string());
            }
            Instruction::Call(method, url) => {
                let (method, url) = (self.value(method)?, self.text(url)?);
                return self.send(method, &url).await;
            }
            Instruction::Pass(fields) => return self.pass(fields),
            Instruction::Wait(Some(time)) => sleep(self.value(time)?).await,
            Instruction::Wait(None) => std::future::pending().await,
            Instruction::Work(time) => {
                let time = time.as_ref().map(|time| self.value(time)).transpose()?;
                let since = Instant::now();
                while time.is_none_or(|time| since.elapsed() < time) {
                    self.breathe().await;
                }
            }
            Instruction::Hold(size) => {
                let size = self.room_for(self.value(size)?.get())?;
                self.held.resize(self.held.len() + size, 1);
            }
            Instruction::Refuse(text) => {
                return self.refuse(StatusCode::BAD_REQUEST, self.text(text)? + "\n");
            }
            Instruction::Fail(text) => return Err(CallError::Trap(self.text(text)?.into())),
            Instruction::Panic(text) => panic!("{}", self.text(text)?),
            Instruction::Quit => return Err(CallError::NoResponse("it has quit".into())),
            Instruction::End => self.line = self.program.lines.len(),
        }
        Ok(None)
    }

    /// Calls a module of this host, or another server, where the grants of this one allow it.
    async fn send(&mut self, method: Method, url: &str) -> Result<Option<Next>, CallError> {
        // An answer that nobody wanted is read to its end: that call was a good one.
        if let Some(mut earlier) = self.called.take() {
            while let Some(frame) = earlier.body_mut().frame().await {
                frame?;
            }
        }
        let mut request = Request::default();
        *request.uri_mut() =
            url.parse().map_err(|_| CallError::Input(format!("{url:?} is no URL").into()))?;
        if matches!(method, Method::POST | Method::PUT | Method::PATCH) {
            *request.body_mut() = std::mem::take(&mut self.body);
            if let Some(of) = self.request.headers.get(CONTENT_TYPE) {
                request.headers_mut().insert(CONTENT_TYPE, of.clone());
            }
        }
        *request.method_mut() = method;
        let call = self.call.clone();
        let silence = self.program.limits.silence;
        let call = if self.is_answered { call.after_head(silence) } else { call };
        self.called = Some(match call.send(request, SendOptions::default()).await {
            Ok(response) => response,
            Err(CallError::Upstream(error)) => {
                return self.refuse(StatusCode::BAD_GATEWAY, told(&error) + "\n");
            }
            // A module that fails has an answer: the one that a client would get.
            Err(error) => error.into_response(call.request_id()),
        });
        Ok(None)
    }

    /// Makes the answer to the last call the own one, with these fields beside its type.
    fn pass(&mut self, fields: &[HeaderName]) -> Result<Option<Next>, CallError> {
        let nothing = || CallError::Trap("there is no answer to pass on".into());
        let (head, body) = self.called.take().ok_or_else(nothing)?.into_parts();
        self.status = head.status;
        for name in fields.iter().chain([&CONTENT_TYPE]) {
            self.take_over(name, &head.headers)?;
        }
        self.pours = Some(body);
        Ok(Some(Next::Head))
    }

    /// Answers with this alone, and is done.
    fn refuse(&mut self, status: StatusCode, text: String) -> Result<Option<Next>, CallError> {
        if self.is_answered {
            return Err(CallError::Trap(text.into()));
        }
        let program = self.program.clone();
        let empty = Request::default();
        *self = Self {
            status,
            line: program.lines.len(),
            ..Self::new(program, empty, self.call.clone())
        };
        data(text)
    }

    /// Sets a field of the answer to what another message has.
    fn take_over(&mut self, name: &HeaderName, from: &HeaderMap) -> Result<(), CallError> {
        self.headers.remove(name);
        from.get_all(name).iter().try_for_each(|value| self.header(name.as_str(), value.as_bytes()))
    }

    fn header(&mut self, name: &str, value: &[u8]) -> Result<(), CallError> {
        let only_once = [CONTENT_TYPE, CONTENT_LENGTH];
        if let Some(name) = only_once.iter().find(|only| name.eq_ignore_ascii_case(only.as_str())) {
            self.headers.remove(name);
        }
        self.fields += name.len() + value.len();
        if self.fields > self.program.limits.fields.as_usize() {
            return Err(CallError::Memory("too many header fields".into()));
        }
        set(&mut self.headers, name, value)
    }

    /// So many bytes more, if the module may use them.
    fn room_for(&self, bytes: u64) -> Result<usize, CallError> {
        let full = || CallError::Memory(format!("no room for {bytes} bytes more").into());
        usize::try_from(bytes).ok().filter(|bytes| *bytes <= self.room()).ok_or_else(full)
    }

    fn room(&self) -> usize {
        self.program.limits.memory.as_usize().saturating_sub(self.held.len())
    }

    fn text(&self, text: &Text) -> Result<String, CallError> {
        text.fill(self.room(), |name| self.parameter(name))
    }
}

fn data(bytes: impl Into<Bytes>) -> Result<Option<Next>, CallError> {
    Ok(Some(Next::Frame(Frame::data(bytes.into()))))
}

/// What a guest is told of a call that was not made; what mik has denied by the names that WASI has for it.
fn told(error: &UpstreamError) -> String {
    match error {
        UpstreamError::Denied(_) => "HttpRequestDenied".to_owned(),
        UpstreamError::AddressDenied(_) => "DestinationIpProhibited".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Adds a field. What is none, or the host's, is left out.
pub(crate) fn set(to: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), CallError> {
    let name = HeaderName::from_bytes(name.as_bytes());
    let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) else { return Ok(()) };
    if OF_THE_HOST.contains(&name) {
        return Ok(());
    }
    let many = |_| CallError::Memory("too many header fields".into());
    to.try_append(name, value).map(drop).map_err(many)
}
