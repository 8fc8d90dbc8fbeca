//! One exchange from its start to the end of its response body, told to one observer.

#![allow(dead_code, reason = "each feature alone uses only some of it")]

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use mik_core::{BoxFuture, CallError, ErrorKind, Outcome, Response, UpstreamError};
use tokio::time::Instant;

/// Who is told how an exchange ended.
pub(crate) trait Observer: Send + 'static {
    fn ended(self, took: Duration, end: &End<'_>);
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    /// The status, where there was a response head.
    pub(crate) status: Option<StatusCode>,
    /// Bytes of the response body.
    pub(crate) bytes: u64,
    /// What went wrong, if anything did.
    pub(crate) failure: Option<Failure<'a>>,
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure<'a> {
    /// With this error.
    Error(&'a CallError),
    /// It was answered with an error of this kind.
    Kind(ErrorKind),
    /// Whoever asked has left before the end.
    Gone,
    /// Something within it panicked.
    Panicked,
}

/// An exchange under way. Its observer is told exactly once: when it has ended, or when this is dropped
/// because it was given up.
pub(crate) struct Exchange<O: Observer> {
    started: Instant,
    observer: Option<O>,
}

impl<O: Observer> Exchange<O> {
    /// One that began at `started`.
    pub(crate) fn start(started: Instant, observer: O) -> Self {
        Self { started, observer: Some(observer) }
    }

    /// Runs it. It has ended when the body of the response has.
    pub(crate) fn run<'a>(
        self,
        exchange: BoxFuture<'static, Result<Response, CallError>>,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        Box::pin(async move {
            let mut answer = exchange.await;
            self.answered(&mut answer);
            answer
        })
    }

    /// The same where the exchange has its answer.
    pub(crate) fn answered(self, answer: &mut Result<Response, CallError>) {
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                let failure = Some(Failure::Error(error));
                return self.end(Instant::now(), &End { status: None, bytes: 0, failure });
            }
        };
        let status = Some(response.status());
        // At the edge an error has become a response.
        let kind = response.extensions().get::<ErrorKind>().copied().map(Failure::Kind);
        response.body_mut().add_on_end(move |end| {
            let failure = match &end.outcome {
                Outcome::Complete => kind,
                Outcome::Failed(error) => Some(Failure::Error(error)),
                Outcome::Dropped => Some(Failure::gone()),
            };
            self.end(end.at, &End { status, bytes: end.bytes, failure });
        });
    }

    fn end(mut self, at: Instant, end: &End<'_>) {
        self.tell(at, end);
    }

    fn tell(&mut self, at: Instant, end: &End<'_>) {
        if let Some(observer) = self.observer.take() {
            observer.ended(at.saturating_duration_since(self.started), end);
        }
    }
}

impl<O: Observer> Drop for Exchange<O> {
    fn drop(&mut self) {
        self.tell(Instant::now(), &End { status: None, bytes: 0, failure: Some(Failure::gone()) });
    }
}

impl Failure<'_> {
    fn gone() -> Self {
        // What unwinds through here is answered further out.
        if std::thread::panicking() { Self::Panicked } else { Self::Gone }
    }

    /// A name of bounded variety; `gone` for [`Failure::Gone`].
    pub(crate) fn name(&self, gone: &'static str) -> &'static str {
        match self {
            Self::Error(CallError::Upstream(error)) => name(error),
            Self::Error(error) => error.kind().as_str(),
            Self::Kind(kind) => kind.as_str(),
            Self::Gone => gone,
            Self::Panicked => ErrorKind::Panic.as_str(),
        }
    }

    /// The kind that stands for it towards the client.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Error(error) => error.kind(),
            Self::Kind(kind) => *kind,
            Self::Gone => ErrorKind::ClientGone,
            Self::Panicked => ErrorKind::Panic,
        }
    }

    /// In words, for the operator.
    pub(crate) fn told(&self) -> Cow<'static, str> {
        match self {
            Self::Error(error) => error.to_string().into(),
            Self::Kind(kind) => kind.title().into(),
            Self::Gone => "given up".into(),
            Self::Panicked => "panic".into(),
        }
    }
}

fn name(error: &UpstreamError) -> &'static str {
    match error {
        UpstreamError::Denied(_) => "denied",
        UpstreamError::AddressDenied(_) => "address-denied",
        UpstreamError::Invalid(_) | UpstreamError::Method(_) | UpstreamError::RequestBody(_) => {
            "invalid"
        }
        UpstreamError::Dns(_) => "dns",
        UpstreamError::ConnectTimeout(_) => "connect-timeout",
        UpstreamError::Connect { .. } => "connect",
        UpstreamError::Tls { .. } | UpstreamError::Certificate { .. } => "tls",
        UpstreamError::Closed(_) => "closed",
        UpstreamError::WriteTimeout => "write-timeout",
        UpstreamError::ResponseTimeout => "response-timeout",
        UpstreamError::BodyTimeout => "body-timeout",
        UpstreamError::Incomplete(_) => "incomplete",
        UpstreamError::ResponseHead
        | UpstreamError::TransferCoding(_)
        | UpstreamError::Protocol(_) => "protocol",
        _ => ErrorKind::BadGateway.as_str(),
    }
}
