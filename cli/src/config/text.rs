//! The texts of `mik.toml` that mean something: names, routes, hosts, environment variables.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use mik_core::values::Checked;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

/// Where to listen: an IP address, or a name that resolves to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The address or name as text; an IPv6 address has no brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HostName {
    fn default() -> Self {
        Self("127.0.0.1".into())
    }
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        let numeric = bare.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let name = !numeric && (1..=253).contains(&bare.len()) && bare.bytes().all(plain);
        if name || bare.parse::<IpAddr>().is_ok() {
            return Ok(Self(bare.to_owned()));
        }
        Err(format!("{text:?} is no address to listen on: expected {}", Self::EXPECTED))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Checked for HostName {
    const EXPECTED: &'static str = "an IP address or a host name, such as \"127.0.0.1\" or \"::\"";
    const PATTERN: &'static str = "^[][A-Za-z0-9.:-]+$";
}

/// The name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvName(String);

impl EnvName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains(['=', '\0']) {
            return Err(format!(
                "{text:?} cannot name an environment variable: it is empty, or has a '=' or NUL"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Checked for EnvName {
    const EXPECTED: &'static str = "the name of an environment variable, such as \"LOG_LEVEL\"";
    const PATTERN: &'static str = "^[^=]+$";
}

/// The value of an environment variable of a guest.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum EnvValue {
    /// This text.
    Text(String),
    /// What a variable of mik's own environment holds at start.
    From(EnvSource),
}

/// `{ from = "NAME" }`: a variable of mik's own environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvSource {
    /// Its name there.
    pub from: String,
}

impl<'de> Deserialize<'de> for EnvValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = EnvValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a text, or { from = \"NAME\" } for a variable of mik's own environment",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<EnvValue, E> {
                if text.contains('\0') {
                    return Err(E::custom("an environment variable cannot hold a NUL"));
                }
                Ok(EnvValue::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EnvValue, A::Error> {
                EnvSource::deserialize(MapAccessDeserializer::new(map)).map(EnvValue::From)
            }
        }

        from.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_or_names() {
        for (text, host) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(text.parse::<HostName>().unwrap().as_str(), host);
        }
        for bad in ["", "127.0.0.1:80", "a b", "http://x", "127.0.0", "999.1.1.1"] {
            assert!(bad.parse::<HostName>().is_err(), "{bad:?}");
        }
    }
}
