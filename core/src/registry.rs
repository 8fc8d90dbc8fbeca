//! Which parts are compiled in, by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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

/// A middleware that is registered: what makes it, and what `mik.toml` may say of it.
pub struct MiddlewareEntry {
    factory: MiddlewareFactory,
    schema: Option<fn() -> serde_json::Value>,
    origin: Cow<'static, str>,
    is_on: bool,
    per_module: bool,
    shorthand: Option<&'static str>,
}

impl MiddlewareEntry {
    /// It is on unless its table says `enabled = false`.
    pub fn on(&mut self) -> &mut Self {
        self.is_on = true;
        self
    }

    /// It reads `[modules.NAME.MIDDLEWARE]` and `[scripts.NAME.MIDDLEWARE]` as well, with [`Settings::by_target`].
    pub fn per_module(&mut self) -> &mut Self {
        self.per_module = true;
        self
    }

    /// Where its table may stand, `MIDDLEWARE = 5` may stand too and means `{ key = 5 }`.
    pub fn shorthand(&mut self, key: &'static str) -> &mut Self {
        self.shorthand = Some(key);
        self
    }

    /// The JSON Schema of its table. With it, unknown keys are found like those of mik itself.
    pub fn schema(&mut self, schema: fn() -> serde_json::Value) -> &mut Self {
        self.schema = Some(schema);
        self
    }

    /// Where it comes from, for people: `built in` unless said otherwise.
    pub fn origin(&mut self, origin: impl Into<Cow<'static, str>>) -> &mut Self {
        self.origin = origin.into();
        self
    }
}

/// The parts that can be chosen by name: engines, orchestrators and middleware. Each is a factory that
/// reads its own table of `mik.toml`.
#[derive(Default)]
pub struct Registry {
    engines: Part<EngineFactory>,
    orchestrators: Part<OrchestratorFactory>,
    middleware: Part<MiddlewareEntry>,
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
        self.engines.present.insert(name.into(), Box::new(factory));
        self
    }

    /// Registers an orchestrator under `name`.
    pub fn orchestrator<F>(&mut self, name: &'static str, factory: F) -> &mut Self
    where
        F: Fn(&Settings) -> Result<Arc<dyn Orchestrator>, SettingsError> + Send + Sync + 'static,
    {
        self.orchestrators.present.insert(name.into(), Box::new(factory));
        self
    }

    /// Registers a middleware under `name`, the name of its table. What is said of it further is said to
    /// what this returns.
    pub fn middleware<F>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        factory: F,
    ) -> &mut MiddlewareEntry
    where
        F: Fn(&Settings) -> Result<Arc<dyn Middleware>, SettingsError> + Send + Sync + 'static,
    {
        let entry = MiddlewareEntry {
            factory: Box::new(factory),
            schema: None,
            origin: "built in".into(),
            is_on: false,
            per_module: false,
            shorthand: None,
        };
        match self.middleware.present.entry(name.into()) {
            Entry::Vacant(slot) => slot.insert(entry),
            Entry::Occupied(slot) => {
                let slot = slot.into_mut();
                *slot = entry;
                slot
            }
        }
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

    /// Makes the middleware `name`. Whether it is on was decided by whoever asks for it.
    pub fn make_middleware(
        &self,
        name: &str,
        settings: &Settings,
    ) -> Result<Arc<dyn Middleware>, Unknown> {
        let entry = self.middleware.find("middleware", name)?;
        Ok((entry.factory)(&settings.of_middleware(entry.is_on, entry.shorthand))?)
    }

    /// Whether the middleware `name` is on by its table, by that of a module, or unasked.
    pub fn wants_middleware(&self, name: &str, settings: &Settings) -> bool {
        let entry = self.middleware.present.get(name);
        entry.is_some_and(|entry| {
            let per_module = entry.per_module;
            settings.of_middleware(entry.is_on, entry.shorthand).is_wanted(per_module)
        })
    }

    /// The JSON Schema of the table of the middleware `name`, where it has told.
    pub fn middleware_schema(&self, name: &str) -> Option<serde_json::Value> {
        self.middleware.present.get(name)?.schema.map(|schema| schema())
    }

    /// Whether the middleware `name` may be set for single modules.
    pub fn is_per_module(&self, name: &str) -> bool {
        self.middleware.present.get(name).is_some_and(|entry| entry.per_module)
    }

    /// The key that a number or text in place of the table of the middleware `name` stands for.
    pub fn middleware_shorthand(&self, name: &str) -> Option<&'static str> {
        self.middleware.present.get(name)?.shorthand
    }

    /// Where the middleware `name` comes from.
    pub fn middleware_origin(&self, name: &str) -> Option<&str> {
        Some(&*self.middleware.present.get(name)?.origin)
    }

    /// The middleware that exist but are not compiled in, each with the cargo feature that brings it.
    pub fn absent_middlewares(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.middleware.absent.iter().map(|(name, feature)| (*name, *feature))
    }

    /// The orchestrators that exist but are not compiled in, each with the cargo feature that brings it.
    pub fn absent_orchestrators(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.orchestrators.absent.iter().map(|(name, feature)| (*name, *feature))
    }

    /// The engines that are compiled in.
    pub fn engines(&self) -> impl Iterator<Item = &str> {
        self.engines.present.keys().map(|name| &**name)
    }

    /// The orchestrators that are compiled in.
    pub fn orchestrators(&self) -> impl Iterator<Item = &str> {
        self.orchestrators.present.keys().map(|name| &**name)
    }

    /// The middleware that are compiled in.
    pub fn middlewares(&self) -> impl Iterator<Item = &str> {
        self.middleware.present.keys().map(|name| &**name)
    }
}

/// The parts of one kind.
struct Part<F> {
    present: BTreeMap<Cow<'static, str>, F>,
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
        let known = match self.present.keys().cloned().collect::<Vec<_>>().join(", ") {
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
