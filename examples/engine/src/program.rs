//! A program as it is loaded: one instruction a line.

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use mik_core::units::{ByteSize, parse_duration};

use crate::text::{Text, Value, shown};

/// A line: `if NAME=VALUE …`, `repeat COUNT PAUSE …`, and what is done.
pub(crate) struct Line {
    /// Parameters of the query that must have these values; an absent one has the empty one.
    pub(crate) only_if: Vec<(String, String)>,
    pub(crate) repeat: Option<Repeat>,
    pub(crate) instruction: Instruction,
}

/// How often, and how long between two turns.
pub(crate) struct Repeat {
    /// `None` is for ever.
    pub(crate) count: Option<Value<u64>>,
    pub(crate) pause: Value<Duration>,
}

/// What is done; the README says it in words.
pub(crate) enum Instruction {
    Status(Value<StatusCode>),
    Header(Text, Text),
    Trailer(Text, Text),
    Length(Vec<Value<u64>>),
    Say(Text),
    Write(Text),
    Fill(Value<u64>),
    Echo,
    Inspect,
    Call(Value<Method>, Text),
    Pass(Vec<HeaderName>),
    Wait(Option<Value<Duration>>),
    Work(Option<Value<Duration>>),
    Hold(Value<ByteSize>),
    Refuse(Text),
    Fail(Text),
    Panic(Text),
    Quit,
    End,
}

/// All that there are, for whoever has written another one.
const ALL: &str = "status, header, trailer, length, say, write, fill, echo, inspect, call, pass, wait, work, hold, \
                   refuse, fail, panic, quit and end";

/// Reads a program.
///
/// # Errors
/// The number of the first line that is wrong, and why it is.
pub(crate) fn parse(text: &str) -> Result<Vec<Line>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read =
        |(index, line)| Line::parse(line).map_err(|reason| format!("line {}: {reason}", index + 1));
    lines.map(read).collect()
}

impl Line {
    fn parse(mut rest: &str) -> Result<Self, String> {
        let mut only_if = Vec::new();
        while let ("if", after) = word(rest) {
            let (condition, after) = word(after);
            let (name, value) = condition.split_once('=').ok_or("`if` needs NAME=VALUE")?;
            only_if.push((name.to_owned(), value.to_owned()));
            rest = after;
        }
        let mut repeat = None;
        if let ("repeat", after) = word(rest) {
            let (count, after) = word(after);
            let (pause, after) = word(after);
            let count = if count == "forever" { None } else { Some(number(count)?) };
            repeat = Some(Repeat { count, pause: duration(pause)? });
            rest = after;
        }
        Ok(Self { only_if, repeat, instruction: Instruction::parse(rest)? })
    }
}

impl Instruction {
    fn parse(line: &str) -> Result<Self, String> {
        let (verb, rest) = word(line);
        let two = || word(rest);
        Ok(match (verb, rest) {
            ("status", _) => {
                Self::Status(Value::parse(rest, "status of a whole answer", |text| {
                    text.parse().ok().filter(|status: &StatusCode| !status.is_informational())
                })?)
            }
            ("header", _) => Self::Header(Text::parse(two().0)?, Text::parse(two().1)?),
            ("trailer", _) => Self::Trailer(Text::parse(two().0)?, Text::parse(two().1)?),
            ("length", _) => {
                Self::Length(rest.split_whitespace().map(number).collect::<Result<_, _>>()?)
            }
            ("say", _) => Self::Say(Text::parse(rest)?),
            ("write", _) => Self::Write(Text::parse(rest)?),
            ("fill", _) => Self::Fill(number(rest)?),
            ("echo", "") => Self::Echo,
            ("inspect", "") => Self::Inspect,
            ("call", _) => {
                let method = Value::parse(two().0, "method", |text| text.parse().ok())?;
                Self::Call(method, Text::parse(two().1)?)
            }
            ("pass", _) => {
                let name = |name: &str| {
                    name.parse().map_err(|_| format!("{:?} is no name of a field", shown(name)))
                };
                Self::Pass(rest.split_whitespace().map(name).collect::<Result<_, _>>()?)
            }
            ("wait", "forever") => Self::Wait(None),
            ("wait", _) => Self::Wait(Some(duration(rest)?)),
            ("work", "forever") => Self::Work(None),
            ("work", _) => Self::Work(Some(duration(rest)?)),
            ("hold", _) => {
                Self::Hold(Value::parse(rest, "size such as 64KiB", |text| text.parse().ok())?)
            }
            ("refuse", _) => Self::Refuse(Text::parse(rest)?),
            ("fail", _) => Self::Fail(Text::parse(rest)?),
            ("panic", _) => Self::Panic(Text::parse(rest)?),
            ("quit", "") => Self::Quit,
            ("end", "") => Self::End,
            _ => return Err(format!("{:?} is no instruction; there are {ALL}", shown(line))),
        })
    }
}

fn number(text: &str) -> Result<Value<u64>, String> {
    Value::parse(text, "number", |text| text.parse().ok())
}

fn duration(text: &str) -> Result<Value<Duration>, String> {
    Value::parse(text, "time such as 10ms", |text| parse_duration(text).ok())
}

/// The first word, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start())
}
