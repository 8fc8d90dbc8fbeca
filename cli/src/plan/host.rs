//! From a plan to an engine and a host.

use std::sync::Arc;

use mik_core::{Engine, EngineContext, Host, Orchestrator, Registry, Settings};
use serde_json::Value;

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
        Ok(registry.make_engine(&self.engine.value, &self.keys_of_engine(), &context)?)
    }

    /// Makes the orchestrator, where there are scripts. Like the engine it outlives a reload.
    ///
    /// # Errors
    /// When the orchestrator refuses its settings.
    pub fn make_orchestrator(
        &self,
        registry: &Registry,
    ) -> Result<Option<Arc<dyn Orchestrator>>, Failure> {
        let Some(name) = self.orchestrator.as_ref().filter(|_| self.scripts.is_some()) else {
            return Ok(None);
        };
        Ok(Some(registry.make_orchestrator(&name.value, &self.keys_of_orchestrator())?))
    }

    /// Puts a host together around an engine and, where there are scripts, an orchestrator. Must be sound; see
    /// [`Plan::sound`].
    ///
    /// # Errors
    /// When a part cannot be made, or the files have changed since the plan was made.
    pub fn make_host(
        &self,
        engine: Arc<dyn Engine>,
        orchestrator: Option<Arc<dyn Orchestrator>>,
    ) -> Result<Host, Failure> {
        let mut builder = Host::builder()
            .shared_engine(engine)
            .limits(self.limits.clone())
            .cache(self.cache)
            .module_defaults(self.defaults.clone())
            .script_defaults(self.script_defaults.clone());
        if let Some(orchestrator) = orchestrator {
            builder = builder.shared_orchestrator(orchestrator);
        }
        if let Some(modules) = &self.modules {
            builder = builder.modules_dir(modules);
        }
        if let Some(scripts) = &self.scripts {
            builder = builder.scripts_dir(scripts);
        }
        for (name, settings) in &self.named {
            builder = builder.module(name.clone(), settings.clone());
        }
        for (name, settings) in &self.named_scripts {
            builder = builder.script(name.clone(), settings.clone());
        }
        for (route, name) in &self.mounts {
            builder = builder.route(route.clone(), name.clone());
        }
        for placed in &self.middleware {
            builder = builder.shared_middleware(placed.middleware.clone());
        }
        Ok(builder.build()?)
    }

    /// The engine's own keys.
    fn keys_of_engine(&self) -> Settings {
        let table = &self.config.engine;
        own_keys(
            "engine",
            [
                // Complete, since this document lies nowhere.
                ("cache_dir", self.cache_dir().map(Value::from)),
                ("total_memory", table.total_memory.map(|size| size.to_string().into())),
                ("tick", table.tick.map(|time| time.to_string().into())),
            ],
        )
    }

    /// The orchestrator's own keys.
    fn keys_of_orchestrator(&self) -> Settings {
        let table = &self.config.orchestrator;
        own_keys(
            "orchestrator",
            [
                ("stack", table.stack.map(|size| size.to_string().into())),
                ("threads", table.threads.map(|count| count.get().into())),
                ("queue", table.queue.map(|count| count.get().into())),
                ("trusted_scripts", table.trusted_scripts.map(Value::from)),
            ],
        )
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

/// Keys of a table that are a part's own, as a document of their own.
fn own_keys<const N: usize>(table: &str, keys: [(&str, Option<Value>); N]) -> Settings {
    let mut text = format!("[{table}]\n");
    for (key, value) in keys {
        // Texts, numbers and booleans of JSON are those of TOML as well.
        text.extend(value.map(|value| format!("{key} = {value}\n")));
    }
    Settings::at(text, &[table])
}
