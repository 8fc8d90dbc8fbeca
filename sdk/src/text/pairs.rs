//! The names and values of a query or a form.

use std::borrow::Cow;

use crate::percent::digit;

/// The pairs of names and values of a query or a form, decoded, in their order.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    within: &'static str,
    list: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Pairs<'a> {
    /// The pairs of a query: what follows the `?`.
    pub fn of_query(query: &'a str) -> Self {
        Self::parse("query", query)
    }

    /// The pairs of a form, `application/x-www-form-urlencoded`.
    pub fn of_form(content: &'a str) -> Self {
        Self::parse("form", content)
    }

    /// A form without fields, for one that is encoded in another way.
    pub fn empty_form() -> Self {
        Self { within: "form", list: Vec::new() }
    }

    /// As browsers write them (the URL standard, section 5.1).
    fn parse(within: &'static str, text: &'a str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let list = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, true), decoded(value, true))
        });
        Self { within, list: list.collect() }
    }

    /// What they are of: `query` or `form`.
    pub fn within(&self) -> &'static str {
        self.within
    }

    /// Adds a pair.
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.list.push((name.into(), value.into()));
    }

    /// The value of this name; of several, the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_ref())
    }

    /// All values of this name.
    pub fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.list.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_ref())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Resolves `%20` and, in queries and forms, `+`. What is not well encoded stays as it is; what is not UTF-8 then is replaced.
pub fn decoded(text: &str, plus_is_blank: bool) -> Cow<'_, str> {
    let is_encoded = |byte| byte == b'%' || plus_is_blank && byte == b'+';
    if !text.bytes().any(is_encoded) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let pair = match others {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        rest = match pair {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                others.get(2..).unwrap_or_default()
            }
            None => {
                bytes.push(if plus_is_blank && *first == b'+' { b' ' } else { *first });
                others
            }
        };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}
