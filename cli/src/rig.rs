//! What tests of the command line stand on: an engine and an orchestrator that run nothing.

use std::sync::{Arc, Mutex};

use mik_core::{
    BoxFuture, Call, CallError, Capabilities, Engine, LoadError, Module, ModuleSource,
    Orchestrator, Registry, Request, Response, Script, ScriptSource, Settings, SettingsError,
};

/// The engine `fake` and the orchestrator `lines`.
pub(crate) struct Rig {
    pub(crate) registry: Registry,
    /// The tables that orchestrators were made with.
    pub(crate) tables: Arc<Mutex<Vec<toml::Table>>>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::new();
        registry.engine("fake", |_, _| Ok(Arc::new(Nothing)));
        let tables = Arc::<Mutex<Vec<_>>>::default();
        let made = tables.clone();
        registry.orchestrator("lines", move |settings: &Settings| {
            let table: toml::Table = settings.parse()?;
            if table.contains_key("queue") && table["queue"].as_integer() == Some(13) {
                return Err(SettingsError::new("queue = 13 brings bad luck"));
            }
            made.lock().unwrap().push(table);
            Ok(Arc::new(Nothing))
        });
        registry.absent_orchestrator("boa", "boa");
        Self { registry, tables }
    }
}

struct Nothing;

impl Engine for Nothing {
    fn name(&self) -> &str {
        "fake"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, _: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        Err(LoadError::new("it runs nothing"))
    }
}

impl Orchestrator for Nothing {
    fn name(&self) -> &str {
        "lines"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, source: ScriptSource<'_>) -> Result<Arc<dyn Script>, LoadError> {
        match source.text.lines().position(|line| line == "broken") {
            Some(line) => {
                let line = line + 1;
                Err(LoadError::new(format!("broken, line {line}\n  {line} | broken\n    | ^^^^^^")))
            }
            None => Ok(Arc::new(Self)),
        }
    }
}

impl Script for Nothing {
    fn files(&self) -> Vec<std::path::PathBuf> {
        vec!["scripts/lib/part.js".into()]
    }

    fn run(
        self: Arc<Self>,
        _: Request,
        _: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async { Err(CallError::Draining) })
    }
}
