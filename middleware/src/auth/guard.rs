//! What is asked of requests, and what is said to those that do not bring it.

use std::fmt;

use http::HeaderName;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use mik_core::values::Text;

use super::secrets::Secrets;
use super::values::Realm;
use crate::exempt::{Exempt, Exemption};

/// What is asked of requests for one target.
pub(super) struct Guard {
    pub(super) tokens: Secrets,
    pub(super) keys: Secrets,
    pub(super) header: HeaderName,
    pub(super) realm: Realm,
    pub(super) open: Exempt,
    pub(super) forward: bool,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No credential of a kind that is asked for.
    Missing,
    /// A bearer token that is not known, or more than one.
    Token,
    /// A key that is not known, or more than one.
    Key,
}

impl Guard {
    /// Whether these header fields bring a credential that is known.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut verdict = Refusal::Missing;
        for (secrets, presented, refusal) in [
            (&self.tokens, presented(headers, &AUTHORIZATION, bearer), Refusal::Token),
            (
                &self.keys,
                presented(headers, &self.header, |key| Some(key.as_bytes())),
                Refusal::Key,
            ),
        ] {
            match presented {
                _ if secrets.is_empty() => {}
                Ok(None) => {}
                Ok(Some(secret)) if secrets.have(secret) => return Ok(()),
                Ok(Some(_)) => verdict = refusal,
                Err(Ambiguous) => return Err(refusal),
            }
        }
        Err(verdict)
    }

    /// Takes out what guests are not to see.
    pub(super) fn conceal(&self, headers: &mut HeaderMap) {
        if self.forward {
            return;
        }
        if !self.tokens.is_empty()
            && headers.get_all(AUTHORIZATION).iter().any(|v| bearer(v).is_some())
        {
            headers.remove(AUTHORIZATION);
        }
        if !self.keys.is_empty() {
            headers.remove(&self.header);
        }
    }

    /// What is asked for, one field for each kind (RFC 9110, 11.6.1). A token that was wrong is told from
    /// none at all (RFC 6750, 3).
    pub(super) fn challenge(&self, refusal: Refusal, headers: &mut HeaderMap) {
        let Realm(realm) = &self.realm;
        let fault = match refusal {
            Refusal::Token => ", error=\"invalid_token\"",
            Refusal::Missing | Refusal::Key => "",
        };
        let kinds = [
            (&self.tokens, format!("Bearer realm=\"{realm}\"{fault}")),
            (&self.keys, format!("ApiKey realm=\"{realm}\", header=\"{}\"", self.header)),
        ];
        for (secrets, challenge) in kinds {
            if let (false, Ok(challenge)) = (secrets.is_empty(), HeaderValue::try_from(challenge)) {
                headers.append(WWW_AUTHENTICATE, challenge);
            }
        }
    }
}

/// Two fields where there may be one: readers might pick either.
struct Ambiguous;

/// The one credential in the field `name`.
fn presented<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    read: impl Fn(&'a HeaderValue) -> Option<&'a [u8]>,
) -> Result<Option<&'a [u8]>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(read(value)),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

/// The token of `Bearer TOKEN`; `None` for any other scheme.
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let value = value.as_bytes();
    let (scheme, rest) = value.split_at(value.iter().position(|b| *b == b' ')?);
    scheme.eq_ignore_ascii_case(b"bearer").then(|| rest.trim_ascii())
}

impl Refusal {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Missing => "no credential",
            Self::Token => "wrong token",
            Self::Key => "wrong key",
        }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            tokens: Secrets::default(),
            keys: Secrets::default(),
            header: HeaderName::from_static("x-api-key"),
            realm: Realm("mik".to_owned()),
            open: Exempt::new(vec![Text(Exemption::Endpoint("health".to_owned()))]),
            forward: false,
        }
    }
}

/// Says nothing of what it guards with.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("realm", &self.realm).finish_non_exhaustive()
    }
}
