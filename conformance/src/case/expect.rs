//! What must come of a step.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::text::{Text, told};

/// What is expected of the answers of a step. What is not said is not looked at, but for two things: an
/// answer is whole, and it is 200 unless something else is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expect {
    /// The statuses that it may have.
    pub(crate) status: Option<OneOrMany<u16>>,
    /// The kinds of error that it may be.
    pub(crate) kind: Option<OneOrMany<String>>,
    /// Its header fields.
    pub(crate) headers: BTreeMap<String, HeaderRule>,
    /// Its body.
    pub(crate) body: Option<TextRule>,
    /// Its trailers.
    pub(crate) trailers: BTreeMap<String, HeaderRule>,
    /// The interim statuses before it.
    pub(crate) interim: Option<Vec<u16>>,
    /// Whether the body comes to its end.
    pub(crate) whole: Wholeness,
    /// How many answers come.
    pub(crate) answers: Option<usize>,
    /// The second answer and on.
    pub(crate) then: Vec<Expect>,
    /// How many of many answers have which status; `none` is no answer.
    pub(crate) counts: BTreeMap<String, Number>,
    /// What becomes of the connection.
    pub(crate) connection: Fate,
    /// No answer at all.
    pub(crate) nothing: bool,
    /// A bound on hanging.
    #[serde(deserialize_with = "duration")]
    pub(crate) within: Option<Duration>,
    /// It does not come earlier.
    #[serde(deserialize_with = "duration")]
    pub(crate) not_before: Option<Duration>,
    /// The most processor time that the process takes meanwhile.
    #[serde(deserialize_with = "duration")]
    pub(crate) cpu: Option<Duration>,
    /// One of these must hold as well.
    pub(crate) any: Vec<Expect>,
    /// The exit code of a command.
    pub(crate) exit: Option<i32>,
    /// What a command writes.
    pub(crate) stdout: Option<TextRule>,
    /// What a command complains.
    pub(crate) stderr: Option<TextRule>,
    /// Both together.
    pub(crate) output: Option<TextRule>,
}

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fate {
    /// That is not looked at.
    #[default]
    Any,
    /// A further request is answered.
    Open,
    /// It ends, and nothing on it is taken for a request.
    Closed,
}

/// Whether a body comes to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Wholeness {
    /// It does.
    #[default]
    Whole,
    /// It breaks off.
    Broken,
    /// Either.
    Any,
}

/// What a header field must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a value, true or false, a list of values, or a table as of a body")]
pub(crate) enum HeaderRule {
    /// It is there, or it is not.
    There(bool),
    /// The values of all fields of that name.
    All(Vec<Text>),
    /// Its one value.
    Value(TextRule),
}

/// What a text must be: the text, or what is true of it.
#[derive(Debug, Clone)]
pub(crate) enum TextRule {
    /// It.
    Exactly(Text),
    /// What it has.
    Like(Box<Like>),
}

/// What is true of a text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Like {
    /// It is coded so, and decoded before the rest is looked at: `gzip` or `deflate`.
    pub(crate) coding: Option<Coding>,
    /// It is this.
    pub(crate) is: Option<Text>,
    /// It has these.
    pub(crate) has: Option<OneOrMany<Text>>,
    /// It has none of these.
    pub(crate) lacks: Option<OneOrMany<Text>>,
    /// A regular expression finds something.
    pub(crate) matches: Option<Pattern>,
    /// Its length.
    pub(crate) bytes: Option<Number>,
    /// Its JSON has this within.
    pub(crate) json: Option<toml::Value>,
}

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Deflate,
}

/// A regular expression, checked when it is read.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(pub(crate) regex::Regex);

/// One or several.
#[derive(Debug, Clone)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

/// A number, or what is true of it: `3`, `"+1"`, `"=0"`, `">=1"`, `"<=2"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// It.
    Is(f64),
    /// At least.
    AtLeast(f64),
    /// At most.
    AtMost(f64),
}

impl Number {
    /// Whether that number is it.
    pub(crate) fn holds(self, number: f64) -> bool {
        match self {
            Self::Is(it) => (number - it).abs() < 1e-9,
            Self::AtLeast(it) => number >= it,
            Self::AtMost(it) => number <= it,
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Is(it) => write!(f, "{it}"),
            Self::AtLeast(it) => write!(f, "at least {it}"),
            Self::AtMost(it) => write!(f, "at most {it}"),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(from)?;
        let wrong = || {
            de::Error::custom(format!(
                "{}: a number, \"+1\", \"=0\", \">=1\" or \"<=2\"",
                told(&value)
            ))
        };
        match &value {
            toml::Value::Integer(it) => Ok(Self::Is(*it as f64)),
            toml::Value::Float(it) => Ok(Self::Is(*it)),
            toml::Value::String(text) => {
                let (what, rest): (fn(f64) -> Self, _) = if let Some(rest) = text.strip_prefix(">=")
                {
                    (Self::AtLeast, rest)
                } else if let Some(rest) = text.strip_prefix("<=") {
                    (Self::AtMost, rest)
                } else {
                    (Self::Is, text.trim_start_matches(['=', '+']))
                };
                rest.trim().parse().map(what).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}

impl<'de> Deserialize<'de> for TextRule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::String(text) => Ok(Self::Exactly(Text(text))),
            toml::Value::Integer(number) => Ok(Self::Exactly(Text(number.to_string()))),
            table @ toml::Value::Table(_) => Like::deserialize(table)
                .map(|like| Self::Like(Box::new(like)))
                .map_err(de::Error::custom),
            _ => Err(de::Error::custom(
                "a text, or a table of `is`, `has`, `lacks`, `matches`, `bytes`, `json`, `coding`",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        regex::Regex::new(&text).map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Wholeness {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::Boolean(true) => Ok(Self::Whole),
            toml::Value::Boolean(false) => Ok(Self::Broken),
            toml::Value::String(text) if text == "any" => Ok(Self::Any),
            _ => Err(de::Error::custom("true, false or \"any\"")),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(from)? {
            toml::Value::Array(all) => {
                let all: Result<Vec<T>, _> = all
                    .into_iter()
                    .map(|one| T::deserialize(one).map_err(de::Error::custom))
                    .collect();
                all.map(Self)
            }
            one => T::deserialize(one).map(|one| Self(vec![one])).map_err(de::Error::custom),
        }
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    mik_core::units::parse_duration(&text).map(Some).map_err(de::Error::custom)
}
