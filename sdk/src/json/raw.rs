//! JSON text that is known to be valid.

use std::fmt;

use super::{ToJson, Value, Writer};

/// One JSON value as text: what `json!` makes. It goes into another one as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Raw {
    text: String,
}

impl Raw {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.text
    }

    /// The value, to look into.
    pub fn value(&self) -> Value<'_> {
        Value::parse(&self.text).unwrap_or(Value::Null)
    }
}

impl From<Writer> for Raw {
    fn from(out: Writer) -> Self {
        Self { text: out.finish() }
    }
}

impl ToJson for Raw {
    fn to_json(&self, out: &mut Writer) {
        out.raw(&self.text);
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
