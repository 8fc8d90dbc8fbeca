//! What is done in a case.

use std::collections::BTreeMap;
use std::time::Duration;

use mik_core::units::ByteSize;
use serde::Deserialize;
use serde::de;

use super::expect::{Expect, duration};
use super::text::{Text, told};

/// One step, checked.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// What is done.
    pub(crate) action: Action,
    /// The connection.
    pub(crate) on: String,
    /// Nothing is done for so long afterwards.
    pub(crate) pause: Option<Duration>,
    /// How long a silent peer is waited for.
    pub(crate) patience: Option<Duration>,
    /// How much is read.
    pub(crate) read: Part,
    /// What must come; `None` where nothing was said.
    pub(crate) expect: Option<Expect>,
    /// Fields of the answer whose values stand for something from now on.
    pub(crate) keep: BTreeMap<String, String>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// It sends something, or reads what an earlier step has left.
    Exchange {
        /// What is sent.
        sent: Option<Sent>,
        /// Who gets it.
        to_origin: bool,
        /// One byte each so long.
        drip: Option<Duration>,
        /// The sending side is closed afterwards.
        finish: bool,
        /// How often, and how.
        run: Run,
    },
    /// So many connections are opened and closed.
    Knock(usize),
    /// So many are opened and kept.
    Open(usize),
    /// A connection is closed.
    Close(String),
    /// A connection is reset.
    Reset(String),
    /// The process gets a signal.
    Signal(SignalName),
    /// A file of the project changes.
    Write(Write),
    /// The wall clock is moved by so many seconds.
    Clock(i64),
    /// A command runs to its end.
    Command(Vec<Text>),
    /// So many calls are in flight.
    InFlight(u64),
    /// Nothing.
    Wait,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    /// Bytes.
    Bytes(Text),
    /// A request.
    Request(Request),
}

/// How often something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Once, on the connection of the step.
    Once,
    /// One after the other.
    Times(usize),
    /// All at the same time.
    AtOnce(usize),
    /// Until it is right.
    Eventually,
}

/// How much of an answer is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// All.
    #[default]
    All,
    /// The head and so many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
}

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SignalName {
    /// Drain and end.
    Term,
    /// What Ctrl-C sends.
    Int,
    /// Read `mik.toml` again.
    Hup,
}

/// A request in words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Its method.
    #[serde(default = "get")]
    pub(crate) method: Text,
    /// Its target.
    pub(crate) target: Text,
    /// Its fields beside `host` and `content-length`, unless it has these itself.
    #[serde(default)]
    pub(crate) headers: Headers,
    /// Its body.
    #[serde(default)]
    pub(crate) body: Content,
    /// Its body, chunk by chunk.
    #[serde(default)]
    pub(crate) chunks: Vec<Text>,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// As it is.
    Plain(Text),
    /// Compressed.
    Gzip(Text),
    /// So many zeros, compressed.
    Bomb(u64),
}

/// Header fields in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(pub(crate) Vec<(String, Text)>);

/// How a file changes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Write {
    /// Where it lies in the project.
    pub(crate) path: String,
    /// Its new text.
    pub(crate) text: Option<Text>,
    /// A guest that it becomes.
    pub(crate) guest: Option<String>,
    /// The text comes behind what is there.
    #[serde(default)]
    pub(crate) append: bool,
    /// It is cut to so many bytes, in place.
    pub(crate) truncate: Option<u64>,
    /// It is removed.
    #[serde(default)]
    pub(crate) remove: bool,
}

/// The keys of a step as they stand in a file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keys {
    on: Option<String>,
    send: Option<Text>,
    request: Option<Request>,
    knock: Option<usize>,
    open: Option<usize>,
    close: Option<String>,
    reset: Option<String>,
    signal: Option<SignalName>,
    write: Option<Write>,
    clock: Option<String>,
    run: Option<Vec<Text>>,
    in_flight: Option<u64>,
    #[serde(deserialize_with = "duration")]
    pause: Option<Duration>,
    to: Option<String>,
    #[serde(deserialize_with = "duration")]
    drip: Option<Duration>,
    finish: bool,
    times: Option<usize>,
    at_once: Option<usize>,
    eventually: bool,
    read: Option<toml::Value>,
    #[serde(deserialize_with = "duration")]
    patience: Option<Duration>,
    expect: Option<Expect>,
    keep: BTreeMap<String, String>,
}

/// The names of these keys.
pub(super) const KEYS: [&str; 23] = [
    "on",
    "send",
    "request",
    "knock",
    "open",
    "close",
    "reset",
    "signal",
    "write",
    "clock",
    "run",
    "in_flight",
    "pause",
    "to",
    "drip",
    "finish",
    "times",
    "at_once",
    "eventually",
    "read",
    "patience",
    "expect",
    "keep",
];

fn get() -> Text {
    Text("GET".to_owned())
}

impl Keys {
    /// Whether nothing is said.
    pub(super) fn step(self) -> Result<Step, String> {
        let read = part(self.read.as_ref())?;
        // The origin is another peer, so it is another connection.
        let usual = self.to.as_deref().unwrap_or("main");
        let on = self.on.clone().unwrap_or_else(|| usual.to_owned());
        let (pause, patience) = (self.pause, self.patience);
        let (expect, keep) = (self.expect.clone(), self.keep.clone());
        Ok(Step { action: self.action()?, on, pause, patience, read, expect, keep })
    }

    fn action(self) -> Result<Action, String> {
        let mut actions = Vec::new();
        actions.extend(self.knock.map(Action::Knock));
        actions.extend(self.open.map(Action::Open));
        actions.extend(self.close.map(Action::Close));
        actions.extend(self.reset.map(Action::Reset));
        actions.extend(self.signal.map(Action::Signal));
        if let Some(write) = self.write {
            actions.push(Action::Write(write.checked()?));
        }
        if let Some(by) = self.clock {
            actions.push(Action::Clock(seconds(&by)?));
        }
        actions.extend(self.run.map(Action::Command));
        actions.extend(self.in_flight.map(Action::InFlight));
        let is_silent = self.send.is_none() && self.request.is_none();
        let reads = self.expect.is_some() || self.read.is_some() || self.finish;
        let only_waits = is_silent && !reads && self.pause.is_some();
        if actions.is_empty() && only_waits {
            actions.push(Action::Wait);
        }
        let exchanges = !is_silent || actions.is_empty();
        if exchanges {
            actions.push(Action::Exchange {
                sent: match (self.send, self.request) {
                    (Some(_), Some(_)) => return Err("it is `send` or `request`, not both".into()),
                    (Some(bytes), None) => Some(Sent::Bytes(bytes)),
                    (None, request) => request.map(Sent::Request),
                },
                to_origin: match self.to.as_deref() {
                    None => false,
                    Some("origin") => true,
                    Some(other) => return Err(format!("`to` is \"origin\", not {other:?}")),
                },
                drip: self.drip,
                finish: self.finish,
                run: match (self.times, self.at_once, self.eventually) {
                    (None, None, false) => Run::Once,
                    (Some(times), None, false) => Run::Times(times),
                    (None, Some(times), false) => Run::AtOnce(times),
                    (None, None, true) => Run::Eventually,
                    _ => return Err("it is `times`, `at_once` or `eventually`, one of them".into()),
                },
            });
        }
        match actions.len() {
            1 => actions.pop().ok_or_else(String::new),
            _ => Err("a step does one thing; this one does several".into()),
        }
    }
}

impl Step {
    /// Whether the subject is another afterwards.
    pub(crate) fn changes(&self) -> bool {
        matches!(self.action, Action::Signal(_) | Action::Write(_) | Action::Clock(_))
    }
}

impl Write {
    fn checked(self) -> Result<Self, String> {
        let ways =
            [self.text.is_some(), self.guest.is_some(), self.truncate.is_some(), self.remove];
        match ways.iter().filter(|way| **way).count() {
            1 => Ok(self),
            _ => Err("`write` has one of `text`, `guest`, `truncate`, `remove`".into()),
        }
    }
}

fn seconds(text: &str) -> Result<i64, String> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let span = mik_core::units::parse_duration(text).map_err(|error| error.to_string())?;
    Ok(sign * i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
}

fn part(value: Option<&toml::Value>) -> Result<Part, String> {
    match value {
        None => Ok(Part::All),
        Some(toml::Value::Boolean(false)) => Ok(Part::Nothing),
        Some(toml::Value::String(text)) if text == "head" => Ok(Part::Bytes(0)),
        Some(toml::Value::Integer(bytes)) => {
            usize::try_from(*bytes).map(Part::Bytes).map_err(|error| error.to_string())
        }
        Some(other) => {
            Err(format!("`read` is a number of bytes, \"head\" or false, not {}", told(other)))
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Plain(Text::default())
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Packed {
            Text(Text),
            Zeros { zeros: ByteSize },
        }
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a text, `{ gzip = \"text\" }` or `{ gzip = { zeros = \"1GiB\" } }`"
        )]
        enum Either {
            Plain(Text),
            Gzip { gzip: Packed },
        }
        Ok(match Either::deserialize(from)? {
            Either::Plain(text) => Self::Plain(text),
            Either::Gzip { gzip: Packed::Text(text) } => Self::Gzip(text),
            Either::Gzip { gzip: Packed::Zeros { zeros } } => Self::Bomb(zeros.as_usize() as u64),
        })
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = |value: toml::Value| match value {
            toml::Value::String(text) => Ok(text),
            other => Err(de::Error::custom(format!("{}: a header field is a text", told(&other)))),
        };
        match toml::Value::deserialize(from)? {
            toml::Value::Table(table) => {
                table.into_iter().map(|(name, value)| Ok((name, Text(text(value)?)))).collect()
            }
            toml::Value::Array(pairs) => pairs
                .into_iter()
                .map(|pair| match pair {
                    toml::Value::Array(mut pair) if pair.len() == 2 => {
                        let value = pair.pop().map(text).transpose()?.unwrap_or_default();
                        let name = pair.pop().map(text).transpose()?.unwrap_or_default();
                        Ok((name, Text(value)))
                    }
                    other => Err(de::Error::custom(format!(
                        "{}: a pair of name and value",
                        told(&other)
                    ))),
                })
                .collect(),
            other => {
                Err(de::Error::custom(format!("{}: a table, or a list of pairs", told(&other))))
            }
        }
        .map(Self)
    }
}
