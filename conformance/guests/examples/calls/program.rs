//! A program, and how a line of it is run.

use std::any::Any;
use std::rc::Rc;

use guests::{IncomingRequest, ResponseOutparam};

use crate::told::Returned;
use crate::values::Values;
use crate::{bodies, fields, messages, outgoing, streams, system, tools};

/// A program that runs.
pub struct Program {
    values: Values,
    lines: String,
}

/// The arguments of one call, and what they may name.
pub struct Arguments<'a> {
    words: Vec<&'a str>,
    pub values: &'a mut Values,
    /// What the calls before have told.
    pub lines: &'a str,
}

impl Program {
    pub fn new(request: IncomingRequest, out: ResponseOutparam) -> Self {
        let mut values = Values::default();
        values.keep("out", Rc::new(out));
        values.keep("request", Rc::new(request));
        Self { values, lines: String::new() }
    }

    /// Runs line by line, until the end or a line that makes no sense.
    pub fn run(&mut self, text: &str) -> Result<(), String> {
        let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
        for line in lines {
            self.line(line).map_err(|sentence| format!("`{line}`: {sentence}"))?;
        }
        Ok(())
    }

    /// Drops everything but the out-parameter, if that is still there.
    pub fn end(mut self) -> (Option<ResponseOutparam>, String) {
        (self.values.take("out").ok(), self.lines)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let name = match words.as_slice() {
            [name, "=", ..] => Some(*name),
            _ => None,
        };
        if name.is_some() {
            words.drain(..2);
        }
        let returned = call(words, &mut self.values, &self.lines)?;
        let told = match (name, returned) {
            (Some(name), Returned::Kept(value)) => return Ok(self.values.keep(name, value)),
            (Some(name), Returned::Told(text)) => return Ok(self.values.keep(name, Rc::new(text))),
            (Some(name), Returned::Refused(text)) => format!("{name}: {text}"),
            (None, Returned::Kept(_)) => "ok".to_owned(),
            (None, Returned::Told(text) | Returned::Refused(text)) => text,
            (_, Returned::Nothing) => return Ok(()),
        };
        match self.values.get::<ResponseOutparam>("out") {
            Ok(_) => self.lines += &format!("{told}\n"),
            Err(_) => eprintln!("{told}"),
        }
        Ok(())
    }
}

/// Calls the function that the first word names.
pub fn call<'a>(
    words: Vec<&'a str>,
    values: &'a mut Values,
    lines: &'a str,
) -> Result<Returned, String> {
    let (name, words) = words.split_first().ok_or("a function is missing")?;
    let mut arguments = Arguments { words: words.to_vec(), values, lines };
    let groups = [
        fields::call,
        messages::call,
        outgoing::call,
        bodies::call,
        streams::call,
        system::call,
        tools::call,
    ];
    for group in groups {
        if let Some(returned) = group(name, &mut arguments)? {
            return Ok(returned);
        }
    }
    Err("there is no such function".to_owned())
}

impl<'a> Arguments<'a> {
    /// An argument as it stands: a name, or a word.
    pub fn word(&self, index: usize) -> Result<&str, String> {
        self.words.get(index).copied().ok_or_else(|| format!("argument {} is missing", index + 1))
    }

    /// What follows the first so many arguments.
    pub fn rest(&self, from: usize) -> Vec<&'a str> {
        self.words.iter().skip(from).copied().collect()
    }

    /// An argument, percent-decoded.
    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, String> {
        self.word(index).map(decoded)
    }

    /// The same as text.
    pub fn text(&self, index: usize) -> Result<String, String> {
        String::from_utf8(self.bytes(index)?).map_err(|_| "an argument is no UTF-8".to_owned())
    }

    /// The same; `-` or no argument is none.
    pub fn optional(&self, index: usize) -> Result<Option<String>, String> {
        match self.word(index) {
            Ok("-") | Err(_) => Ok(None),
            Ok(_) => self.text(index).map(Some),
        }
    }

    /// A number; with `ms` behind it, so many milliseconds in nanoseconds.
    pub fn number(&self, index: usize) -> Result<u64, String> {
        let word = self.word(index)?;
        let (digits, unit) = match word.strip_suffix("ms") {
            Some(digits) => (digits, 1_000_000),
            None => (word, 1),
        };
        let number: u64 = digits.parse().map_err(|_| format!("`{word}` is no number"))?;
        Ok(number.saturating_mul(unit))
    }

    /// What the name at `index` holds.
    pub fn get<T: Any>(&self, index: usize) -> Result<Rc<T>, String> {
        self.values.get(self.word(index)?)
    }

    /// The same, which is kept no longer.
    pub fn take<T: Any>(&mut self, index: usize) -> Result<T, String> {
        let name = self.word(index)?.to_owned();
        self.values.take(&name)
    }

    /// The same; `-` or no argument is none.
    pub fn take_optional<T: Any>(&mut self, index: usize) -> Result<Option<T>, String> {
        match self.word(index) {
            Ok("-") | Err(_) => Ok(None),
            Ok(_) => self.take(index).map(Some),
        }
    }

    /// Keeps the error of a stream, which the next calls may ask.
    pub fn keep_error(&mut self, error: guests::wasip2::io::error::Error) {
        self.values.keep("error", Rc::new(error));
    }
}

/// Percent-decoding; a `%` that no two hexadecimal digits follow stays as it is, `""` is nothing.
pub fn decoded(word: &str) -> Vec<u8> {
    match word {
        "\"\"" => Vec::new(),
        word => guests::percent_decoded(word),
    }
}
