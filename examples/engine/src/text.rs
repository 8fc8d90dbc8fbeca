//! Texts with places that each call fills in.

use mik_core::CallError;

/// A text of a program. `{name}` stands for a parameter of the query, `{name|default}` has another value than the
/// empty one where that is absent, `{name-1}` is one less, and `{text*name}` is a text so many times.
pub(crate) struct Text(Vec<Piece>);

enum Piece {
    Plain(String),
    Place { times: Option<String>, name: String, default: String, is_less: bool },
}

/// A text that means a value. What needs no call to be known is checked when the program is loaded.
pub(crate) struct Value<T> {
    text: Text,
    what: &'static str,
    read: fn(&str) -> Option<T>,
}

impl Text {
    /// Reads one, with `\n`, `\r`, `\0`, and `\` before what shall stand for itself.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut plain) = (Vec::new(), String::new());
        let mut rest = text.chars();
        while let Some(next) = rest.next() {
            match next {
                '\\' => plain.push(match rest.next().ok_or("a `\\` at the end")? {
                    'n' => '\n',
                    'r' => '\r',
                    '0' => '\0',
                    itself => itself,
                }),
                '{' => {
                    let (place, after) =
                        rest.as_str().split_once('}').ok_or("a `{` without `}`")?;
                    rest = after.chars();
                    pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                    pieces.push(Piece::place(place)?);
                }
                _ => plain.push(next),
            }
        }
        pieces.push(Piece::Plain(plain));
        Ok(Self(pieces))
    }

    /// The text, where it is the same for every call.
    fn plain(&self) -> Option<&str> {
        match &*self.0 {
            [Piece::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for one call, which has these values and room for `most` bytes.
    pub(crate) fn fill(
        &self,
        most: usize,
        value: impl Fn(&str) -> Option<String>,
    ) -> Result<String, CallError> {
        let full = || CallError::Memory(format!("a text of more than {most} bytes").into());
        let mut filled = String::new();
        for piece in &self.0 {
            let (times, value, is_less) = match piece {
                Piece::Plain(text) => (None, text.clone(), false),
                Piece::Place { times, name, default, is_less } => {
                    (times.as_ref(), value(name).unwrap_or_else(|| default.clone()), *is_less)
                }
            };
            let number = value.parse::<usize>();
            filled += &match (times, number) {
                (Some(text), Ok(times)) if text.len().saturating_mul(times) > most => {
                    return Err(full());
                }
                (Some(text), Ok(times)) => text.repeat(times),
                (Some(_), Err(_)) => return Err(wrong(&value, "number")),
                (None, Ok(number)) if is_less => number.saturating_sub(1).to_string(),
                (None, _) => value,
            };
            if filled.len() > most {
                return Err(full());
            }
        }
        Ok(filled)
    }
}

impl Piece {
    fn place(text: &str) -> Result<Self, String> {
        let (times, rest) = match text.split_once('*') {
            Some((times, rest)) => (Some(times.to_owned()), rest),
            None => (None, text),
        };
        let (rest, is_less) = match rest.strip_suffix("-1") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (name, default) = rest.split_once('|').unwrap_or((rest, ""));
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Err(format!("`{{{text}}}` names no parameter"));
        }
        Ok(Self::Place { times, name: name.to_owned(), default: default.to_owned(), is_less })
    }
}

impl<T> Value<T> {
    pub(crate) fn parse(
        text: &str,
        what: &'static str,
        read: fn(&str) -> Option<T>,
    ) -> Result<Self, String> {
        let text = Text::parse(text)?;
        match text.plain() {
            Some(plain) if read(plain).is_none() => Err(format!("{:?} is no {what}", shown(plain))),
            _ => Ok(Self { text, what, read }),
        }
    }

    pub(crate) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<T, CallError> {
        let text = self.text.fill(LONGEST, value)?;
        (self.read)(&text).ok_or_else(|| wrong(&text, self.what))
    }
}

/// No number, size or time needs more bytes.
const LONGEST: usize = 1_000;

/// What a client is told that has asked for what cannot be: a 400.
fn wrong(text: &str, what: &str) -> CallError {
    CallError::Input(format!("{:?} is no {what}", shown(text)).into())
}

/// As much of what an author or a client wrote as a message repeats.
pub(crate) fn shown(text: &str) -> &str {
    /// In bytes.
    const MOST: usize = 80;
    &text[..text.floor_char_boundary(MOST)]
}
