//! Reads the arguments of a native.

use bytes::Bytes;

use crate::{Thrown, Value};

/// The arguments of one call. One that is missing is `undefined`.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    native: &'a str,
    values: &'a [Value],
}

impl<'a> Arguments<'a> {
    pub(super) fn new(native: &'a str, values: &'a [Value]) -> Self {
        Self { native, values }
    }

    pub(super) fn text(&self, index: usize) -> Result<&'a str, Thrown> {
        match self.value(index) {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong(index, "a string")),
        }
    }

    pub(super) fn optional_text(&self, index: usize) -> Result<Option<&'a str>, Thrown> {
        match self.value(index) {
            Value::Undefined => Ok(None),
            _ => self.text(index).map(Some),
        }
    }

    pub(super) fn bytes(&self, index: usize) -> Result<&'a Bytes, Thrown> {
        match self.value(index) {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong(index, "bytes")),
        }
    }

    /// `undefined` is false.
    pub(super) fn flag(&self, index: usize) -> Result<bool, Thrown> {
        match self.value(index) {
            Value::Bool(flag) => Ok(*flag),
            Value::Undefined => Ok(false),
            _ => Err(self.wrong(index, "a boolean")),
        }
    }

    pub(super) fn number(&self, index: usize) -> Result<f64, Thrown> {
        match self.value(index) {
            Value::Number(number) => Ok(*number),
            _ => Err(self.wrong(index, "a number")),
        }
    }

    pub(super) fn list(&self, index: usize) -> Result<&'a [Value], Thrown> {
        match self.value(index) {
            Value::List(list) => Ok(list),
            _ => Err(self.wrong(index, "a list")),
        }
    }

    /// A `TypeError` about one argument.
    pub(super) fn wrong(&self, index: usize, expected: &str) -> Thrown {
        Thrown::type_error(format!("{}: argument {} is not {expected}", self.native, index + 1))
    }

    fn value(&self, index: usize) -> &'a Value {
        self.values.get(index).unwrap_or(&Value::Undefined)
    }
}
