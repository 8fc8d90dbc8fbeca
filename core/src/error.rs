//! What can go wrong with a call, and the one table that turns it into a response.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
};
use http::{Method, StatusCode};

use crate::Response;
use crate::body::Body;
use crate::call::RequestId;

/// The header that names the kind of an error response.
pub const MIK_ERROR: HeaderName = HeaderName::from_static("mik-error");

/// A failed call. Every failure of the host is one of these; [`ErrorKind`] gives its status.
///
/// What a variant carries is for the log. The client sees the title of the kind and, at most,
/// [`CallError::hint`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No route, module or script of that name.
    #[error("{0}")]
    NotFound(Cow<'static, str>),
    /// The target exists, the method does not.
    #[error("method not allowed here")]
    Method(&'static [Method]),
    /// A request that HTTP does not allow, or that two readers could understand differently.
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    /// A request body that is not what its type says, such as broken JSON.
    #[error("{0}")]
    Input(Arc<str>),
    /// Too many header fields or too large a head.
    #[error("request head too large")]
    Head,
    /// Too long a request target.
    #[error("request target longer than {0} bytes")]
    Target(usize),
    /// Too large a request body.
    #[error("request body larger than {0} bytes")]
    BodyTooLarge(u64),
    /// The body did not arrive in time.
    #[error("request body not complete after {0:?}")]
    BodyTimeout(Duration),
    /// A content coding that is not understood here.
    #[error("content coding not supported")]
    Coding,
    /// No credentials, or wrong ones.
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    /// Known, but not allowed to.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// Too many requests in a window.
    #[error("rate limited")]
    RateLimited(Duration),
    /// The circuit breaker of that target is open.
    #[error("circuit open for {target}")]
    CircuitOpen {
        /// What the breaker guards.
        target: crate::Target,
        /// When it will let a probe through.
        retry_after: Duration,
    },
    /// A limit on concurrency or memory is reached, or a module is still compiling.
    #[error("overloaded: {0}")]
    Overloaded(&'static str),
    /// The server is shutting down.
    #[error("draining")]
    Draining,
    /// The guest trapped, or broke the rules of HTTP in its answer.
    #[error("guest trapped: {0}")]
    Trap(Arc<str>),
    /// Host code or a middleware panicked, or failed without saying how.
    #[error("panic: {0}")]
    Panic(Arc<str>),
    /// The guest ran out of memory.
    #[error("guest out of memory: {0}")]
    Memory(Arc<str>),
    /// The guest returned without a response.
    #[error("guest gave no response: {0}")]
    NoResponse(Arc<str>),
    /// A script threw an exception that nothing caught, or gave no answer that can be sent.
    #[error("script failed: {message}")]
    Script {
        /// What it threw, with its stack.
        message: Arc<str>,
    },
    /// A component or script that does not load.
    #[error(transparent)]
    Load(Arc<crate::LoadError>),
    /// Past its deadline.
    #[error("timed out: {0}")]
    Timeout(&'static str),
    /// A call that a script made failed, and the script did not catch it.
    #[error("bad gateway: {0}")]
    BadGateway(Arc<str>),
    /// Calls nested too deep.
    #[error("calls nested deeper than {0}")]
    Loop(u8),
    /// The client went away.
    #[error("client gone")]
    ClientGone,
    /// An outgoing request failed.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// Why an outgoing request of a guest failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// Neither `allowed_hosts` nor, of a script, `modules` names the authority.
    #[error("outgoing request to {0} denied: nothing allows it")]
    Denied(String),
    /// The name resolved to an address that is denied (loopback, private, link-local …).
    #[error("outgoing request to {0} denied: it resolves to a non-public address")]
    AddressDenied(String),
    /// The request itself cannot be sent.
    #[error("bad outgoing request: {0}")]
    Invalid(&'static str),
    /// The method cannot be sent.
    #[error("bad outgoing request: the method {0} is not allowed")]
    Method(&'static str),
    /// The body of the request broke off, or was not as long as its head said.
    #[error("bad outgoing request: {0}")]
    RequestBody(Arc<str>),
    /// The name does not resolve.
    #[error("cannot resolve {0}")]
    Dns(String),
    /// No connection within its time.
    #[error("connection to {0} timed out")]
    ConnectTimeout(String),
    /// The connection was refused or reset, or there is no way to the address.
    #[error("cannot connect to {authority}: {reason}")]
    Connect {
        /// Whom.
        authority: String,
        /// Which of these it was.
        kind: std::io::ErrorKind,
        /// What the operating system said.
        reason: Arc<str>,
    },
    /// The TLS handshake failed.
    #[error("TLS with {authority} failed: {reason}")]
    Tls {
        /// With whom.
        authority: String,
        /// What rustls said.
        reason: Arc<str>,
    },
    /// The certificate of the peer is not valid for it, or nobody trusts who signed it.
    #[error("TLS with {authority} failed: {reason}")]
    Certificate {
        /// Whose.
        authority: String,
        /// What rustls said.
        reason: Arc<str>,
    },
    /// The peer closed or reset the connection before it answered.
    #[error("upstream closed the connection: {0}")]
    Closed(Arc<str>),
    /// The peer did not take the request within its time.
    #[error("upstream did not read the request within the time")]
    WriteTimeout,
    /// No response head within its time.
    #[error("no response within the time")]
    ResponseTimeout,
    /// The body stalled.
    #[error("response body stalled")]
    BodyTimeout,
    /// The head of the response has too many fields or too many bytes.
    #[error("response head too large")]
    ResponseHead,
    /// The response ended before it was complete.
    #[error("incomplete response: {0}")]
    Incomplete(Arc<str>),
    /// The chunks of the response are none.
    #[error("broken transfer coding of the response: {0}")]
    TransferCoding(Arc<str>),
    /// The peer broke HTTP in another way.
    #[error("upstream protocol error: {0}")]
    Protocol(Arc<str>),
}

/// The stable kind of a failure: one status, one name, one title each.
///
/// It is sent as `mik-error`, labels metrics, and lies in the extensions of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table below says what each one is")]
pub enum ErrorKind {
    NotFound,
    Method,
    Malformed,
    Input,
    Head,
    Target,
    Body,
    BodyTimeout,
    Coding,
    Unauthorized,
    Forbidden,
    RateLimited,
    CircuitOpen,
    Overloaded,
    Draining,
    Trap,
    Panic,
    Memory,
    NoResponse,
    Exception,
    Load,
    Timeout,
    BadGateway,
    Loop,
    ClientGone,
}

impl ErrorKind {
    /// The table: status, stable name, title.
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::NotFound => (404, "not-found", "Not found"),
            Self::Method => (405, "method", "Method not allowed"),
            Self::Malformed => (400, "malformed", "Malformed request"),
            Self::Input => (400, "input", "The request body is not what its type says"),
            Self::Head => (431, "head", "Request head too large"),
            Self::Target => (414, "target", "Request target too long"),
            Self::Body => (413, "body", "Request body too large"),
            Self::BodyTimeout => (408, "body-timeout", "Request body took too long"),
            Self::Coding => (415, "coding", "Content coding not supported"),
            Self::Unauthorized => (401, "unauthorized", "Unauthorized"),
            Self::Forbidden => (403, "forbidden", "Forbidden"),
            Self::RateLimited => (429, "rate-limited", "Too many requests"),
            Self::CircuitOpen => (503, "circuit-open", "Circuit open"),
            Self::Overloaded => (503, "overloaded", "Overloaded"),
            Self::Draining => (503, "draining", "Shutting down"),
            Self::Trap => (500, "trap", "The handler failed"),
            Self::Panic => (500, "panic", "Internal error"),
            Self::Memory => (500, "memory", "The handler ran out of memory"),
            Self::NoResponse => (500, "no-response", "The handler gave no response"),
            Self::Exception => (500, "exception", "The script failed"),
            Self::Load => (500, "load", "The handler cannot be loaded"),
            Self::Timeout => (504, "timeout", "The handler took too long"),
            Self::BadGateway => (502, "bad-gateway", "A call to another service failed"),
            Self::Loop => (508, "loop", "Calls nested too deep"),
            Self::ClientGone => (499, "client-gone", "Client closed the connection"),
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The name sent as `mik-error` and used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// A short title for people.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// Whether the connection must end after this response, because what follows on it cannot be
    /// trusted to be a request.
    pub const fn closes(self) -> bool {
        matches!(
            self,
            Self::Malformed
                | Self::Head
                | Self::Target
                | Self::Body
                | Self::BodyTimeout
                | Self::Draining
                | Self::Panic
        )
    }
}

impl CallError {
    /// For what can only be read.
    ///
    /// # Errors
    /// [`Self::Method`] for every method but GET and HEAD.
    pub fn unless_read(method: &Method) -> Result<(), Self> {
        match *method {
            Method::GET | Method::HEAD => Ok(()),
            _ => Err(Self::Method(&[Method::GET, Method::HEAD])),
        }
    }

    /// The kind, which decides status and name.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Method(_) => ErrorKind::Method,
            Self::Malformed(_) => ErrorKind::Malformed,
            Self::Input(_) => ErrorKind::Input,
            Self::Head => ErrorKind::Head,
            Self::Target(_) => ErrorKind::Target,
            Self::BodyTooLarge(_) => ErrorKind::Body,
            Self::BodyTimeout(_) => ErrorKind::BodyTimeout,
            Self::Coding => ErrorKind::Coding,
            Self::Unauthorized(_) => ErrorKind::Unauthorized,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::RateLimited(_) => ErrorKind::RateLimited,
            Self::CircuitOpen { .. } => ErrorKind::CircuitOpen,
            Self::Overloaded(_) => ErrorKind::Overloaded,
            Self::Draining => ErrorKind::Draining,
            Self::Trap(_) => ErrorKind::Trap,
            Self::Panic(_) => ErrorKind::Panic,
            Self::Memory(_) => ErrorKind::Memory,
            Self::NoResponse(_) => ErrorKind::NoResponse,
            Self::Script { .. } => ErrorKind::Exception,
            Self::Load(_) => ErrorKind::Load,
            Self::Timeout(_) => ErrorKind::Timeout,
            Self::BadGateway(_) | Self::Upstream(_) => ErrorKind::BadGateway,
            Self::Loop(_) => ErrorKind::Loop,
            Self::ClientGone => ErrorKind::ClientGone,
        }
    }

    /// What the client may know beyond the title: its own mistakes and the host's limits, never what
    /// happened inside a guest.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound(_)
            | Self::Method(_)
            | Self::Malformed(_)
            | Self::Input(_)
            | Self::Target(_)
            | Self::BodyTooLarge(_)
            | Self::BodyTimeout(_)
            | Self::Loop(_)
            | Self::Overloaded(_) => Some(self.to_string()),
            _ => None,
        }
    }

    /// How long the client should wait before it tries again (RFC 9110, 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(after) | Self::CircuitOpen { retry_after: after, .. } => Some(*after),
            Self::Overloaded(_) | Self::Draining => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The response for this error: `application/problem+json` (RFC 9457) with a `mik-error` header,
    /// with the [`ErrorKind`] and the error itself in its extensions.
    pub fn into_response(self, request: &RequestId) -> Response {
        let kind = self.kind();
        let mut problem = serde_json::json!({
            "type": format_args!("urn:mik:error:{}", kind.as_str()).to_string(),
            "title": kind.title(),
            "status": kind.status().as_u16(),
            "instance": request.to_string(),
        });
        if let Some(hint) = self.hint() {
            problem["detail"] = hint.into();
        }
        let mut response = Response::new(Body::from(Bytes::from(problem.to_string())));
        *response.status_mut() = kind.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(MIK_ERROR, HeaderValue::from_static(kind.as_str()));
        if let Some(after) = self.retry_after() {
            // Whole seconds, rounded up: never invite a client back too early.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::Method(allowed) = &self {
            let list = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
            if let Ok(list) = HeaderValue::try_from(list) {
                headers.insert(ALLOW, list);
            }
        }
        if kind.closes() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.extensions_mut().insert(kind);
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn an_error_is_a_short_problem_document_without_internals() {
        let id = RequestId::generate();
        let error = CallError::Trap("wasm backtrace: secret".into());
        let response = error.into_response(&id);
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[MIK_ERROR], "trap");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.extensions().get(), Some(&ErrorKind::Trap));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(!body.contains("secret"), "{body}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["type"], "urn:mik:error:trap");
        assert_eq!(problem["status"], 500);
        assert_eq!(problem["instance"], id.to_string());
    }

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        let error = CallError::RateLimited(Duration::from_millis(1_200));
        let response = error.into_response(&RequestId::generate());
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }

    /// Only a plugin makes it, which no case of the suite has.
    #[test]
    fn what_is_forbidden_is_told_as_that() {
        let response = CallError::Forbidden("it says no").into_response(&RequestId::generate());
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()[MIK_ERROR], "forbidden");
    }

    #[test]
    fn a_wrong_method_lists_the_right_ones() {
        let error = CallError::Method(&[Method::GET, Method::HEAD]);
        let response = error.into_response(&RequestId::generate());
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }

    #[tokio::test]
    async fn a_client_learns_what_is_wrong_with_its_body_and_nothing_of_a_script() {
        for (error, status, kind, detail) in [
            (CallError::Input("line 1: no JSON".into()), 400, "input", Some("line 1: no JSON")),
            (CallError::Script { message: "at secret.ts".into() }, 500, "exception", None),
        ] {
            let response = error.into_response(&RequestId::generate());
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[MIK_ERROR], kind);
            assert!(!response.headers().contains_key(CONNECTION));
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["detail"].as_str(), detail, "{problem}");
        }
    }

    #[test]
    fn what_cannot_be_followed_by_a_request_closes() {
        for error in [CallError::Malformed("x"), CallError::Head, CallError::BodyTooLarge(1)] {
            let response = error.into_response(&RequestId::generate());
            assert_eq!(response.headers()[CONNECTION], "close");
        }
    }
}
