//! The texts of `[middleware.auth]`.

use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use http::header::AUTHORIZATION;
use mik_core::values::Checked;

/// The header that an API key comes in: any but `authorization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyHeader(pub(super) HeaderName);

/// A text that can stand between quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Realm(pub(super) String);

impl FromStr for KeyHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(AUTHORIZATION) => {
                Err("`authorization` carries tokens: write them as `tokens`".to_owned())
            }
            Ok(name) => Ok(Self(name)),
            Err(_) => Err(format!("{text:?} is no header: expected {}", Self::EXPECTED)),
        }
    }
}

impl fmt::Display for KeyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Checked for KeyHeader {
    const EXPECTED: &'static str = "the name of a header, such as \"x-api-key\"";
    const PATTERN: &'static str = "^[!-~]+$";
}

impl FromStr for Realm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |b: u8| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\';
        if (1..=128).contains(&text.len()) && text.bytes().all(is_plain) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} is no realm: expected {}", Self::EXPECTED))
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Checked for Realm {
    const EXPECTED: &'static str = "1 to 128 ASCII characters, no quotes or backslashes";
    const PATTERN: &'static str = "^[ !#-\\[\\]-~]{1,128}$";
}
