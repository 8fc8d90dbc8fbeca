//! What is allowed, and how it is told.

use std::collections::HashSet;
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use mik_core::{Body, Response, SettingsError};

use super::origin::{InvalidOrigin, Origin};

const ANY: HeaderValue = HeaderValue::from_static("*");

/// What pages of other origins may do; see [`Cors`](super::Cors).
#[derive(Debug, Clone)]
pub struct CorsPolicy {
    pub(super) origins: Allowed<Origin>,
    pub(super) methods: Allowed<Method>,
    pub(super) headers: Allowed<HeaderName>,
    pub(super) expose: Allowed<HeaderName>,
    pub(super) credentials: bool,
    pub(super) max_age: Duration,
}

/// All, or those of a list.
#[derive(Debug, Clone)]
pub(super) enum Allowed<T> {
    Any,
    These(Vec<T>),
}

impl CorsPolicy {
    /// Lets pages of these origins in, such as `https://app.example.com`.
    ///
    /// # Errors
    /// A text that is not an origin.
    pub fn origins<I>(origins: I) -> Result<Self, InvalidOrigin>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let origins = origins.into_iter().map(|origin| origin.as_ref().parse());
        Ok(Self::of(Allowed::These(origins.collect::<Result<_, _>>()?)))
    }

    /// Lets the pages of all origins in.
    pub fn any() -> Self {
        Self::of(Allowed::Any)
    }

    pub(super) fn of(origins: Allowed<Origin>) -> Self {
        let methods =
            [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        Self {
            origins,
            methods: Allowed::These(methods.into()),
            headers: Allowed::These(vec![http::header::CONTENT_TYPE]),
            expose: Allowed::These(Vec::new()),
            credentials: false,
            max_age: Duration::from_secs(600),
        }
    }

    /// The methods that pages may use. Default: all common ones.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Allowed::These(methods.into_iter().collect());
        self
    }

    /// The header fields that pages may send beyond those that are always safe. Default: `content-type`.
    #[must_use]
    pub fn headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers = Allowed::These(names.into_iter().collect());
        self
    }

    /// The header fields of answers that pages may read beyond those that are always safe. Default: none.
    #[must_use]
    pub fn expose(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.expose = Allowed::These(names.into_iter().collect());
        self
    }

    /// Lets pages call with cookies and client certificates.
    #[must_use]
    pub fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// How long a browser may go by a preflight. Default: ten minutes.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }
}

/// A policy with everything that it ever says written out.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// `None` for all.
    origins: Option<HashSet<HeaderValue>>,
    expose: Option<HeaderValue>,
    credentials: bool,
    /// What a preflight is told beside the origin.
    preflight: HeaderMap,
}

impl Policy {
    pub(super) fn new(policy: CorsPolicy) -> Result<Self, SettingsError> {
        let is_any = [
            ("origins", matches!(policy.origins, Allowed::Any)),
            ("methods", matches!(policy.methods, Allowed::Any)),
            ("headers", matches!(policy.headers, Allowed::Any)),
            ("expose", matches!(policy.expose, Allowed::Any)),
        ];
        if let Some((key, _)) = is_any.iter().find(|(_, any)| policy.credentials && *any) {
            return Err(SettingsError::new(format!(
                "{key} = \"*\" and credentials = true exclude each other: list the {key}, or leave \
                 credentials out"
            ))
            .of_key("credentials"));
        }
        let mut preflight = HeaderMap::new();
        let lists = [
            (ACCESS_CONTROL_ALLOW_METHODS, policy.methods.list(Method::as_str)),
            (ACCESS_CONTROL_ALLOW_HEADERS, policy.headers.list(HeaderName::as_str)),
        ];
        preflight.extend(lists.into_iter().filter_map(|(name, list)| Some((name, list?))));
        preflight.insert(ACCESS_CONTROL_MAX_AGE, policy.max_age.as_secs().into());
        let origins = match policy.origins {
            Allowed::Any => None,
            Allowed::These(origins) => Some(origins.into_iter().map(|origin| origin.0).collect()),
        };
        let expose = policy.expose.list(HeaderName::as_str);
        Ok(Self { origins, expose, credentials: policy.credentials, preflight })
    }

    /// What `access-control-allow-origin` says to a request with these headers.
    pub(super) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let Some(origins) = &self.origins else { return Some(ANY) };
        let mut given = headers.get_all(ORIGIN).iter();
        match (given.next(), given.next()) {
            (Some(origin), None) => origins.get(origin).cloned(),
            _ => None,
        }
    }

    /// The answer to a preflight.
    pub(super) fn preflight(&self, origin: Option<HeaderValue>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if origin.is_some() {
            *response.headers_mut() = self.preflight.clone();
        }
        self.tell(response.headers_mut(), origin);
        response
    }

    /// Marks the answer to anything else.
    pub(super) fn mark(&self, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
        silence(headers);
        if let (Some(expose), true) = (&self.expose, origin.is_some()) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
        self.tell(headers, origin);
    }

    fn tell(&self, headers: &mut HeaderMap, origin: Option<HeaderValue>) {
        if self.origins.is_some() && !varies_by_origin(headers) {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        let Some(origin) = origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Takes away what a module says about CORS by itself.
fn silence(headers: &mut HeaderMap) {
    const FIELDS: [HeaderName; 7] = [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
        HeaderName::from_static("access-control-allow-private-network"),
    ];
    // Few answers have any.
    if headers.keys().any(|name| FIELDS.contains(name)) {
        FIELDS.iter().for_each(|name| drop(headers.remove(name)));
    }
}

fn varies_by_origin(headers: &HeaderMap) -> bool {
    let mut names =
        headers.get_all(VARY).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    names.any(|name| {
        matches!(name.trim_ascii(), b"*") || name.trim_ascii().eq_ignore_ascii_case(b"origin")
    })
}

impl<T> Allowed<T> {
    /// As one header value; `None` for an empty list.
    fn list(&self, text: impl Fn(&T) -> &str) -> Option<HeaderValue> {
        let Self::These(all) = self else { return Some(ANY) };
        let list = all.iter().map(text).collect::<Vec<_>>().join(", ");
        HeaderValue::try_from(list).ok().filter(|list| !list.is_empty())
    }
}
