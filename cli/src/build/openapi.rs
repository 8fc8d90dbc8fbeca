//! The description of a handler: the records that the SDK leaves in its module, as one document of
//! OpenAPI 3.1.

use std::collections::btree_map::{BTreeMap, Entry};

use serde_json::{Map, Value, json};
use wasmparser::{BinaryReaderError, Parser, Payload};

use super::BuildError;
use super::strip::append_custom;
use crate::project::Project;

/// The custom section of the records in a core module, one JSON object a line, and of the document in the
/// component around it.
pub(super) const SECTION: &str = "mik:openapi";

/// What the document says of the project.
#[derive(Debug, Clone, Default)]
pub(super) struct Info {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
}

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    value: Value,
    operations: usize,
}

impl Info {
    /// What `mik.toml` says of the project, else its manifest, else the compiler.
    pub(super) fn of(project: &Project, built: Option<&str>) -> Self {
        let (own, package) = (&project.config().project, project.package());
        let version = own.version.clone().or_else(|| package.version.clone());
        Self {
            title: project.name().to_string(),
            version: version.as_deref().or(built).unwrap_or("0.0.0").to_owned(),
            description: package.description.clone(),
        }
    }
}

/// The document of a component, `None` where the records tell of no route. What cannot be said in one
/// document is noted.
pub(super) fn gather(
    component: &[u8],
    info: &Info,
    notes: &mut Vec<String>,
) -> Result<Option<Document>, BuildError> {
    let mut records = Records::default();
    for payload in Parser::new(0).parse_all(component) {
        let broken = |error: BinaryReaderError| BuildError::Broken { reason: error.to_string() };
        match payload.map_err(broken)? {
            Payload::CustomSection(section) if section.name() == SECTION => {
                records.read(section.data(), notes);
            }
            _ => {}
        }
    }
    let operations = records.paths.values().map(Map::len).sum();
    if operations == 0 {
        return Ok(None);
    }
    let mut value = json!({
        "openapi": "3.1.0",
        "info": { "title": info.title, "version": info.version },
        "paths": records.paths,
    });
    if let Some(description) = &info.description {
        value["info"]["description"] = description.clone().into();
    }
    if !records.schemas.is_empty() {
        value["components"] = json!({ "schemas": records.schemas });
    }
    Ok(Some(Document { value, operations }))
}

/// Records by what they tell of.
#[derive(Debug, Default)]
struct Records {
    /// The operations of each path, by method.
    paths: BTreeMap<String, Map<String, Value>>,
    schemas: BTreeMap<String, Value>,
}

impl Records {
    fn read(&mut self, section: &[u8], notes: &mut Vec<String>) {
        for line in section.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let record = serde_json::from_slice(line).ok();
            if record.and_then(|record| self.add(record, notes)).is_none() {
                let shown = String::from_utf8_lossy(line).chars().take(60).collect::<String>();
                notes.push(format!(
                    "not in the description, as no record of it can be read: {shown}"
                ));
            }
        }
    }

    /// Takes a record; `None` where it is none.
    fn add(&mut self, mut record: Map<String, Value>, notes: &mut Vec<String>) -> Option<()> {
        if let Some(name) = record.get("schema") {
            let name = name.as_str()?.to_owned();
            let value = record.remove("value")?;
            match self.schemas.entry(name) {
                Entry::Vacant(place) => drop(place.insert(value)),
                Entry::Occupied(first) if *first.get() == value => {}
                Entry::Occupied(first) => notes.push(format!(
                    "two types are called {}: the description knows the first of them",
                    first.key()
                )),
            }
            return Some(());
        }
        let [path, method] = ["path", "method"].map(|key| record.remove(key));
        let (path, method) = (path?.as_str()?.to_owned(), method?.as_str()?.to_owned());
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        self.paths.entry(path).or_default().insert(method, record.into());
        Some(())
    }
}

impl Document {
    /// How many operations it describes.
    pub(super) fn operations(&self) -> usize {
        self.operations
    }

    /// For people and tools.
    pub(super) fn to_text(&self) -> String {
        format!("{:#}\n", self.value)
    }

    /// Puts it into a component, where the host finds it.
    pub(super) fn embed(&self, component: &mut Vec<u8>) {
        append_custom(SECTION, self.value.to_string().as_bytes(), component);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with a module in which the linker has put these records.
    fn component(records: &str) -> Vec<u8> {
        let mut module = wat::parse_str("(module)").unwrap();
        append_custom(SECTION, records.as_bytes(), &mut module);
        let mut component = wat::parse_str("(component)").unwrap();
        component.push(1);
        component.push(u8::try_from(module.len() & 0x7f).unwrap() | 0x80);
        component.push(u8::try_from(module.len() >> 7).unwrap());
        component.extend(module);
        component
    }

    fn of(records: &str) -> (Option<Document>, Vec<String>) {
        let info = Info { title: "shop".into(), version: "1.2.3".into(), description: None };
        let mut notes = Vec::new();
        let document = gather(&component(records), &info, &mut notes).unwrap();
        (document, notes)
    }

    const ROUTES: &str = r##"{"path":"/users/{id}","method":"get","operationId":"get_user","responses":{"200":{"description":"OK"}}}
{"schema":"User","value":{"type":"object"}}
{"path":"/users/{id}","method":"put","responses":{}}
{"path":"","method":"get","responses":{}}
"##;

    #[test]
    fn records_become_one_document() {
        let (document, notes) = of(ROUTES);
        let Document { value, operations } = document.unwrap();
        assert_eq!(operations, 3);
        assert_eq!(value["openapi"], "3.1.0");
        assert_eq!(value["info"], json!({ "title": "shop", "version": "1.2.3" }));
        assert_eq!(value["paths"]["/users/{id}"]["get"]["operationId"], "get_user");
        assert!(value["paths"]["/users/{id}"]["get"].get("method").is_none());
        assert!(value["paths"]["/"]["get"].is_object());
        assert_eq!(value["components"]["schemas"]["User"]["type"], "object");
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn without_routes_there_is_nothing_to_describe() {
        assert_eq!(of("").0, None);
        assert_eq!(of("{\"schema\":\"User\",\"value\":{}}\n").0, None);
    }

    #[test]
    fn two_types_of_one_name_and_what_is_no_record_are_noted() {
        let (document, notes) =
            of(&format!("{ROUTES}not json\n{{\"schema\":\"User\",\"value\":{{}}}}\n{ROUTES}"));
        assert_eq!(document.unwrap().operations, 3);
        let [record, types] = &notes[..] else { panic!("{notes:?}") };
        assert!(record.ends_with("not json"), "{record}");
        assert!(types.starts_with("two types are called User"), "{types}");
    }

    #[test]
    fn the_component_carries_its_document() {
        let document = of(ROUTES).0.unwrap();
        let mut component = wat::parse_str("(component)").unwrap();
        document.embed(&mut component);
        let found = Parser::new(0).parse_all(&component).find_map(|payload| match payload {
            Ok(Payload::CustomSection(section)) if section.name() == SECTION => {
                serde_json::from_slice(section.data()).ok()
            }
            _ => None,
        });
        assert_eq!(found, Some(document.value));
    }
}
