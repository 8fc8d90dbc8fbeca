//! Why there is no response.

use std::fmt;

use crate::body::ReadError;
use crate::log::{write_text, Level};
use crate::response::Response as Answer;

/// Why there is no response, or not all of it.
///
/// It becomes a response of its own: 504 after a timeout, else 502. The log tells more than the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The host does not let the request out: `allowed_hosts` in `mik.toml` does not list the server.
    Denied,
    /// There is no server of this name.
    Dns,
    /// The server does not take the connection.
    Connect,
    /// The server did not answer in time.
    Timeout,
    /// The connection is not secure: the certificate is not valid, or there is no common protocol.
    Tls,
    /// The content is larger than the limit.
    TooLarge,
    /// The server broke off, or does not speak HTTP.
    Broken,
    /// The request cannot be sent as it is: its URL, method or header fields are not valid.
    Request(String),
    /// The content is not what was expected.
    Content(String),
    /// Something else.
    Other(String),
}

impl Error {
    fn as_str(&self) -> &str {
        match self {
            Self::Denied => {
                "the host does not let the request out; `allowed_hosts` must list the server"
            }
            Self::Dns => "there is no server of this name",
            Self::Connect => "the server does not take the connection",
            Self::Timeout => "the server did not answer in time",
            Self::Tls => "the connection is not secure",
            Self::TooLarge => "the content is too large",
            Self::Broken => "the server broke off",
            Self::Request(what) | Self::Content(what) | Self::Other(what) => what,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Error {}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge => Self::TooLarge,
            ReadError::Timeout => Self::Timeout,
            ReadError::Broken => Self::Broken,
            ReadError::Taken => Self::Other(error.to_string()),
        }
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        write_text(Level::Warn, &["a request to another server failed: ", error.as_str()].concat());
        match error {
            Error::Timeout => Self::problem(504, "another server did not answer in time"),
            _ => Self::problem(502, "another server did not answer as it should"),
        }
    }
}

#[cfg(target_arch = "wasm32")]
impl From<crate::bindings::wasi::http::types::ErrorCode> for Error {
    fn from(code: crate::bindings::wasi::http::types::ErrorCode) -> Self {
        use crate::bindings::wasi::http::types::ErrorCode as Code;
        match code {
            Code::HttpRequestDenied
            | Code::DestinationIpProhibited
            | Code::DestinationIpUnroutable => Self::Denied,
            Code::DnsError(_) | Code::DestinationNotFound => Self::Dns,
            Code::ConnectionRefused
            | Code::DestinationUnavailable
            | Code::ConnectionLimitReached => Self::Connect,
            Code::DnsTimeout
            | Code::ConnectionTimeout
            | Code::ConnectionReadTimeout
            | Code::ConnectionWriteTimeout
            | Code::HttpResponseTimeout => Self::Timeout,
            Code::TlsProtocolError | Code::TlsCertificateError | Code::TlsAlertReceived(_) => {
                Self::Tls
            }
            Code::HttpRequestBodySize(_) | Code::HttpResponseBodySize(_) => Self::TooLarge,
            Code::ConnectionTerminated | Code::HttpResponseIncomplete | Code::HttpProtocolError => {
                Self::Broken
            }
            Code::HttpRequestUriInvalid
            | Code::HttpRequestUriTooLong
            | Code::HttpRequestMethodInvalid
            | Code::HttpRequestLengthRequired => {
                Self::Request("the host says that the request is not valid".to_owned())
            }
            Code::LoopDetected => Self::Other("modules call each other in a circle".to_owned()),
            Code::InternalError(Some(what)) => Self::Other(what),
            _ => Self::Other("the host could not send the request".to_owned()),
        }
    }
}
