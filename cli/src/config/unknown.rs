//! Keys that do not exist, found by walking the tree along the schema.

use std::ops::Range;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// Takes every unknown key out of `table` and says so.
pub(super) fn remove(table: &mut DeTable<'_>, schema: &Value, problems: &mut Vec<Problem>) {
    Walk { root: schema, path: Vec::new(), problems }.table(table, schema);
}

struct Walk<'a> {
    root: &'a Value,
    path: Vec<String>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn table(&mut self, table: &mut DeTable<'_>, schema: &Value) {
        let none = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        let mut unknown = Vec::new();
        for (key, value) in table.iter_mut() {
            let name = &**key.get_ref();
            match known.get(name).or_else(|| any_key(schema)).map(as_table) {
                Some(below) => {
                    self.value(name, value.get_mut(), below);
                }
                None if schema["additionalProperties"] == false => {
                    self.problems.push(self.unknown(name, key.span(), known));
                    unknown.push(name.to_owned());
                }
                None => {}
            }
        }
        for name in unknown {
            table.remove(name.as_str());
        }
    }

    /// What lies below the key `name`: a table, or a list of tables.
    fn value(&mut self, name: &str, value: &mut DeValue<'_>, schema: &Value) {
        match value {
            DeValue::Table(inner) => {
                self.path.push(name.to_owned());
                self.table(inner, schema);
                self.path.pop();
            }
            DeValue::Array(list) => {
                self.path.push(format!("[{name}]"));
                for element in list.iter_mut() {
                    if let DeValue::Table(inner) = element.get_mut() {
                        self.table(inner, &schema["items"]);
                    }
                }
                self.path.pop();
            }
            _ => {}
        }
    }

    fn unknown(&self, name: &str, span: Range<usize>, known: &Map<String, Value>) -> Problem {
        let place = match &self.path[..] {
            [] => "at the top of the file".to_owned(),
            path => format!("in [{}]", path.join(".")),
        };
        let help = match closest(name, known.keys().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => match self.elsewhere(name) {
                Some(table) => format!("`{name}` belongs to [{table}]"),
                None => {
                    format!("known here: {}", known.keys().cloned().collect::<Vec<_>>().join(", "))
                }
            },
        };
        Problem::error(format!("unknown key `{name}` {place}")).at(span).help(Some(help))
    }

    /// The first table of the schema that has a key of that name.
    fn elsewhere(&self, name: &str) -> Option<String> {
        fn find(schema: &Value, path: &[String], name: &str) -> Option<String> {
            let properties = schema["properties"].as_object();
            if properties.is_some_and(|properties| properties.contains_key(name))
                && !path.is_empty()
            {
                return Some(path.join("."));
            }
            let below = properties.into_iter().flatten().map(|(key, below)| (key.as_str(), below));
            let mut below = below.chain(any_key(schema).map(|below| ("NAME", below)));
            below.find_map(|(key, below)| find(below, &[path, &[key.to_owned()]].concat(), name))
        }
        find(self.root, &[], name)
    }
}

/// The schema of keys that may have any name.
fn any_key(schema: &Value) -> Option<&Value> {
    let patterns =
        schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
    patterns.or_else(|| schema.get("additionalProperties").filter(|any| any.is_object()))
}

/// Where a value may be a table or something else: the schema of the table.
fn as_table(schema: &Value) -> &Value {
    let mut choices = schema["anyOf"].as_array().into_iter().flatten();
    choices.find(|choice| choice["type"] == "object").unwrap_or(schema)
}

/// The candidate that `name` was probably meant to be.
pub(crate) fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = name.to_lowercase().replace('-', "_");
    let near = |candidate: &'a str| {
        let other = candidate.to_lowercase().replace('-', "_");
        (strsim::damerau_levenshtein(&lower, &other), candidate)
    };
    let (distance, candidate) = candidates.into_iter().map(near).min()?;
    (distance <= 1 + name.chars().count() / 4).then_some(candidate)
}
