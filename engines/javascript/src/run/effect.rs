//! What a script wants done that takes time, or that ends its run.

use std::time::Duration;

use bytes::Bytes;

use crate::{Thrown, Value};

/// An effect that the prelude asked for.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A call of a module.
    Call(Outgoing),
    /// To read a body: all of it, or the next piece.
    Read { op: u32, body: u32, all: bool },
    /// To wait.
    Timer { op: u32, time: Duration },
    /// A body that the script will write.
    Open(u32),
    /// To hand a piece on to whoever reads a body that the script writes.
    Write { op: u32, body: u32, bytes: Bytes },
    /// To forget an operation.
    Cancel(u32),
    /// To drop a body, or to end one that the script writes.
    Close(u32),
    /// To break off a body that the script writes.
    Fail(u32, String),
    /// The answer.
    Respond { status: f64, headers: Vec<(String, String)>, body: Content },
    /// There will be no answer.
    Throw(Uncaught),
    /// The run is over.
    Done,
}

/// A call of a module.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) op: u32,
    pub(crate) module: String,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Content,
    pub(crate) timeout: Option<Duration>,
}

/// A body, as the prelude names it.
#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Full(Bytes),
    /// One that never enters the script's heap.
    Handle(u32),
}

/// Why a run has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uncaught {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) stack: String,
    /// The code of a call that failed.
    pub(crate) code: Option<String>,
    /// Which call that was.
    pub(crate) call: Option<String>,
}

impl Effect {
    /// The effect of that name; `None` if there is none.
    pub(crate) fn parse(name: &str, arguments: Vec<Value>) -> Option<Result<Self, Thrown>> {
        let mut all = Arguments { native: name, rest: arguments.into_iter() };
        Some(match name {
            "call" => all.outgoing().map(Self::Call),
            "read" => all.read(),
            "timer" => all.timer(),
            "write" => all.write(),
            "cancel" => all.id().map(Self::Cancel),
            "close" => all.id().map(Self::Close),
            "fail" => all.id().and_then(|body| Ok(Self::Fail(body, all.text()?))),
            "respond" => all.respond(),
            "throw" => all.uncaught().map(Self::Throw),
            "done" => Ok(Self::Done),
            _ => return None,
        })
    }

    /// The body that it hands on.
    pub(crate) fn content(&mut self) -> Option<&mut Content> {
        match self {
            Self::Call(call) => Some(&mut call.body),
            Self::Respond { body, .. } => Some(body),
            _ => None,
        }
    }

    /// Bytes that it holds besides its own.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Call(call) => {
                let Outgoing { module, method, target, headers, body, .. } = call;
                module.len() + method.len() + target.len() + length(headers) + body.bytes()
            }
            Self::Write { bytes, .. } => bytes.len(),
            Self::Fail(_, message) => message.len(),
            Self::Respond { headers, body, .. } => length(headers) + body.bytes(),
            Self::Throw(Uncaught { name, message, stack, .. }) => {
                name.len() + message.len() + stack.len()
            }
            _ => 0,
        }
    }

    /// The operation that it begins.
    pub(crate) fn op(&self) -> Option<u32> {
        match self {
            Self::Call(call) => Some(call.op),
            Self::Read { op, .. } | Self::Timer { op, .. } | Self::Write { op, .. } => Some(*op),
            _ => None,
        }
    }
}

impl Content {
    fn bytes(&self) -> usize {
        match self {
            Self::Full(bytes) => bytes.len(),
            Self::Empty | Self::Handle(_) => 0,
        }
    }
}

fn length(headers: &[(String, String)]) -> usize {
    let sizes = headers.iter().map(|(name, value)| name.len() + value.len());
    sizes.sum::<usize>() + size_of_val(headers)
}

/// The arguments of one native, taken one after the other.
struct Arguments<'a> {
    native: &'a str,
    rest: std::vec::IntoIter<Value>,
}

impl Arguments<'_> {
    fn next(&mut self) -> Value {
        self.rest.next().unwrap_or(Value::Undefined)
    }

    fn wrong(&self, expected: &str) -> Thrown {
        Thrown::type_error(format!("{}: expected {expected}", self.native))
    }

    fn text(&mut self) -> Result<String, Thrown> {
        match self.next() {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong("a string")),
        }
    }

    fn text_or_none(&mut self) -> Option<String> {
        match self.next() {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&mut self) -> Result<f64, Thrown> {
        match self.next() {
            Value::Number(number) => Ok(number),
            _ => Err(self.wrong("a number")),
        }
    }

    /// The number of an operation or a body.
    fn id(&mut self) -> Result<u32, Thrown> {
        match self.number()? {
            number if number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number) => {
                Ok(number as u32)
            }
            _ => Err(self.wrong("a number from 1")),
        }
    }

    fn headers(&mut self) -> Result<Vec<(String, String)>, Thrown> {
        let Value::List(flat) = self.next() else { return Err(self.wrong("a list of headers")) };
        let mut texts = flat.into_iter();
        let mut headers = Vec::with_capacity(texts.len() / 2);
        while let Some(name) = texts.next() {
            match (name, texts.next()) {
                (Value::Text(name), Some(Value::Text(value))) => headers.push((name, value)),
                _ => return Err(self.wrong("names and values")),
            }
        }
        Ok(headers)
    }

    fn content(&mut self) -> Result<Content, Thrown> {
        Ok(match self.next() {
            Value::Undefined | Value::Null => Content::Empty,
            Value::Text(text) => Content::Full(text.into()),
            Value::Bytes(bytes) => Content::Full(bytes),
            Value::Number(handle) if handle >= 1.0 => Content::Handle(handle as u32),
            _ => return Err(self.wrong("a body")),
        })
    }

    fn outgoing(&mut self) -> Result<Outgoing, Thrown> {
        Ok(Outgoing {
            op: self.id()?,
            module: self.text()?,
            method: self.text()?,
            target: self.text()?,
            headers: self.headers()?,
            body: self.content()?,
            timeout: match self.next() {
                Value::Number(ms) => Some(milliseconds(ms)),
                _ => None,
            },
        })
    }

    fn read(&mut self) -> Result<Effect, Thrown> {
        let (op, body) = (self.id()?, self.id()?);
        Ok(Effect::Read { op, body, all: matches!(self.next(), Value::Bool(true)) })
    }

    fn timer(&mut self) -> Result<Effect, Thrown> {
        Ok(Effect::Timer { op: self.id()?, time: milliseconds(self.number()?) })
    }

    fn write(&mut self) -> Result<Effect, Thrown> {
        let (op, body) = (self.id()?, self.id()?);
        match self.next() {
            Value::Bytes(bytes) => Ok(Effect::Write { op, body, bytes }),
            _ => Err(self.wrong("bytes")),
        }
    }

    fn respond(&mut self) -> Result<Effect, Thrown> {
        let (status, headers) = (self.number()?, self.headers()?);
        Ok(Effect::Respond { status, headers, body: self.content()? })
    }

    fn uncaught(&mut self) -> Result<Uncaught, Thrown> {
        Ok(Uncaught {
            kind: self.text()?,
            name: self.text()?,
            message: self.text()?,
            stack: self.text_or_none().unwrap_or_default(),
            code: self.text_or_none(),
            call: self.text_or_none(),
        })
    }
}

/// A time that a script gave: never negative, never longer than a day.
fn milliseconds(ms: f64) -> Duration {
    const DAY: f64 = 86_400_000.0;
    let ms = if ms.is_nan() { 0.0 } else { ms.clamp(0.0, DAY) };
    Duration::from_secs_f64(ms / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_has_the_arguments_of_its_native() {
        let headers = Value::texts(["accept", "text/plain"]);
        let arguments = vec![
            7.0.into(),
            "orders".into(),
            "POST".into(),
            "/create?x=1".into(),
            headers,
            "body".into(),
            250.0.into(),
        ];
        let Some(Ok(Effect::Call(call))) = Effect::parse("call", arguments) else { panic!() };
        assert_eq!((call.op, &*call.module, &*call.target), (7, "orders", "/create?x=1"));
        assert_eq!(call.headers, [("accept".to_owned(), "text/plain".to_owned())]);
        assert_eq!(call.timeout, Some(Duration::from_millis(250)));
        assert!(matches!(call.body, Content::Full(body) if body == "body"));
    }

    #[test]
    fn wrong_arguments_are_told_and_other_names_are_nobodys() {
        for (name, arguments) in [
            ("cancel", vec![]),
            ("cancel", vec![0.0.into()]),
            ("cancel", vec![1.5.into()]),
            ("cancel", vec![f64::NAN.into()]),
            ("write", vec![1.0.into(), 1.0.into(), "text".into()]),
            ("respond", vec![200.0.into(), Value::texts(["odd"])]),
        ] {
            let thrown = Effect::parse(name, arguments).unwrap().unwrap_err();
            assert!(thrown.message.starts_with(name), "{}", thrown.message);
        }
        assert!(Effect::parse("nothing", vec![]).is_none());
    }

    #[test]
    fn times_are_bounded() {
        assert_eq!(milliseconds(-1.0), Duration::ZERO);
        assert_eq!(milliseconds(f64::NAN), Duration::ZERO);
        assert_eq!(milliseconds(f64::INFINITY), Duration::from_secs(86_400));
    }
}
