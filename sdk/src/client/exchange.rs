//! Sending requests, and waiting for their responses.

#[cfg(target_arch = "wasm32")]
pub(super) use wasi::run;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasi::{Progress, Sending};

use super::{Error, Request, Response};

/// Outside a host, a test answers.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn run(requests: Vec<Request>) -> Vec<Result<Response, Error>> {
    let ask = |request: Request| {
        request.parts()?;
        crate::testing::ask(request)
    };
    requests.into_iter().map(ask).collect()
}

#[cfg(target_arch = "wasm32")]
mod wasi {
    use super::{Error, Request, Response};
    use crate::bindings::wasi::clocks::monotonic_clock;
    use crate::bindings::wasi::http::outgoing_handler;
    use crate::bindings::wasi::http::types::{
        Fields, FutureIncomingResponse, IncomingResponse, OutgoingBody, OutgoingRequest,
        RequestOptions, Scheme,
    };
    use crate::bindings::wasi::io::poll::{poll, Pollable};
    use crate::bindings::wasi::io::streams::OutputStream;
    use crate::body::{BodyStream, Source};
    use crate::client::Content;
    use crate::headers::Headers;
    use crate::request::method_of;
    use crate::time::nanoseconds;

    type Outcome = Result<Response, Error>;

    /// Sends all requests, and waits until each has its outcome.
    pub(in crate::client) fn run(requests: Vec<Request>) -> Vec<Outcome> {
        let mut exchanges: Vec<_> = requests.into_iter().map(State::begin).collect();
        loop {
            let mut waiting = Vec::new();
            for exchange in &mut exchanges {
                exchange.advance(&mut waiting);
            }
            if waiting.is_empty() {
                break;
            }
            poll(&waiting.iter().collect::<Vec<_>>());
        }
        exchanges.into_iter().map(State::outcome).collect()
    }

    enum State {
        Waiting(Exchange),
        Over(Outcome),
    }

    impl State {
        fn begin(request: Request) -> Self {
            match Exchange::begin(request) {
                Ok(exchange) => Self::Waiting(exchange),
                Err(error) => Self::Over(Err(error)),
            }
        }

        /// Does what can be done at once. Notes what to wait for; nothing if it is over.
        fn advance(&mut self, waiting: &mut Vec<Pollable>) {
            if let Self::Waiting(exchange) = self {
                if let Some(outcome) = exchange.advance(waiting) {
                    *self = Self::Over(outcome);
                }
            }
        }

        fn outcome(self) -> Outcome {
            match self {
                Self::Over(outcome) => outcome,
                Self::Waiting(_) => Err(Error::Broken),
            }
        }
    }

    /// A request on its way.
    struct Exchange {
        response: FutureIncomingResponse,
        sending: Option<Sending>,
        deadline: Option<u64>,
    }

    impl Exchange {
        fn begin(request: Request) -> Result<Self, Error> {
            let outgoing = outgoing(&request)?;
            let body = match &request.content {
                Content::Empty => None,
                _ => outgoing.body().ok(),
            };
            let sending = body.and_then(|body| Sending::begin(body, request.content));
            let timeout = request.timeout.map(nanoseconds);
            let options = timeout.map(|timeout| {
                let options = RequestOptions::new();
                // A host may not know one of them; the deadline below holds all the same.
                let _ = options.set_connect_timeout(Some(timeout));
                let _ = options.set_first_byte_timeout(Some(timeout));
                let _ = options.set_between_bytes_timeout(Some(timeout));
                options
            });
            Ok(Self {
                response: outgoing_handler::handle(outgoing, options)?,
                sending,
                deadline: timeout.map(|timeout| monotonic_clock::now().saturating_add(timeout)),
            })
        }

        fn advance(&mut self, waiting: &mut Vec<Pollable>) -> Option<Outcome> {
            if let Some(sending) = &mut self.sending {
                match sending.advance() {
                    Progress::Waiting => {}
                    Progress::Over => self.sending = None,
                    Progress::Failed(reason) => return Some(Err(Error::Other(reason))),
                }
            }
            if let Some(response) = self.response.get() {
                return Some(match response {
                    Ok(Ok(response)) => received(&response, self.sending.take()),
                    Ok(Err(code)) => Err(code.into()),
                    Err(()) => Err(Error::Broken),
                });
            }
            if let Some(deadline) = self.deadline {
                if monotonic_clock::now() >= deadline {
                    return Some(Err(Error::Timeout));
                }
                waiting.push(monotonic_clock::subscribe_instant(deadline));
            }
            waiting.push(self.response.subscribe());
            waiting.extend(self.sending.as_ref().map(Sending::subscribe));
            None
        }
    }

    fn received(response: &IncomingResponse, sending: Option<Sending>) -> Outcome {
        let headers = Headers::new(response.headers().entries());
        let source = response.consume().ok().and_then(Source::new);
        let source = source.ok_or(Error::Broken)?.while_sending(sending);
        Ok(Response::new(response.status(), headers, BodyStream::new(source)))
    }

    fn outgoing(request: &Request) -> Result<OutgoingRequest, Error> {
        let url = request.parts()?;
        let refused = |what: &str| Error::Request([what, " is not valid"].concat());
        let fields = match &request.content {
            Content::Bytes(bytes) => {
                let mut fields = request.headers.clone();
                fields.retain(|(name, _)| name != "content-length");
                fields.push(("content-length".to_owned(), bytes.len().to_string().into_bytes()));
                Fields::from_list(&fields)
            }
            _ => Fields::from_list(&request.headers),
        };
        let fields = fields.map_err(|_| refused("a header field of the request"))?;
        let outgoing = OutgoingRequest::new(fields);
        let scheme = if url.is_secure { Scheme::Https } else { Scheme::Http };
        outgoing.set_method(&method_of(&request.method)).map_err(|()| refused("the method"))?;
        outgoing.set_scheme(Some(&scheme)).map_err(|()| refused("the URL"))?;
        outgoing.set_authority(Some(url.authority)).map_err(|()| refused("the URL"))?;
        outgoing.set_path_with_query(Some(&url.target)).map_err(|()| refused("the URL"))?;
        Ok(outgoing)
    }

    /// Content that is on its way out. One that is dropped before its end breaks the request off.
    #[derive(Debug)]
    pub(crate) struct Sending {
        // A child of the body: dropped before it.
        stream: Option<OutputStream>,
        body: Option<OutgoingBody>,
        pieces: Content,
        piece: Vec<u8>,
        at: usize,
    }

    pub(crate) enum Progress {
        Waiting,
        Over,
        Failed(String),
    }

    impl Sending {
        fn begin(body: OutgoingBody, pieces: Content) -> Option<Self> {
            let stream = body.write().ok()?;
            Some(Self { stream: Some(stream), body: Some(body), pieces, piece: Vec::new(), at: 0 })
        }

        /// Writes as much as the other side takes.
        pub(crate) fn advance(&mut self) -> Progress {
            loop {
                if self.at == self.piece.len() {
                    match self.pieces.next() {
                        Some(Ok(piece)) => self.piece = piece,
                        Some(Err(reason)) => return Progress::Failed(reason),
                        None => return self.finish(),
                    }
                    self.at = 0;
                    continue;
                }
                let Some(stream) = &self.stream else { return Progress::Over };
                let rest = &self.piece[self.at..];
                let written = match stream.check_write() {
                    Ok(0) => return Progress::Waiting,
                    Ok(room) => {
                        let count = usize::try_from(room).unwrap_or(usize::MAX).min(rest.len());
                        stream.write(&rest[..count]).map(|()| count)
                    }
                    Err(error) => Err(error),
                };
                match written {
                    Ok(count) => self.at += count,
                    // The other side takes no more; why, its response tells.
                    Err(_) => return Progress::Over,
                }
            }
        }

        pub(crate) fn subscribe(&self) -> Pollable {
            match &self.stream {
                Some(stream) => stream.subscribe(),
                None => monotonic_clock::subscribe_duration(0),
            }
        }

        fn finish(&mut self) -> Progress {
            self.stream = None;
            if let Some(body) = self.body.take() {
                // A failure shows in the response.
                let _ = OutgoingBody::finish(body, None);
            }
            Progress::Over
        }
    }

    impl Content {
        fn next(&mut self) -> Option<Result<Vec<u8>, String>> {
            match self {
                Self::Pieces(pieces) => pieces.next(),
                Self::Bytes(bytes) if !bytes.is_empty() => Some(Ok(std::mem::take(bytes))),
                _ => None,
            }
        }
    }
}
