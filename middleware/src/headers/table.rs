//! `[middleware.headers]`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use mik_core::values::{Checked, HOUR, Text, Time};
use schemars::JsonSchema;
use serde::Deserialize;

use super::rules::{Changes, HeaderRules, Hsts, in_request, in_response, left_alone};
use crate::field::{FieldName, FieldValue};

/// `[middleware.headers]`: header fields that are set, removed, or added for safety.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// Fields that every response has, with their values, such as { "x-frame-options" = "DENY" }.
    set: BTreeMap<Text<OfResponse>, Text<FieldValue>>,
    /// Fields that no response has, such as ["server", "x-powered-by"].
    remove: Vec<Text<OfResponse>>,
    /// Adds, where the module has not set them: x-content-type-options: nosniff, x-frame-options: DENY,
    /// referrer-policy, cross-origin-opener-policy and cross-origin-resource-policy: same-origin.
    security: bool,
    /// Sends strict-transport-security: browsers come back over HTTPS alone.
    hsts: Option<HstsTable>,
    /// The same for requests, on their way in.
    request: RequestTable,
}

/// `hsts`: RFC 6797.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table, such as { max_age = \"8760h\", include_subdomains = true }"
)]
struct HstsTable {
    /// For how long; "0s" takes an earlier word back.
    #[schemars(extend("default" = "8760h"))]
    max_age: Option<Time<0, { 10 * 8_760 * HOUR }>>,
    /// Whether it holds for all hosts below this one too.
    include_subdomains: bool,
    /// Whether browsers may build it in. It needs include_subdomains and a year.
    preload: bool,
}

/// `request`: fields of requests.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default, expecting = "a table, such as { remove = [\"x-internal\"] }")]
struct RequestTable {
    /// Fields that every request has, with their values.
    set: BTreeMap<Text<OfRequest>, Text<FieldValue>>,
    /// Fields that no request has.
    remove: Vec<Text<OfRequest>>,
}

impl Table {
    pub(super) fn rules(self) -> HeaderRules {
        let hsts = self.hsts.map(|table| Hsts {
            max_age: table.max_age.map_or(Hsts::default().max_age, Time::get),
            include_subdomains: table.include_subdomains,
            preload: table.preload,
        });
        HeaderRules {
            response: changes(self.remove, self.set, |name| name.0),
            request: changes(self.request.remove, self.request.set, |name| name.0),
            security: self.security,
            hsts,
        }
    }
}

fn changes<T>(
    remove: Vec<Text<T>>,
    set: BTreeMap<Text<T>, Text<FieldValue>>,
    name: fn(T) -> HeaderName,
) -> Changes {
    let set = set.into_iter().map(|(key, value)| (name(key.0), value.0.0));
    Changes { remove: remove.into_iter().map(|key| name(key.0)).collect(), set: set.collect() }
}

/// Defines the name of a field that `$check` lets pass.
macro_rules! names {
    ($($(#[$meta:meta])* $name:ident: $check:ident;)*) => {$(
        $(#[$meta])*
        #[derive(PartialEq, Eq)]
        struct $name(HeaderName);

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let FieldName(name) = text.parse()?;
                $check(&name).map_err(|reason| left_alone(&name, reason))?;
                Ok(Self(name))
            }
        }

        impl Checked for $name {
            const EXPECTED: &'static str = FieldName::EXPECTED;
            const PATTERN: &'static str = FieldName::PATTERN;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0.as_str())
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.as_str().cmp(other.0.as_str())
            }
        }
    )*};
}

names! {
    /// The name of a response's field.
    OfResponse: in_response;
    /// The name of a request's field.
    OfRequest: in_request;
}
