//! The JSON Schema of `mik.toml`, from the types themselves.

use std::sync::LazyLock;

use mik_core::Registry;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

use super::tables::Config;

/// The tables that hold one table for each module, or for each script.
pub(super) const BY_NAME: [&str; 2] = ["modules", "scripts"];

/// The JSON Schema of `mik.toml` (draft 2020-12) with the tables of every middleware that is registered.
pub fn schema(registry: &Registry) -> Value {
    with_middleware(registry, |_| true)
}

/// The same with the tables of some middleware: to make each takes a while. Of the others there is the name.
pub(super) fn with_middleware(registry: &Registry, is_wanted: impl Fn(&str) -> bool) -> Value {
    let mut schema = own().clone();
    for name in registry.middlewares() {
        let table = if is_wanted(name) { middleware(registry, name) } else { json!({}) };
        for kind in BY_NAME.into_iter().filter(|_| registry.is_per_module(name)) {
            if let Some(keys) = any_of(&mut schema, kind) {
                keys.insert(name.to_owned(), table.clone());
            }
        }
        if let Some(Value::Object(tables)) = schema.pointer_mut("/properties/middleware/properties")
        {
            tables.insert(name.to_owned(), table);
        }
    }
    schema
}

/// The table of one middleware, with the switch that all have.
fn middleware(registry: &Registry, name: &str) -> Value {
    let table = registry.middleware_schema(name).unwrap_or_else(|| json!({ "type": "object" }));
    let Ok(mut table) = Schema::try_from(table) else { return json!({ "type": "object" }) };
    ForPeople.transform(&mut table);
    let mut table = table.to_value();
    if let Some(root) = table.as_object_mut() {
        root.remove("$schema");
        let properties = root.entry("properties").or_insert_with(|| json!({}));
        properties["enabled"] = json!({
            "type": "boolean", "default": true, "description": "`false` switches the middleware off.",
        });
    }
    match registry.middleware_shorthand(name).map(|key| table["properties"][key].clone()) {
        Some(short @ Value::Object(_)) => json!({ "anyOf": [table, short] }),
        _ => table,
    }
}

/// The keys of the table of one module, or of one script.
fn any_of<'a>(schema: &'a mut Value, kind: &str) -> Option<&'a mut serde_json::Map<String, Value>> {
    let all = schema.pointer_mut(&format!("/properties/{kind}"))?.as_object_mut()?;
    let table = match all.contains_key("patternProperties") {
        true => all.get_mut("patternProperties")?.as_object_mut()?.values_mut().next()?,
        false => all.get_mut("additionalProperties")?,
    };
    table.get_mut("properties")?.as_object_mut()
}

/// The schema of the tables that are mik's own.
pub(super) fn own() -> &'static Value {
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
        if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            values.retain(|value| !value.is_null());
        }
        if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
            choices.retain(|choice| choice["type"] != "null");
            if let [Value::Object(one)] = &choices[..] {
                let one = one.clone();
                schema.remove("anyOf");
                for (key, value) in one {
                    if schema.get(&key).is_none() {
                        schema.insert(key, value);
                    }
                }
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
            own().pointer("/properties/server/properties/limits/properties/body_bytes").unwrap();
        assert_eq!(body["type"], "string");
        assert_eq!(body["default"], "10MiB");
        let description = body["description"].as_str().unwrap();
        assert!(description.ends_with("From 0B to 1024GiB."), "{description}");
        let port = own().pointer("/properties/server/properties/port").unwrap();
        assert_eq!((&port["default"], &port["maximum"]), (&3000.into(), &65_535.into()));
        let memory = own().pointer("/properties/engine/properties/memory").unwrap();
        assert_eq!(memory["default"], "128MiB");
        let orchestrator = &own()["properties"]["orchestrator"]["properties"];
        assert_eq!(orchestrator["memory"]["default"], "64MiB");
        assert_eq!(orchestrator["queue"]["default"], 1_000);
        let description = orchestrator["stack"]["description"].as_str().unwrap();
        assert!(description.ends_with("From 64KiB to 16MiB."), "{description}");
    }

    #[test]
    fn a_middleware_that_may_differ_is_known_for_scripts_too() {
        let mut all = schema(&crate::registry());
        for kind in BY_NAME {
            assert!(any_of(&mut all, kind).unwrap().contains_key("breaker"), "{kind}");
        }
    }

    #[test]
    fn nothing_may_be_null_and_nothing_is_by_reference() {
        let text = schema(&crate::registry()).to_string();
        assert!(!text.contains("null") && !text.contains("$ref"), "{text}");
    }
}
