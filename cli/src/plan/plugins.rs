//! Middleware from dynamic libraries.

use std::collections::BTreeMap;

use super::{Draft, Placed};
use crate::config::{PluginTable, Problem};

impl Draft<'_> {
    /// Loads the libraries of every `[[plugin]]` that is on, by name.
    pub(super) fn plugins(&mut self) -> BTreeMap<String, Placed> {
        let mut loaded = BTreeMap::new();
        let tables = std::mem::take(&mut self.config.plugin);
        for (index, table) in tables.iter().enumerate().filter(|(_, table)| table.enabled) {
            let at = |key: &str| self.places.value(&["plugin", &index.to_string(), key]);
            let problem = match self.load(table) {
                Err(message) => Problem::error(message).at(at("path")),
                Ok(placed) if self.is_taken(&placed.name) || loaded.contains_key(&placed.name) => {
                    let name = placed.name;
                    let problem = Problem::error(format!("there is a middleware {name:?} already"));
                    let help = "give the plugin another name: name = \"…\"";
                    problem.at(at("name").or_else(|| at("path"))).help(help.to_owned())
                }
                Ok(placed) => {
                    loaded.insert(placed.name.clone(), placed);
                    continue;
                }
            };
            self.problems.push(problem);
        }
        self.config.plugin = tables;
        loaded
    }

    fn is_taken(&self, name: &str) -> bool {
        self.registry.middlewares().any(|known| known == name) || name == "order"
    }

    #[cfg(feature = "plugin")]
    fn load(&self, table: &PluginTable) -> Result<Placed, String> {
        use std::sync::Arc;

        use mik_core::Middleware;
        use mik_middleware::Plugin;

        let path = match &self.document {
            Some(document) => document.folder().join(&table.path),
            None => table.path.clone(),
        };
        let config = serde_json::Value::Object(table.config.clone());
        let plugin = Plugin::load(&path, &config).map_err(|error| error.to_string())?;
        let plugin = match &table.name {
            Some(name) => plugin.with_name(name.clone()),
            None => plugin,
        };
        let name = plugin.name().to_owned();
        Ok(Placed { name, origin: path.display().to_string(), middleware: Arc::new(plugin) })
    }

    #[cfg(not(feature = "plugin"))]
    fn load(&self, _: &PluginTable) -> Result<Placed, String> {
        Err("plugins are not compiled in: build with `--features plugin`".to_owned())
    }
}
