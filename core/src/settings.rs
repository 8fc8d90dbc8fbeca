//! A part's own table of `mik.toml`, not yet read.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// The table of `mik.toml` that belongs to one part, such as `[engine]` or `[middleware.rate-limit]`.
/// The part's factory reads it with [`Settings::parse`].
#[derive(Debug, Clone, Default)]
pub struct Settings {
    document: Arc<str>,
    path: Vec<String>,
    /// Keys that somebody else reads.
    ignored: Vec<&'static str>,
}

/// A table that does not read, with the place in `mik.toml` where known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SettingsError {
    message: String,
    span: Option<Range<usize>>,
}

impl Settings {
    /// No table: every key has its default.
    pub fn none() -> Self {
        Self::default()
    }

    /// The table at `path` of a TOML document; a table that is not there reads as an empty one. What
    /// [`SettingsError::span`] gives are bytes of the whole document.
    pub fn at(document: impl Into<Arc<str>>, path: &[&str]) -> Self {
        let path = path.iter().map(ToString::to_string).collect();
        Self { document: document.into(), path, ignored: Vec::new() }
    }

    /// The same table without a key that is not the part's own.
    pub(crate) fn ignoring(&self, key: &'static str) -> Self {
        let mut settings = self.clone();
        settings.ignored.push(key);
        settings
    }

    /// Reads the table into the part's own type. Give that `#[serde(deny_unknown_fields, default)]`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        let mut table = DeTable::parse(&self.document).map_err(|e| SettingsError::from_toml(&e))?;
        for key in &self.path {
            let found = table
                .get_mut()
                .remove(key.as_str())
                .map(|value| (value.span(), value.into_inner()));
            table = match found {
                Some((span, DeValue::Table(inner))) => Spanned::new(span, inner),
                Some((span, _)) => {
                    let message = format!("{} must be a table", self.path.join("."));
                    return Err(SettingsError { message, span: Some(span) });
                }
                None => Spanned::new(0..0, DeTable::new()),
            };
        }
        for key in &self.ignored {
            table.get_mut().remove(*key);
        }
        T::deserialize(Deserializer::from(table)).map_err(|e| SettingsError::from_toml(&e))
    }
}

impl SettingsError {
    /// A table whose values read, but make no sense together.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None }
    }

    /// The bytes of the document that are wrong, where known.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    fn from_toml(error: &toml::de::Error) -> Self {
        Self { message: error.message().into(), span: error.span() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::ByteSize;

    #[derive(serde::Deserialize, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Table {
        memory: ByteSize,
    }

    #[test]
    fn a_part_reads_its_own_table() {
        let document = "[engine]\nmemory = \"2MiB\"\n[other]\nx = 1\n";
        let table: Table = Settings::at(document, &["engine"]).parse().unwrap();
        assert_eq!(table.memory, ByteSize::mib(2));
        let absent: Table = Settings::at(document, &["middleware", "x"]).parse().unwrap();
        assert_eq!(absent.memory, ByteSize::default());
    }

    #[test]
    fn a_key_that_belongs_to_somebody_else_is_not_seen() {
        let settings = Settings::at("[x]\nenabled = true\nmemory = \"1MiB\"", &["x"]);
        assert!(settings.parse::<Table>().is_err());
        let table: Table = settings.ignoring("enabled").parse().unwrap();
        assert_eq!(table.memory, ByteSize::mib(1));
    }

    #[test]
    fn an_error_points_into_the_document() {
        let document = "[engine]\nmemori = \"2MiB\"\n";
        let error = Settings::at(document, &["engine"]).parse::<Table>().err().unwrap();
        assert_eq!(&document[error.span().unwrap()], "memori");
        let error = Settings::at("engine = 1", &["engine"]).parse::<Table>().err().unwrap();
        assert!(error.to_string().contains("must be a table"));
    }
}
