//! `[middleware.cors]`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use http::Method;
use mik_core::SettingsError;
use mik_core::values::{Checked, HOUR, Text, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::origin::Origin;
use super::policy::{Allowed, CorsPolicy};
use crate::field::FieldName;

/// `[middleware.cors]`: which pages of other origins may call.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    /// The origins whose pages may call, such as ["https://app.example.com"], each exactly as browsers send
    /// it; "*" for all. There is no default.
    origins: Option<List<Origin>>,
    /// The methods that they may use; "*" for all.
    #[schemars(extend("default" = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]))]
    methods: Option<List<MethodName>>,
    /// The header fields that they may send beyond those that are always safe; "*" for all but
    /// `authorization`.
    #[schemars(extend("default" = ["content-type"]))]
    headers: Option<List<FieldName>>,
    /// The header fields of answers that they may read beyond those that are always safe; "*" for all.
    #[schemars(extend("default" = []))]
    expose: Option<List<FieldName>>,
    /// Whether they may call with cookies and client certificates. Not together with "*".
    credentials: bool,
    /// How long a browser may go by the answer to a preflight; browsers have limits of their own.
    #[schemars(extend("default" = "10m"))]
    max_age: Option<Time<0, { 24 * HOUR }>>,
}

impl Table {
    pub(super) fn policy(self) -> Result<CorsPolicy, SettingsError> {
        let origins = match self.origins {
            Some(List(Allowed::These(origins))) if origins.is_empty() => None,
            origins => origins,
        };
        let Some(List(origins)) = origins else {
            return Err(SettingsError::new(
                "it needs `origins`: the pages that may call, such as \
                 origins = [\"https://app.example.com\"], or \"*\" for all",
            ));
        };
        let mut policy = CorsPolicy::of(origins);
        if let Some(List(methods)) = self.methods {
            policy.methods = methods.map(|method| method.0);
        }
        if let Some(List(headers)) = self.headers {
            policy.headers = headers.map(|name| name.0);
        }
        if let Some(List(expose)) = self.expose {
            policy.expose = expose.map(|name| name.0);
        }
        policy.credentials = self.credentials;
        policy.max_age = self.max_age.map_or(policy.max_age, Time::get);
        Ok(policy)
    }
}

/// A list, one text that stands for a list of one, or `"*"`.
struct List<T>(Allowed<T>);

/// An entry of a list.
enum Entry<T> {
    Any,
    One(T),
}

/// A method as pages may ask for it. They are case-sensitive: browsers send `patch` as it is.
struct MethodName(Method);

impl<T> Allowed<T> {
    fn map<U>(self, change: impl FnMut(T) -> U) -> Allowed<U> {
        match self {
            Self::Any => Allowed::Any,
            Self::These(all) => Allowed::These(all.into_iter().map(change).collect()),
        }
    }
}

impl<'de, T: Checked> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Entries(PhantomData)).map(Self)
    }
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: Checked> Visitor<'de> for Entries<T> {
    type Value = Allowed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list, each {}, or \"*\"", T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Allowed<T>, E> {
        let entry = Text::<Entry<T>>::deserialize(StrDeserializer::new(text))?;
        Ok(match entry.0 {
            Entry::Any => Allowed::Any,
            Entry::One(one) => Allowed::These(vec![one]),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Allowed<T>, A::Error> {
        let mut all = Vec::new();
        let mut any = 0;
        while let Some(Text(entry)) = from.next_element::<Text<Entry<T>>>()? {
            match entry {
                Entry::Any => any += 1,
                Entry::One(one) => all.push(one),
            }
        }
        match (any, all.is_empty()) {
            (0, _) => Ok(Allowed::These(all)),
            (_, true) => Ok(Allowed::Any),
            (_, false) => {
                Err(A::Error::custom("\"*\" stands for all, so nothing stands beside it"))
            }
        }
    }
}

impl<T: Checked> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("a list, each {}", T::EXPECTED).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let entry = serde_json::json!({
            "type": "string",
            "anyOf": [{ "const": "*" }, { "pattern": T::PATTERN }],
        });
        json_schema!({ "anyOf": [entry, { "type": "array", "items": entry }] })
    }
}

impl<T: Checked> FromStr for Entry<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "*" { Ok(Self::Any) } else { text.parse().map(Self::One) }
    }
}

impl<T: Checked> Checked for Entry<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const PATTERN: &'static str = T::PATTERN;
}

impl<T: fmt::Display> fmt::Display for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(one) => one.fmt(f),
        }
    }
}

impl FromStr for MethodName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Method::try_from(text) {
            Ok(Method::CONNECT | Method::TRACE) => {
                Err(format!("{text:?} is a method that no page may use"))
            }
            Ok(method) if !text.bytes().any(|b| b.is_ascii_lowercase()) => Ok(Self(method)),
            Ok(_) => {
                let upper = text.to_ascii_uppercase();
                Err(format!("{text:?} is another method than {upper:?}: write {upper:?}"))
            }
            Err(_) => Err(format!("{text:?} is not a method, such as \"PUT\"")),
        }
    }
}

impl Checked for MethodName {
    const EXPECTED: &'static str = "a method, such as \"PUT\"";
    const PATTERN: &'static str = "^[!#$%&'*+.^_`|~0-9A-Z-]+$";
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}
