//! The JSON Schema of `mik.toml`, from the types themselves.

use std::sync::LazyLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use super::tables::Config;

/// The JSON Schema of `mik.toml` (draft 2020-12).
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .with_transform(ForPeople);
        settings.into_generator().into_root_schema_for::<Config>().to_value()
    });
    &SCHEMA
}

/// Takes out what TOML cannot say (`null`), and puts bounds into the descriptions that editors show.
#[derive(Clone)]
struct ForPeople;

impl Transform for ForPeople {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
            types.retain(|one| one != "null");
            if let [one] = &types[..] {
                let one = one.clone();
                schema.insert("type".into(), one);
            }
        }
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        if let Some(text) = schema.get("description").and_then(Value::as_str) {
            // A wrapped comment is one line for a reader.
            let text = text
                .split("\n\n")
                .map(|part| part.replace('\n', " "))
                .collect::<Vec<_>>()
                .join("\n\n");
            let text = match bounds(schema) {
                Some((min, max)) => format!("{text} From {min} to {max}."),
                None => text,
            };
            schema.insert("description".into(), text.into());
        }
    }
}

fn bounds(schema: &Schema) -> Option<(String, String)> {
    let shown = |key: &str| {
        let value = schema.get(key)?;
        Some(value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
    };
    shown("x-minimum").zip(shown("x-maximum")).or_else(|| shown("minimum").zip(shown("maximum")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_bounds_and_defaults() {
        let body =
            schema().pointer("/properties/server/properties/limits/properties/body_bytes").unwrap();
        assert_eq!(body["type"], "string");
        assert_eq!(body["default"], "10MiB");
        let description = body["description"].as_str().unwrap();
        assert!(description.ends_with("From 0B to 1024GiB."), "{description}");
        let port = schema().pointer("/properties/server/properties/port").unwrap();
        assert_eq!((&port["default"], &port["maximum"]), (&3000.into(), &65_535.into()));
        let memory = schema().pointer("/properties/engine/properties/memory").unwrap();
        assert_eq!(memory["default"], "128MiB");
    }

    #[test]
    fn nothing_may_be_null_and_nothing_is_by_reference() {
        let text = schema().to_string();
        assert!(!text.contains("null") && !text.contains("$ref"), "{text}");
    }
}
