//! Reading JSON, strictly by RFC 8259.

use std::borrow::Cow;
use std::{error, fmt};

use super::{Number, Object, Value, Writer};

/// How many arrays and objects may be in one another.
const DEPTH: u32 = 128;

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    message: &'static str,
    line: usize,
    column: usize,
}

impl SyntaxError {
    fn new(message: &'static str, before: &str) -> Self {
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|&character| character != '\n').count() + 1;
        Self { message, line, column }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> &'static str {
        self.message
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, and where.
    pub(crate) fn sentence(&self) -> String {
        let mut text = self.message.to_owned();
        for (word, number) in [(" at line ", self.line), (", column ", self.column)] {
            text.push_str(word);
            let mut out = Writer::new();
            out.unsigned(number as u64);
            text.push_str(out.as_str());
        }
        text
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl error::Error for SyntaxError {}

pub(super) fn parse_bytes(bytes: &[u8]) -> Result<Value<'_>, SyntaxError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(SyntaxError::new("not UTF-8", std::str::from_utf8(before).unwrap_or_default()))
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Value<'_>, SyntaxError> {
    let mut reader = Reader { text, at: 0 };
    reader
        .document()
        .map_err(|message| SyntaxError::new(message, text.get(..reader.at).unwrap_or_default()))
}

/// Inside, an error is what is wrong; where, is where the reader stands.
type Result_<T> = Result<T, &'static str>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result_<Value<'a>> {
        if self.text.starts_with('\u{feff}') {
            return Err("a byte order mark is not JSON");
        }
        let value = self.value(DEPTH)?;
        self.blanks();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err("expected the end"),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes all bytes that are of a kind.
    fn eat_while(&mut self, kind: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&kind) {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        self.eat_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    fn value(&mut self, depth: u32) -> Result_<Value<'a>> {
        self.blanks();
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') => self.object(depth).map(Value::Object),
            Some(b'[') => self.array(depth).map(Value::Array),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            _ => Err("expected a value"),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result_<Value<'a>> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            return Ok(value);
        }
        Err("expected a value")
    }

    fn array(&mut self, depth: u32) -> Result_<Vec<Value<'a>>> {
        let depth = depth.checked_sub(1).ok_or("too deep")?;
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.eat(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth)?);
            self.blanks();
            if self.eat(b']') {
                return Ok(items);
            }
            if !self.eat(b',') {
                return Err("expected `,` or `]`");
            }
        }
    }

    fn object(&mut self, depth: u32) -> Result_<Object<'a>> {
        let depth = depth.checked_sub(1).ok_or("too deep")?;
        self.at += 1;
        let mut object = Object::new();
        self.blanks();
        if self.eat(b'}') {
            return Ok(object);
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err("expected a name in quotes");
            }
            let name = self.string()?;
            self.blanks();
            if !self.eat(b':') {
                return Err("expected `:`");
            }
            let value = self.value(depth)?;
            object.push(name, value);
            self.blanks();
            if self.eat(b'}') {
                return Ok(object);
            }
            if !self.eat(b',') {
                return Err("expected `,` or `}`");
            }
        }
    }

    fn number(&mut self) -> Result_<Number<'a>> {
        let from = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(Number::of_text(self.since(from)))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result_<()> {
        let from = self.at;
        self.eat_while(|byte| byte.is_ascii_digit());
        if self.at == from {
            return Err("expected a digit");
        }
        Ok(())
    }

    /// A string, the next byte being its quotation mark.
    fn string(&mut self) -> Result_<Cow<'a, str>> {
        self.at += 1;
        let from = self.at;
        self.plain();
        let plain = self.since(from);
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            if self.eat(b'"') {
                return Ok(Cow::Owned(text));
            }
            match self.peek() {
                Some(b'\\') => text.push(self.escape()?),
                None => return Err("a string without end"),
                Some(_) => return Err("a control character in a string must be escaped"),
            }
            let from = self.at;
            self.plain();
            text.push_str(self.since(from));
        }
    }

    fn plain(&mut self) {
        self.eat_while(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    }

    /// An escape, the next byte being its backslash.
    fn escape(&mut self) -> Result_<char> {
        let from = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.code_point().ok_or_else(|| {
                    self.at = from;
                    "not a character"
                });
            }
            _ => {
                self.at = from;
                return Err("unknown escape");
            }
        };
        self.at += 1;
        Ok(character)
    }

    /// The character of four hexadecimal digits, or of two times four that are a surrogate pair.
    fn code_point(&mut self) -> Option<char> {
        let unit = self.code_unit()?;
        if !(0xd800..0xdc00).contains(&unit) {
            return char::from_u32(unit);
        }
        if !(self.eat(b'\\') && self.eat(b'u')) {
            return None;
        }
        let low = self.code_unit()?.checked_sub(0xdc00).filter(|&low| low < 0x400)?;
        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + low)
    }

    fn code_unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | char::from(self.peek()?).to_digit(16)?;
            self.at += 1;
        }
        Some(unit)
    }
}
