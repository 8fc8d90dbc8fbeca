//! Writing JSON.

use std::fmt::{self, Write as _};

/// Writes JSON text, compact. It puts the commas.
///
/// ```
/// let mut out = mik_sdk::json::Writer::new();
/// out.begin_object();
/// out.key("ids");
/// out.begin_array();
/// out.unsigned(1);
/// out.unsigned(2);
/// out.end_array();
/// out.end_object();
/// assert_eq!(out.finish(), r#"{"ids":[1,2]}"#);
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// A writer that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that has room for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes) }
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.text
    }

    /// What was written so far.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `null`.
    pub fn null(&mut self) {
        self.raw("null");
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// A whole number.
    pub fn unsigned(&mut self, value: u64) {
        self.separate();
        self.digits(value);
    }

    /// A whole number.
    pub fn signed(&mut self, value: i64) {
        self.separate();
        if value < 0 {
            self.text.push('-');
        }
        self.digits(value.unsigned_abs());
    }

    /// A number, the shortest that is read as the same; `null` if it is not finite.
    pub fn float(&mut self, value: f64) {
        self.number(&value, value.is_finite());
    }

    /// The same for a smaller type, which has shorter texts.
    pub fn float32(&mut self, value: f32) {
        self.number(&value, value.is_finite());
    }

    fn number(&mut self, value: &dyn fmt::Debug, finite: bool) {
        if !finite {
            return self.null();
        }
        self.separate();
        // Debug, since it has an exponent where that is shorter. A string does not fail.
        let _ = write!(self.text, "{value:?}");
    }

    /// A string; what must be escaped in it is.
    pub fn string(&mut self, value: &str) {
        self.separate();
        self.text.push('"');
        self.escaped(value);
        self.text.push('"');
    }

    /// A string, from what `format_args!` makes.
    pub fn display(&mut self, value: fmt::Arguments<'_>) {
        self.separate();
        self.text.push('"');
        let _ = Escaping(self).write_fmt(value);
        self.text.push('"');
    }

    /// A value that is JSON text already.
    pub fn raw(&mut self, json: &str) {
        self.separate();
        self.text.push_str(json);
    }

    /// Part of a value, as it is: without the comma that may be due.
    pub fn part(&mut self, part: &str) {
        self.text.push_str(part);
    }

    /// `{`
    pub fn begin_object(&mut self) {
        self.raw("{");
    }

    /// The name of a member; its value comes next.
    pub fn key(&mut self, name: &str) {
        self.string(name);
        self.text.push(':');
    }

    /// `}`
    pub fn end_object(&mut self) {
        self.text.push('}');
    }

    /// `[`
    pub fn begin_array(&mut self) {
        self.raw("[");
    }

    /// `]`
    pub fn end_array(&mut self) {
        self.text.push(']');
    }

    /// A comma, if a value stands before. The last byte tells, since none of these ends a value.
    fn separate(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':' | b',')) {
            self.text.push(',');
        }
    }

    fn digits(&mut self, mut value: u64) {
        let mut buffer = [0; 20];
        let mut from = buffer.len();
        for place in buffer.iter_mut().rev() {
            // Never more than a digit.
            *place = b'0' + (value % 10) as u8;
            from -= 1;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        let digits = buffer.get(from..).unwrap_or_default();
        self.text.push_str(str_of(digits));
    }

    fn escaped(&mut self, value: &str) {
        let mut from = 0;
        for (at, byte) in value.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.text.push_str(value.get(from..at).unwrap_or_default());
            from = at + 1;
            self.text.push('\\');
            match byte {
                b'"' | b'\\' => self.text.push(char::from(byte)),
                b'\n' => self.text.push('n'),
                b'\r' => self.text.push('r'),
                b'\t' => self.text.push('t'),
                0x08 => self.text.push('b'),
                0x0c => self.text.push('f'),
                _ => {
                    self.text.push_str(if byte < 0x10 { "u000" } else { "u001" });
                    self.text.push(char::from(hexadecimal(byte & 15)));
                }
            }
        }
        self.text.push_str(value.get(from..).unwrap_or_default());
    }
}

fn hexadecimal(digit: u8) -> u8 {
    digit + if digit < 10 { b'0' } else { b'a' - 10 }
}

fn str_of(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).unwrap_or_default()
}

struct Escaping<'a>(&'a mut Writer);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.escaped(text);
        Ok(())
    }
}
