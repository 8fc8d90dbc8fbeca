//! What is done to the fields of a message.

use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, EXPECT, HOST, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use mik_core::{MIK_ERROR, SettingsError};

/// A year, which is what the preload lists of browsers ask for.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What `security` adds.
const SECURITY: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What belongs to one connection, or says where a message ends and how its body is to be read.
const FRAMING: [HeaderName; 13] = [
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Which header fields are set and removed; see [`Headers`](super::Headers).
#[derive(Debug, Clone, Default)]
pub struct HeaderRules {
    pub(super) response: Changes,
    pub(super) request: Changes,
    pub(super) security: bool,
    pub(super) hsts: Option<Hsts>,
}

/// HTTP Strict Transport Security (RFC 6797): browsers come back over HTTPS alone.
#[derive(Debug, Clone, Copy)]
pub struct Hsts {
    /// For how long; zero takes an earlier word back. Whole seconds count.
    pub max_age: Duration,
    /// Whether it holds for all hosts below this one too.
    pub include_subdomains: bool,
    /// Whether browsers may build it in. It needs the subdomains and a year.
    pub preload: bool,
}

/// Fields that go, and fields that are replaced.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    pub(super) remove: Vec<HeaderName>,
    pub(super) set: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderRules {
    /// No rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every response has this field with this value alone.
    #[must_use]
    pub fn set(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.response.set.push((name, value));
        self
    }

    /// No response has this field.
    #[must_use]
    pub fn remove(mut self, name: HeaderName) -> Self {
        self.response.remove.push(name);
        self
    }

    /// Every request has this field with this value alone.
    #[must_use]
    pub fn set_in_request(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request.set.push((name, value));
        self
    }

    /// No request has this field.
    #[must_use]
    pub fn remove_from_request(mut self, name: HeaderName) -> Self {
        self.request.remove.push(name);
        self
    }

    /// Adds the fields that make browsers careful, where the module has not set them.
    #[must_use]
    pub fn security(mut self) -> Self {
        self.security = true;
        self
    }

    /// Sends `strict-transport-security`.
    #[must_use]
    pub fn hsts(mut self, hsts: Hsts) -> Self {
        self.hsts = Some(hsts);
        self
    }
}

impl Default for Hsts {
    fn default() -> Self {
        Self { max_age: YEAR, include_subdomains: false, preload: false }
    }
}

impl Hsts {
    fn value(&self) -> Result<HeaderValue, SettingsError> {
        if self.preload && (!self.include_subdomains || self.max_age < YEAR) {
            return Err(SettingsError::new(
                "hsts with preload = true needs include_subdomains = true and a max_age of \"8760h\" or \
                 more: browsers build in no other",
            )
            .of_key("hsts"));
        }
        let mut value = format!("max-age={}", self.max_age.as_secs());
        value += if self.include_subdomains { "; includeSubDomains" } else { "" };
        value += if self.preload { "; preload" } else { "" };
        HeaderValue::try_from(value).map_err(|error| SettingsError::new(error.to_string()))
    }
}

/// Rules with everything that they ever say written out.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) response: Steps,
    pub(super) request: Steps,
}

/// What is done to a message, in this order.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    remove: Vec<HeaderName>,
    add: Vec<(HeaderName, HeaderValue)>,
    set: Vec<(HeaderName, HeaderValue)>,
}

impl Rules {
    pub(super) fn new(rules: HeaderRules) -> Result<Self, SettingsError> {
        let mut response = Steps::of(rules.response, in_response)?;
        if let Some(hsts) = rules.hsts {
            if response.names(&STRICT_TRANSPORT_SECURITY) {
                return Err(SettingsError::new(
                    "hsts says what strict-transport-security is: leave that out of set and remove",
                )
                .of_key("hsts"));
            }
            response.set.push((STRICT_TRANSPORT_SECURITY, hsts.value()?));
        }
        if rules.security {
            let added = SECURITY.into_iter().filter(|(name, _)| !response.names(name));
            response.add =
                added.map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        }
        Ok(Self { response, request: Steps::of(rules.request, in_request)? })
    }
}

impl Steps {
    fn of(
        changes: Changes,
        check: fn(&HeaderName) -> Result<(), &'static str>,
    ) -> Result<Self, SettingsError> {
        let Changes { remove, set } = changes;
        for name in remove.iter().chain(set.iter().map(|(name, _)| name)) {
            check(name).map_err(|reason| SettingsError::new(left_alone(name, reason)))?;
        }
        if let Some((name, _)) = set.iter().find(|(name, _)| remove.contains(name)) {
            return Err(SettingsError::new(format!(
                "{name} is set as well as removed: what is set replaces what there is"
            )));
        }
        Ok(Self { remove, add: Vec::new(), set })
    }

    fn names(&self, name: &HeaderName) -> bool {
        self.remove.contains(name) || self.set.iter().any(|(other, _)| other == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty() && self.set.is_empty()
    }

    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.add {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }
}

/// Whether a response's field of this name may be touched; else why not.
pub(super) fn in_response(name: &HeaderName) -> Result<(), &'static str> {
    match name {
        _ if FRAMING.contains(name) => Err("it says how the message is to be read"),
        _ if *name == MIK_ERROR => Err("it says what failed"),
        // To replace it would hand one user's answer to another: what is in it is true.
        _ if *name == VARY => Err("what is said in it about caching is needed"),
        _ => Ok(()),
    }
}

/// The same for a request's field.
pub(super) fn in_request(name: &HeaderName) -> Result<(), &'static str> {
    match name {
        _ if FRAMING.contains(name) || *name == EXPECT => {
            Err("it says how the message is to be read")
        }
        _ if *name == HOST => Err("a request has exactly one"),
        _ if name == "x-forwarded-prefix" => Err("it says where a module is mounted"),
        _ => Ok(()),
    }
}

pub(super) fn left_alone(name: &HeaderName, reason: &str) -> String {
    format!("{name} can be neither set nor removed: {reason}")
}
