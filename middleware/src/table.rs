//! What the tables of all middleware share.

#![allow(dead_code, unused_imports, reason = "each feature alone uses only some of it")]

use std::sync::Arc;

use mik_core::{Middleware, SettingsError};
use schemars::JsonSchema;

/// What a factory returns.
pub(crate) type Made = Result<Arc<dyn Middleware>, SettingsError>;

/// The JSON Schema of a table.
pub(crate) fn schema_of<T: JsonSchema>() -> serde_json::Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}
