//! What passes between Rust and JavaScript.

use bytes::Bytes;

/// A value that an engine converts to and from its own: the only data that natives take and give.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `undefined`; also a hole at the end of a list of arguments.
    Undefined,
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string. Lone surrogates become U+FFFD on the way out of JavaScript.
    Text(String),
    /// A `Uint8Array`; out of JavaScript also an `ArrayBuffer` or a view of one. Always a copy.
    Bytes(Bytes),
    /// An `Array`.
    List(Vec<Value>),
}

/// An exception that a native throws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    /// The class.
    pub class: ErrorClass,
    /// The message.
    pub message: String,
}

/// Classes of JavaScript errors that natives throw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// `Error`.
    Error,
    /// `TypeError`.
    Type,
    /// `RangeError`.
    Range,
}

impl Thrown {
    /// A `TypeError`.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Type, message: message.into() }
    }

    /// A `RangeError`.
    pub fn range_error(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Range, message: message.into() }
    }
}

impl Value {
    /// A list of texts.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
