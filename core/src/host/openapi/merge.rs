//! One document of many.

use serde_json::{Map, Value, json};

use crate::ModuleName;

/// References to schemas begin so.
const SCHEMAS: &str = "#/components/schemas/";

/// The path below which a module's own paths lie.
pub(super) fn base(name: &ModuleName) -> String {
    format!("/run/{name}")
}

/// All documents as one: paths below `/run/NAME`, the names of schemas and operations with `NAME.` before
/// them, and a tag for each module.
pub(super) fn merge<'a>(documents: impl Iterator<Item = (&'a ModuleName, Value)>) -> Value {
    let (mut paths, mut schemas, mut tags) = (Map::new(), Map::new(), Vec::new());
    for (name, mut document) in documents {
        let mut tag = json!({ "name": name.as_str() });
        if let Some(about) = document.pointer("/info/description") {
            tag["description"] = about.clone();
        }
        tags.push(tag);
        rename_references(&mut document, name);
        for (path, mut item) in object(&mut document, "/paths") {
            operations(&mut item).for_each(|operation| sign(operation, name));
            paths.insert(format!("{}{path}", base(name)), item);
        }
        let own = object(&mut document, "/components/schemas");
        schemas.extend(own.into_iter().map(|(schema, value)| (prefixed(name, &schema), value)));
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "mik", "version": env!("CARGO_PKG_VERSION") },
        "tags": tags,
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn prefixed(name: &ModuleName, what: &str) -> String {
    format!("{name}.{what}")
}

/// Takes an object out of a document.
fn object(document: &mut Value, pointer: &str) -> Map<String, Value> {
    match document.pointer_mut(pointer).map(Value::take) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The operations of a path, by their methods.
fn operations(item: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    const METHODS: [&str; 8] =
        ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let members = item.as_object_mut().into_iter().flat_map(|item| item.iter_mut());
    members
        .filter(|(method, _)| METHODS.contains(&method.as_str()))
        .filter_map(|(_, operation)| operation.as_object_mut())
}

/// Says whose operation it is.
fn sign(operation: &mut Map<String, Value>, name: &ModuleName) {
    operation.insert("tags".into(), json!([name.as_str()]));
    if let Some(Value::String(id)) = operation.get_mut("operationId") {
        *id = prefixed(name, id);
    }
}

fn rename_references(value: &mut Value, name: &ModuleName) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(schema) = reference.strip_prefix(SCHEMAS) {
                            *reference = format!("{SCHEMAS}{}", prefixed(name, schema));
                        }
                    }
                    member => rename_references(member, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, name)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ModuleName {
        ModuleName::new(text).unwrap()
    }

    #[test]
    fn paths_schemas_and_operations_say_whose_they_are() {
        let item = |schema: &str| json!({ "schema": { "$ref": format!("{SCHEMAS}{schema}") } });
        let document = || {
            json!({
                "info": { "title": "x", "description": "About x." },
                "paths": { "/items/{id}": {
                    "parameters": [],
                    "get": { "operationId": "one", "responses": { "200": {
                        "content": { "application/json": item("Item") } } } },
                } },
                "components": { "schemas": { "Item": { "items": item("Item")["schema"] } } },
            })
        };
        let (a, b) = (name("a"), name("b"));
        let merged = merge([(&a, document()), (&b, document())].into_iter());
        let get = &merged["paths"]["/run/b/items/{id}"]["get"];
        assert_eq!(get["operationId"], "b.one");
        assert_eq!(get["tags"], json!(["b"]));
        let reference = json!({ "$ref": "#/components/schemas/b.Item" });
        assert_eq!(get["responses"]["200"]["content"]["application/json"]["schema"], reference);
        assert_eq!(merged["components"]["schemas"]["b.Item"]["items"], reference);
        assert_eq!(merged["paths"].as_object().unwrap().len(), 2);
        assert_eq!(merged["components"]["schemas"].as_object().unwrap().len(), 2);
        assert_eq!(merged["tags"][0], json!({ "name": "a", "description": "About x." }));
    }

    #[test]
    fn what_has_another_shape_does_no_harm() {
        let a = name("a");
        let odd = json!({ "paths": [1], "components": { "schemas": 7 } });
        let merged = merge([(&a, odd), (&a, json!({}))].into_iter());
        assert_eq!(merged["paths"], json!({}));
        let none = merge(std::iter::empty());
        assert_eq!((&none["paths"], &none["tags"]), (&json!({}), &json!([])));
    }
}
