//! A JSON value of any kind.

use std::borrow::Cow;

use super::{reader, Number, SyntaxError};

/// A JSON value of any kind. One that was parsed borrows from the text: strings without escapes, and all numbers.
///
/// Two numbers are equal if they are written the same way: `1.0` is not `1`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(Number<'a>),
    /// A string, its escapes resolved.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// A [`Value`] that borrows from nothing: what a field is that takes JSON of any kind.
pub type OwnedValue = Value<'static>;

impl<'a> Value<'a> {
    /// Reads JSON text, strictly by RFC 8259, of at most 128 levels.
    ///
    /// # Errors
    /// It is not JSON, or too deep. Where, the error tells.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        reader::parse(text)
    }

    /// The same for bytes, which must be UTF-8.
    ///
    /// # Errors
    /// They are not JSON, not UTF-8, or too deep.
    pub fn parse_bytes(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        reader::parse_bytes(bytes)
    }

    /// The member of an object. `None` also if this is not an object.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.as_object()?.get(name)
    }

    /// The item of an array. `None` also if this is not an array.
    pub fn at(&self, index: usize) -> Option<&Value<'a>> {
        self.as_array()?.get(index)
    }

    /// Is it `null`?
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number.
    pub fn as_number(&self) -> Option<&Number<'a>> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The number, if it is whole and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The number, if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The number, rounded to the nearest that there is.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items of the array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The object.
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// A value that no longer borrows from the text.
    pub fn to_owned(&self) -> OwnedValue {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.to_owned()),
            Self::String(text) => Value::String(Cow::Owned(text.as_ref().to_owned())),
            Self::Array(items) => Value::Array(items.iter().map(Value::to_owned).collect()),
            Self::Object(object) => Value::Object(object.to_owned()),
        }
    }

    /// What kind of value it is, in words: "a string", "null".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl<'a> From<Number<'a>> for Value<'a> {
    fn from(number: Number<'a>) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<Vec<Value<'a>>> for Value<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        Self::Array(items)
    }
}

impl<'a> From<Object<'a>> for Value<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}

/// The members of a JSON object, in their order. If a name comes twice, the last one counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Object<'a> {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of the member.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.iter().rev().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// Adds a member at the end; from now on it is the one of this name.
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) {
        self.members.push((name.into(), value.into()));
    }

    /// All members as they are written, those that no longer count as well.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// How many members are written.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn to_owned(&self) -> Object<'static> {
        let members =
            self.iter().map(|(name, value)| (Cow::Owned(name.to_owned()), value.to_owned()));
        Object { members: members.collect() }
    }
}
