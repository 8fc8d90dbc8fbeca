//! From a plan to an engine and a host.

use std::sync::Arc;

use mik_core::{Engine, EngineContext, Host, Registry, Settings};

use super::Plan;
use crate::config::Document;
use crate::failure::Failure;

impl Plan {
    /// Makes the engine. This is done once; it outlives a reload.
    ///
    /// # Errors
    /// When the engine refuses its settings, or the machine.
    pub fn make_engine(&self, registry: &Registry) -> Result<Arc<dyn Engine>, Failure> {
        let context = EngineContext { in_flight: self.limits.in_flight };
        Ok(registry.make_engine(&self.engine.value, &self.engine_settings(), &context)?)
    }

    /// Puts a host together around `engine`. Must be sound; see [`Plan::sound`].
    ///
    /// # Errors
    /// When a part cannot be made, or the files have changed since the plan was made.
    pub fn make_host(&self, registry: &Registry, engine: Arc<dyn Engine>) -> Result<Host, Failure> {
        let mut builder = Host::builder()
            .shared_engine(engine)
            .limits(self.limits.clone())
            .cache(self.cache)
            .module_defaults(self.defaults.clone());
        if let Some(orchestrator) = &self.orchestrator {
            let settings = self.document.as_ref().map_or_else(Settings::none, |document| {
                Settings::at(document.text.clone(), &["orchestrator"])
            });
            let made = registry.make_orchestrator(&orchestrator.value, &settings)?;
            builder = builder.shared_orchestrator(made);
        }
        if let Some(modules) = &self.modules {
            builder = builder.modules_dir(modules);
        }
        for (name, settings) in &self.named {
            builder = builder.module(name.clone(), settings.clone());
        }
        for (route, name) in &self.mounts {
            builder = builder.route(route.clone(), name.clone());
        }
        for placed in &self.middleware {
            builder = builder.shared_middleware(placed.middleware.clone());
        }
        Ok(builder.build()?)
    }

    /// The engine's own keys, as a document of their own: paths are complete in it.
    fn engine_settings(&self) -> Settings {
        let table = &self.config.engine;
        let mut text = String::from("[engine]\n");
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                // A JSON string is a TOML string as well.
                text.push_str(&format!("{key} = {}\n", serde_json::Value::from(value)));
            }
        };
        add("cache_dir", self.cache_dir());
        add("total_memory", table.total_memory.map(|size| size.to_string()));
        add("tick", table.tick.map(|time| time.to_string()));
        Settings::at(text, &["engine"])
    }

    /// Where compiled modules are kept, as far as the file says.
    pub(super) fn cache_dir(&self) -> Option<String> {
        let given = self.config.engine.cache_dir.as_ref()?;
        let folder = self.document.as_ref().map(Document::folder);
        let complete = match folder {
            Some(folder) if !given.as_os_str().is_empty() => folder.join(given),
            _ => given.clone(),
        };
        Some(complete.to_string_lossy().into_owned())
    }
}
