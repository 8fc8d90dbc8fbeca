//! Which parts are compiled in, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::settings::{Settings, SettingsError};
use crate::{Engine, Middleware, Orchestrator};

/// What an engine must know of the host before it starts.
#[derive(Debug, Clone)]
pub struct EngineContext {
    /// Calls that may be in flight at once; the host admits no more.
    pub in_flight: usize,
}

type EngineFactory =
    Box<dyn Fn(&Settings, &EngineContext) -> Result<Arc<dyn Engine>, SettingsError> + Send + Sync>;
type OrchestratorFactory =
    Box<dyn Fn(&Settings) -> Result<Arc<dyn Orchestrator>, SettingsError> + Send + Sync>;
type MiddlewareFactory =
    Box<dyn Fn(&Settings) -> Result<Arc<dyn Middleware>, SettingsError> + Send + Sync>;

/// The parts that can be chosen by name: engines, orchestrators and middleware. Each is a factory that
/// reads its own table of `mik.toml`.
#[derive(Default)]
pub struct Registry {
    engines: Part<EngineFactory>,
    orchestrators: Part<OrchestratorFactory>,
    middleware: Part<MiddlewareFactory>,
}

/// A name that nothing is registered under, with what there is instead.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unknown {
    /// Known, but not compiled in.
    #[error(
        "the {kind} {name:?} is not compiled in: build with `--features {feature}`. Compiled in: {known}"
    )]
    CompiledOut {
        /// `engine`, `orchestrator` or `middleware`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// The cargo feature that brings it.
        feature: &'static str,
        /// What there is.
        known: String,
    },
    /// Never heard of.
    #[error("there is no {kind} {name:?}. Compiled in: {known}")]
    NoSuch {
        /// `engine`, `orchestrator` or `middleware`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It is there, but its table of `mik.toml` is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Registry {
    /// Nothing registered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers an engine under `name`.
    pub fn engine<F>(&mut self, name: &'static str, factory: F) -> &mut Self
    where
        F: Fn(&Settings, &EngineContext) -> Result<Arc<dyn Engine>, SettingsError>,
        F: Send + Sync + 'static,
    {
        self.engines.present.insert(name, Box::new(factory));
        self
    }

    /// Registers an orchestrator under `name`.
    pub fn orchestrator<F>(&mut self, name: &'static str, factory: F) -> &mut Self
    where
        F: Fn(&Settings) -> Result<Arc<dyn Orchestrator>, SettingsError> + Send + Sync + 'static,
    {
        self.orchestrators.present.insert(name, Box::new(factory));
        self
    }

    /// Registers a middleware under `name`, the name of its table.
    pub fn middleware<F>(&mut self, name: &'static str, factory: F) -> &mut Self
    where
        F: Fn(&Settings) -> Result<Arc<dyn Middleware>, SettingsError> + Send + Sync + 'static,
    {
        self.middleware.present.insert(name, Box::new(factory));
        self
    }

    /// Remembers that an engine of that name exists, but needs a cargo feature that is off.
    pub fn absent_engine(&mut self, name: &'static str, feature: &'static str) -> &mut Self {
        self.engines.absent.insert(name, feature);
        self
    }

    /// Remembers that an orchestrator of that name exists, but needs a cargo feature that is off.
    pub fn absent_orchestrator(&mut self, name: &'static str, feature: &'static str) -> &mut Self {
        self.orchestrators.absent.insert(name, feature);
        self
    }

    /// Remembers that a middleware of that name exists, but needs a cargo feature that is off.
    pub fn absent_middleware(&mut self, name: &'static str, feature: &'static str) -> &mut Self {
        self.middleware.absent.insert(name, feature);
        self
    }

    /// Makes the engine `name`.
    pub fn make_engine(
        &self,
        name: &str,
        settings: &Settings,
        context: &EngineContext,
    ) -> Result<Arc<dyn Engine>, Unknown> {
        Ok(self.engines.find("engine", name)?(settings, context)?)
    }

    /// Makes the orchestrator `name`.
    pub fn make_orchestrator(
        &self,
        name: &str,
        settings: &Settings,
    ) -> Result<Arc<dyn Orchestrator>, Unknown> {
        Ok(self.orchestrators.find("orchestrator", name)?(settings)?)
    }

    /// Makes the middleware `name`.
    pub fn make_middleware(
        &self,
        name: &str,
        settings: &Settings,
    ) -> Result<Arc<dyn Middleware>, Unknown> {
        // Whether it is on was decided by whoever asks for it.
        Ok(self.middleware.find("middleware", name)?(&settings.ignoring("enabled"))?)
    }

    /// The engines that are compiled in.
    pub fn engines(&self) -> impl Iterator<Item = &'static str> {
        self.engines.present.keys().copied()
    }

    /// The orchestrators that are compiled in.
    pub fn orchestrators(&self) -> impl Iterator<Item = &'static str> {
        self.orchestrators.present.keys().copied()
    }

    /// The middleware that are compiled in.
    pub fn middlewares(&self) -> impl Iterator<Item = &'static str> {
        self.middleware.present.keys().copied()
    }
}

/// The parts of one kind.
struct Part<F> {
    present: BTreeMap<&'static str, F>,
    absent: BTreeMap<&'static str, &'static str>,
}

impl<F> Default for Part<F> {
    fn default() -> Self {
        Self { present: BTreeMap::new(), absent: BTreeMap::new() }
    }
}

impl<F> Part<F> {
    fn find(&self, kind: &'static str, name: &str) -> Result<&F, Unknown> {
        if let Some(factory) = self.present.get(name) {
            return Ok(factory);
        }
        let known = match self.present.keys().copied().collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "none".to_owned(),
            names => names,
        };
        let name = name.to_owned();
        Err(match self.absent.get(name.as_str()) {
            Some(feature) => Unknown::CompiledOut { kind, name, feature, known },
            None => Unknown::NoSuch { kind, name, known },
        })
    }
}
