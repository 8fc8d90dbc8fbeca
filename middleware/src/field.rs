//! Header fields as tables name them: checked once, with the place in `mik.toml` in the error.

#![allow(dead_code, reason = "each feature alone uses only some of it")]

use std::fmt;
use std::str::FromStr;

use http::{HeaderName, HeaderValue};
use mik_core::values::Checked;

/// The name of a header field, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldName(pub(crate) HeaderName);

/// A value of a header field: printable ASCII, spaces and tabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldValue(pub(crate) HeaderValue);

impl FromStr for FieldName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match HeaderName::try_from(text) {
            // HTTP allows it, but everybody who writes it means something else.
            Ok(name) if name != "*" => Ok(Self(name)),
            _ => Err(format!("{text:?} is not the name of a header field, such as \"x-api-key\"")),
        }
    }
}

impl Checked for FieldName {
    const EXPECTED: &'static str = "the name of a header field, such as \"x-api-key\"";
    const PATTERN: &'static str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for FieldValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let value = HeaderValue::from_str(text).ok().filter(|_| is_plain);
        // It may be a secret, so it is not repeated.
        let reason = "the value of a header field holds printable ASCII and nothing else";
        value.map(Self).ok_or_else(|| reason.to_owned())
    }
}

impl Checked for FieldValue {
    const EXPECTED: &'static str = "the value of a header field: printable ASCII";
    const PATTERN: &'static str = "^[\\t -~]*$";
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}
