//! Every setting as it is in force, and where it came from.

use mik_core::ModuleName;
use serde::Serialize;
use serde_json::Value;

use super::{Draft, Given, Placed, Plan};
use crate::args::Origin;
use crate::config::{DEFAULT_QUEUE, DEFAULT_STACK, Row};

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
        all.push(given("engine.name", &self.engine));
        all.push(own("engine.cache_dir", self.cache_dir(), "the user's cache folder"));
        let total = table.total_memory;
        all.push(own("engine.total_memory", total, "half of the machine or control group"));
        all.push(own("engine.tick", table.tick, "10ms"));
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

    /// The settings that are fixed when the orchestrator is made: at the start, or when the first scripts
    /// come.
    pub fn orchestrator_settings(&self) -> Vec<Setting> {
        let table = &self.config.orchestrator;
        let name = self.orchestrator.as_ref().map_or_else(
            || Setting {
                key: "orchestrator.name".into(),
                value: "none compiled in".into(),
                origin: Origin::Default,
            },
            |name| given("orchestrator.name", name),
        );
        vec![
            name,
            own("orchestrator.stack", table.stack, DEFAULT_STACK),
            own("orchestrator.threads", table.threads, "as many as the machine has use for"),
            own("orchestrator.queue", table.queue, &DEFAULT_QUEUE.to_string()),
            own("orchestrator.trusted_scripts", table.trusted_scripts, "false"),
        ]
    }

    /// The settings that a reload changes as well, without those of single modules and scripts.
    pub fn other_settings(&self) -> Vec<Setting> {
        let mut all = rows("engine", self.config.engine.rows(&self.defaults));
        all.extend(rows("orchestrator", self.config.orchestrator.rows(&self.script_defaults)));
        all.extend(rows("cache", self.config.cache.rows(&self.cache)));
        all
    }

    /// The settings that single modules and scripts have of their own.
    pub fn named_settings(&self) -> Vec<Setting> {
        let modules = self.config.modules.iter().filter_map(|(name, table)| {
            let settings = self.named.get(&name.0)?;
            Some(rows(&format!("modules.{name}"), table.rows(settings)))
        });
        let scripts = self.config.scripts.iter().filter_map(|(name, table)| {
            let settings = self.named_scripts.get(&name.0)?;
            Some(rows(&format!("scripts.{name}"), table.rows(settings)))
        });
        let all = modules.chain(scripts).flatten();
        all.filter(|setting| setting.origin == Origin::File).collect()
    }

    /// The limits of a script, whoever has set them.
    pub(crate) fn script_limits(&self, name: &ModuleName) -> Vec<Row> {
        self.config.orchestrator.rows(self.script_settings(name))
    }
}

/// The keys that differ from what was fixed when a part was made: they need a restart to take effect.
pub(crate) fn stale(fixed: &[Setting], now: Vec<Setting>) -> Vec<String> {
    let pairs = fixed.iter().zip(now);
    pairs.filter(|(old, new)| old.value != new.value).map(|(_, new)| new.key).collect()
}

impl Draft<'_> {
    /// The keys of the tables of these middleware, and of those of single modules and scripts.
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
            for kind in ["modules", "scripts"] {
                let tables = file[kind].as_object().into_iter().flatten();
                let tables = tables.filter_map(|(one, table)| Some((one, table.get(name)?)));
                for (one, table) in tables.filter(|_| self.registry.is_per_module(name)) {
                    let key = format!("{kind}.{one}.{name}");
                    let origin = Origin::File;
                    all.extend(shown(table).map(|value| Setting { key, value, origin }));
                }
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

/// A key of a part that has its default elsewhere.
fn own<T: ToString>(key: &str, value: Option<T>, default: &str) -> Setting {
    let origin = if value.is_some() { Origin::File } else { Origin::Default };
    let value = value.map_or_else(|| default.to_owned(), |value| value.to_string());
    Setting { key: key.into(), value, origin }
}

fn rows(table: &str, rows: Vec<Row>) -> Vec<Setting> {
    let setting = |row: Row| Setting {
        key: format!("{table}.{}", row.key),
        value: row.value,
        origin: if row.given { Origin::File } else { Origin::Default },
    };
    rows.into_iter().map(setting).collect()
}
