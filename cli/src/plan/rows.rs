//! Every setting as it is in force, and where it came from.

use serde::Serialize;
use serde_json::Value;

use super::{Draft, Given, Placed, Plan};
use crate::args::Origin;
use crate::config::Row;

/// One key of `mik.toml` as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key with its table: `server.limits.body_bytes`.
    pub key: String,
    /// Its value, written as in the file.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Plan {
    /// The settings that are fixed when the process starts: where it listens, its limits, its engine.
    pub fn fixed_settings(&self) -> Vec<Setting> {
        let server = &self.config.server;
        let mut all = vec![given("server.host", &self.host), given("server.port", &self.port)];
        all.extend(rows("server", server.rows(&self.limits)));
        all.extend(rows("server.limits", server.limits.rows(&self.limits)));
        let table = &self.config.engine;
        let own = |key: &str, value: Option<String>, default: &str| {
            let origin = if value.is_some() { Origin::File } else { Origin::Default };
            Setting {
                key: format!("engine.{key}"),
                value: value.unwrap_or_else(|| default.into()),
                origin,
            }
        };
        all.push(given("engine.name", &self.engine));
        all.push(own("cache_dir", self.cache_dir(), "the user's cache folder"));
        let total = table.total_memory.map(|size| size.to_string());
        all.push(own("total_memory", total, "half of the machine or control group"));
        all.push(own("tick", table.tick.map(|time| time.to_string()), "10ms"));
        // The host and the engine get their meter when they start.
        let metrics = self.config.middleware.tables.get("metrics");
        let is_on = self.middleware.iter().any(|placed| placed.name == "metrics");
        let is_given = metrics.is_some_and(|table| table.enabled.is_some());
        all.push(Setting {
            key: "middleware.metrics.enabled".into(),
            value: is_on.to_string(),
            origin: if is_given { Origin::File } else { Origin::Default },
        });
        all
    }

    /// The settings that a reload changes as well, without those of single modules.
    pub fn other_settings(&self) -> Vec<Setting> {
        let mut all = rows("engine", self.config.engine.rows(&self.defaults));
        if let Some(orchestrator) = &self.orchestrator {
            all.push(given("orchestrator.name", orchestrator));
        }
        all.extend(rows("cache", self.config.cache.rows(&self.cache)));
        all
    }

    /// The settings that single modules have of their own.
    pub fn module_settings(&self) -> Vec<Setting> {
        let tables = self.config.modules.iter().filter_map(|(name, table)| {
            let settings = self.named.get(&name.0)?;
            Some(rows(&format!("modules.{name}"), table.rows(settings)))
        });
        tables.flatten().filter(|setting| setting.origin == Origin::File).collect()
    }

    /// The keys that differ from what was fixed at the start: they need a restart to take effect.
    pub fn needs_restart(&self, start: &[Setting]) -> Vec<String> {
        let pairs = start.iter().zip(self.fixed_settings());
        pairs.filter(|(old, new)| old.value != new.value).map(|(_, new)| new.key).collect()
    }
}

impl Draft<'_> {
    /// The keys of the tables of these middleware, and of those of single modules.
    pub(super) fn middleware_settings(&self, placed: &[Placed]) -> Vec<Setting> {
        let text = self.document.as_ref().map_or("", |document| &document.text);
        let file: Value = toml::from_str(text).unwrap_or_default();
        let mut all = Vec::new();
        for name in placed.iter().map(|placed| placed.name.as_str()) {
            let schema = self.registry.middleware_schema(name).unwrap_or_default();
            let defaults = schema["properties"].as_object().into_iter().flatten();
            let given = &file["middleware"][name];
            for (key, property) in defaults {
                let (value, origin) = match (given.get(key), property.get("default")) {
                    (Some(value), _) => (value, Origin::File),
                    (None, Some(value)) => (value, Origin::Default),
                    (None, None) => continue,
                };
                let key = format!("middleware.{name}.{key}");
                all.extend(shown(value).map(|value| Setting { key, value, origin }));
            }
            let modules = file["modules"].as_object().into_iter().flatten();
            let tables = modules.filter_map(|(module, table)| Some((module, table.get(name)?)));
            for (module, table) in tables.filter(|_| self.registry.is_per_module(name)) {
                let key = format!("modules.{module}.{name}");
                all.extend(shown(table).map(|value| Setting { key, value, origin: Origin::File }));
            }
        }
        all
    }
}

/// A value as it would stand in the file; nothing where there is none.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) if list.is_empty() => None,
        Value::Object(table) if table.is_empty() => None,
        value => Some(value.to_string()),
    }
}

fn given<T: ToString>(key: &str, given: &Given<T>) -> Setting {
    Setting { key: key.into(), value: given.value.to_string(), origin: given.origin }
}

fn rows(table: &str, rows: Vec<Row>) -> Vec<Setting> {
    let setting = |row: Row| Setting {
        key: format!("{table}.{}", row.key),
        value: row.value,
        origin: if row.given { Origin::File } else { Origin::Default },
    };
    rows.into_iter().map(setting).collect()
}
