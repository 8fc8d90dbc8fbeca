//! A part's own table of `mik.toml`, not yet read.

mod by_target;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::Target;
pub use by_target::ByTarget;

/// The key with which any middleware is switched on or off.
const ENABLED: &str = "enabled";

/// The table of `mik.toml` that belongs to one part, such as `[engine]` or `[middleware.rate-limit]`.
/// The part's factory reads it with [`Settings::parse`]; a middleware that may differ from module to
/// module, with [`Settings::by_target`].
#[derive(Debug, Clone, Default)]
pub struct Settings {
    document: Arc<str>,
    path: Vec<String>,
    folder: PathBuf,
    /// Whether the part is a middleware: then `enabled` is not its own key.
    is_middleware: bool,
    /// Whether it is on where nothing is said.
    is_on: bool,
    /// The key that `NAME = 5` stands for, where it may stand instead of a table.
    shorthand: Option<&'static str>,
}

/// A table that does not read, with the place in `mik.toml` where known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{message}", target.as_ref().map(|target| format!("for {target}: ")).unwrap_or_default())]
pub struct SettingsError {
    message: String,
    span: Option<Range<usize>>,
    key: Option<&'static str>,
    target: Option<Target>,
    is_private: bool,
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
        Self { document: document.into(), path, ..Self::default() }
    }

    /// The same table of a document that lies in `folder`.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The same table as that of a middleware.
    pub(crate) fn of_middleware(&self, is_on: bool, shorthand: Option<&'static str>) -> Self {
        Self { is_middleware: true, is_on, shorthand, ..self.clone() }
    }

    /// A path that a table names: relative ones are relative to the document.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Reads the table into the part's own type. Give that `#[serde(deny_unknown_fields, default)]`.
    ///
    /// # Errors
    /// Whatever is wrong with it, with its place.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        let mut table = self.own(&mut self.tree()?)?.unwrap_or_else(empty);
        self.take_enabled(&mut table)?;
        read(table)
    }

    fn tree(&self) -> Result<DeTable<'_>, SettingsError> {
        let tree = DeTable::parse(&self.document).map_err(|e| SettingsError::from_toml(&e))?;
        Ok(tree.into_inner())
    }

    /// Takes the table out of the document; `None` where it is not there.
    fn own<'a>(&self, tree: &mut DeTable<'a>) -> Result<Option<Table<'a>>, SettingsError> {
        let Some((last, outer)) = self.path.split_last() else { return Ok(None) };
        let mut table = tree;
        for key in outer {
            let Some(value) = table.get_mut(key.as_str()) else { return Ok(None) };
            let span = value.span();
            let DeValue::Table(inner) = value.get_mut() else {
                return Err(SettingsError::at(format!("{key} must be a table"), span));
            };
            table = inner;
        }
        table.remove(last.as_str()).map(|value| self.table(value)).transpose()
    }

    /// A value as a table, where it is one or stands for one.
    fn table<'a>(&self, value: Spanned<DeValue<'a>>) -> Result<Table<'a>, SettingsError> {
        let span = value.span();
        match (value.into_inner(), self.shorthand) {
            (DeValue::Table(inner), _) => Ok(Spanned::new(span, inner)),
            (value @ (DeValue::Integer(_) | DeValue::String(_)), Some(key)) => {
                let mut table = DeTable::new();
                table.insert(
                    Spanned::new(span.clone(), key.into()),
                    Spanned::new(span.clone(), value),
                );
                Ok(Spanned::new(span, table))
            }
            (_, Some(key)) => {
                let message = format!("it must be a table, or the value of `{key}`");
                Err(SettingsError::at(message, span))
            }
            (_, None) => Err(SettingsError::at("it must be a table", span)),
        }
    }

    /// Takes the switch of a middleware out of its table.
    fn take_enabled(&self, table: &mut Table<'_>) -> Result<Option<bool>, SettingsError> {
        if !self.is_middleware {
            return Ok(None);
        }
        match table.get_mut().remove(ENABLED).map(|value| (value.span(), value.into_inner())) {
            None => Ok(None),
            Some((_, DeValue::Boolean(is_on))) => Ok(Some(is_on)),
            Some((span, _)) => {
                Err(SettingsError::at(format!("`{ENABLED}` must be true or false"), span))
            }
        }
    }
}

type Table<'a> = Spanned<DeTable<'a>>;

fn empty<'a>() -> Table<'a> {
    Spanned::new(0..0, DeTable::new())
}

fn read<T: DeserializeOwned>(table: Table<'_>) -> Result<T, SettingsError> {
    T::deserialize(Deserializer::from(table)).map_err(|e| SettingsError::from_toml(&e))
}

impl SettingsError {
    /// A table whose values read, but make no sense together.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, key: None, target: None, is_private: false }
    }

    /// The same, and says which key of the table it is about: that one is shown.
    #[must_use]
    pub fn of_key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// The same of a table that may hold a secret: its lines are not shown, only which ones they are.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.is_private = true;
        self
    }

    /// Whether the lines that it is about may hold a secret.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    /// What is wrong, without the target.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The key of the table that it is about, where known.
    pub fn key(&self) -> Option<&'static str> {
        self.key
    }

    /// The target whose own table it is about, where no place is known.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// The bytes of the document that are wrong, where known.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// The same, and says which target it is about, where no place does.
    fn about(mut self, target: &Target) -> Self {
        if self.span.is_none() {
            self.target = Some(target.clone());
        }
        self
    }

    fn at(message: impl Into<String>, span: Range<usize>) -> Self {
        Self { span: Some(span), ..Self::new(message) }
    }

    fn from_toml(error: &toml::de::Error) -> Self {
        Self { span: error.span(), ..Self::new(error.message()) }
    }
}
