//! What a request is counted under.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::str::FromStr;

use http::HeaderName;
use mik_core::values::{Checked, Text};
use mik_core::{Call, Request};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::client::household;

/// What has a rate of its own: `"client"`, or each combination of several parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitKey(Vec<Part>);

/// One property of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Client,
    Route,
    Module,
    /// All values of a header field. Requests without it are counted together.
    Header(HeaderName),
}

impl RateLimitKey {
    /// The key of one request as a number: what clients send is not kept, and which requests fall together
    /// cannot be found out without the hasher's own secret.
    pub(super) fn hash(
        &self,
        hasher: &RandomState,
        request: &Request,
        call: &Call,
        ipv6_prefix: u32,
    ) -> u64 {
        let mut to = hasher.build_hasher();
        for part in &self.0 {
            match part {
                Part::Client => {
                    call.peer().map(|peer| household(peer.ip(), ipv6_prefix)).hash(&mut to);
                }
                Part::Route => call.matched().route.hash(&mut to),
                Part::Module => call.matched().target.hash(&mut to),
                Part::Header(name) => {
                    for value in request.headers().get_all(name) {
                        value.as_bytes().hash(&mut to);
                    }
                    // What comes next is no value any more.
                    to.write_u8(0xff);
                }
            }
        }
        to.finish()
    }
}

impl Default for RateLimitKey {
    fn default() -> Self {
        Self(vec![Part::Client])
    }
}

/// Parts separated by commas: `client, header:x-api-key`.
impl FromStr for RateLimitKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let header = |text: &str| text.strip_prefix("header:")?.parse().ok().map(Self::Header);
        match text {
            "client" => Ok(Self::Client),
            "route" => Ok(Self::Route),
            "module" => Ok(Self::Module),
            _ => header(text).ok_or_else(|| {
                format!("{text:?} is no key of requests: expected {}", Self::EXPECTED)
            }),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("client"),
            Self::Route => f.write_str("route"),
            Self::Module => f.write_str("module"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl Checked for Part {
    const EXPECTED: &'static str =
        "\"client\", \"route\", \"module\", or a header such as \"header:x-api-key\"";
    const PATTERN: &'static str = "^(client|route|module|header:[!-~]+)$";
}

/// One part, or a list of parts.
impl<'de> Deserialize<'de> for RateLimitKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = RateLimitKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}, or a list of them", Part::EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RateLimitKey, E> {
                Ok(RateLimitKey(vec![text.parse().map_err(E::custom)?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RateLimitKey, A::Error> {
                let mut parts = Vec::new();
                while let Some(Text(part)) = list.next_element()? {
                    parts.push(part);
                }
                match parts.is_empty() {
                    true => Err(A::Error::invalid_length(0, &self)),
                    false => Ok(RateLimitKey(parts)),
                }
            }
        }

        from.deserialize_any(OneOrMore)
    }
}

/// As it is written in `mik.toml`.
impl Serialize for RateLimitKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [part] => to.collect_str(part),
            parts => to.collect_seq(parts.iter().map(ToString::to_string)),
        }
    }
}

impl JsonSchema for RateLimitKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RateLimitKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let part = serde_json::json!({ "type": "string", "pattern": Part::PATTERN });
        json_schema!({ "anyOf": [part, { "type": "array", "items": part, "minItems": 1 }] })
    }
}
