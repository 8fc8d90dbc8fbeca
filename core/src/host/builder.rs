//! Puts a host together.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::{Host, Inner, Routes, Shared, Traffic, endpoint, telemetry};
use crate::catalogue::{
    Catalogue, Files, FilesError, Loader, MODULES, ModuleLoader, ModuleSettings, Numbers, SCRIPTS,
    ScriptLoader, SettingsByName, script_root,
};
use crate::limits::{CacheLimits, ServerLimits};
use crate::middleware::{Chain, Middleware, Ring, Rings};
use crate::outbound::Outbound;
use crate::{Engine, ModuleName, Orchestrator, RoutePath};

/// What a host is made of. An engine is all it needs.
pub struct HostBuilder {
    engine: Option<Arc<dyn Engine>>,
    orchestrator: Option<Arc<dyn Orchestrator>>,
    modules: Option<PathBuf>,
    scripts: Option<PathBuf>,
    module_settings: SettingsByName,
    script_settings: SettingsByName,
    mounts: Vec<(RoutePath, ModuleName)>,
    middleware: Vec<(Arc<dyn Middleware>, Rings)>,
    limits: ServerLimits,
    cache: CacheLimits,
}

/// Why a host cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No engine was given.
    #[error("a host needs an engine: call HostBuilder::engine")]
    NoEngine,
    /// Scripts were given, but nothing that runs them.
    #[error("scripts need an orchestrator: call HostBuilder::orchestrator")]
    NoOrchestrator,
    /// The modules or scripts cannot be listed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A route leads to a module that is not there.
    #[error("the route {0} leads to the module {1}, which is not there")]
    Dangling(RoutePath, ModuleName),
}

impl Default for HostBuilder {
    fn default() -> Self {
        let script_settings = SettingsByName {
            default: Arc::new(ModuleSettings::of_scripts()),
            ..SettingsByName::default()
        };
        Self {
            engine: None,
            orchestrator: None,
            modules: None,
            scripts: None,
            module_settings: SettingsByName::default(),
            script_settings,
            mounts: Vec::new(),
            middleware: Vec::new(),
            limits: ServerLimits::default(),
            cache: CacheLimits::default(),
        }
    }
}

impl HostBuilder {
    /// Compiles and calls modules with `engine`.
    #[must_use]
    pub fn engine(self, engine: impl Engine + 'static) -> Self {
        self.shared_engine(Arc::new(engine))
    }

    /// The same with an engine that is shared.
    #[must_use]
    pub fn shared_engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Runs scripts with `orchestrator`.
    #[must_use]
    pub fn orchestrator(self, orchestrator: impl Orchestrator + 'static) -> Self {
        self.shared_orchestrator(Arc::new(orchestrator))
    }

    /// The same with an orchestrator that is shared.
    #[must_use]
    pub fn shared_orchestrator(mut self, orchestrator: Arc<dyn Orchestrator>) -> Self {
        self.orchestrator = Some(orchestrator);
        self
    }

    /// Serves each `.wasm` file of a folder as `/run/NAME/*`, or one file.
    #[must_use]
    pub fn modules_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.modules = Some(path.into());
        self
    }

    /// Serves each `.js`, `.mjs` and `.ts` file of a folder as `/script/NAME/*`, or one file. Files
    /// of subfolders are no scripts, but scripts may import them.
    #[must_use]
    pub fn scripts_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.scripts = Some(path.into());
        self
    }

    /// Settings of every module that has none of its own.
    #[must_use]
    pub fn module_defaults(mut self, settings: ModuleSettings) -> Self {
        self.module_settings.default = Arc::new(settings);
        self
    }

    /// Settings of one module. It need not be there yet.
    #[must_use]
    pub fn module(mut self, name: ModuleName, settings: ModuleSettings) -> Self {
        self.module_settings.named.insert(name, Arc::new(settings));
        self
    }

    /// Settings of every script that has none of its own. Default: [`ModuleSettings::of_scripts`].
    #[must_use]
    pub fn script_defaults(mut self, settings: ModuleSettings) -> Self {
        self.script_settings.default = Arc::new(settings);
        self
    }

    /// Settings of one script. It need not be there yet.
    #[must_use]
    pub fn script(mut self, name: ModuleName, settings: ModuleSettings) -> Self {
        self.script_settings.named.insert(name, Arc::new(settings));
        self
    }

    /// Mounts a module at a path as well. Own paths of the host (`/health`, `/run/NAME`) win.
    #[must_use]
    pub fn route(mut self, path: RoutePath, module: ModuleName) -> Self {
        self.mounts.push((path, module));
        self
    }

    /// Adds a middleware inside of those added before, in the ring or rings where it belongs.
    #[must_use]
    pub fn middleware(self, middleware: impl Middleware + 'static) -> Self {
        self.shared_middleware(Arc::new(middleware))
    }

    /// The same with a middleware that is shared.
    #[must_use]
    pub fn shared_middleware(mut self, middleware: Arc<dyn Middleware>) -> Self {
        let rings = middleware.rings();
        self.middleware.push((middleware, rings));
        self
    }

    /// Adds a middleware to one ring, whatever it prefers.
    #[must_use]
    pub fn middleware_in(mut self, ring: Ring, middleware: Arc<dyn Middleware>) -> Self {
        self.middleware.push((middleware, ring.into()));
        self
    }

    /// The limits of the server and the host.
    #[must_use]
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How many loaded modules are kept.
    #[must_use]
    pub fn cache(mut self, limits: CacheLimits) -> Self {
        self.cache = limits;
        self
    }

    /// Builds the host. Folders are listed, nothing is loaded yet.
    pub fn build(self) -> Result<Host, BuildError> {
        let engine = self.engine.ok_or(BuildError::NoEngine)?;
        let max_bytes = self.limits.module_bytes;
        let all = &self.middleware;
        let meter = all.iter().find_map(|(middleware, _)| middleware.meter());
        let meter = meter.unwrap_or_else(telemetry::no_meter);
        engine.instrument(&meter);
        all.iter().for_each(|(middleware, _)| middleware.instrument(&meter));
        let endpoints = all.iter().filter_map(|(middleware, _)| middleware.endpoint()).collect();
        if let Some(orchestrator) = &self.orchestrator {
            orchestrator.instrument(&meter);
        }
        let numbers = Numbers::new(&meter);
        let open = |path: PathBuf, extensions, settings, loader: Arc<dyn Loader>, numbers| {
            let files = Files::new(path, extensions);
            Catalogue::open(files, settings, loader, self.cache, numbers)
        };
        let modules = match self.modules {
            Some(path) => {
                let loader = Arc::new(ModuleLoader { engine: engine.clone(), max_bytes });
                Some(open(path, MODULES, self.module_settings, loader, numbers.clone())?)
            }
            None => None,
        };
        let (scripts, orchestrator) = match self.scripts {
            Some(path) => {
                let orchestrator = self.orchestrator.ok_or(BuildError::NoOrchestrator)?;
                let loader = Arc::new(ScriptLoader {
                    orchestrator: orchestrator.clone(),
                    root: script_root(&path),
                    modules: modules.clone(),
                    max_bytes,
                });
                let numbers = numbers.of_scripts(&meter);
                let scripts = open(path, SCRIPTS, self.script_settings, loader, numbers)?;
                (Some(scripts), Some(orchestrator))
            }
            None => (None, None),
        };
        for (path, name) in &self.mounts {
            if modules.as_ref().and_then(|modules| modules.find(name.as_str())).is_none() {
                return Err(BuildError::Dangling(path.clone(), name.clone()));
            }
        }
        let inner = Inner {
            routes: Routes::new(endpoints, self.mounts, &engine.name().into()),
            edge: Chain::new(Ring::Edge, all, endpoint::edge()),
            calls: Chain::new(Ring::Call, all, endpoint::call()),
            upstream: Chain::new(Ring::Upstream, all, endpoint::upstream()),
            engine,
            orchestrator,
            modules,
            scripts,
            watchers: Mutex::default(),
        };
        Ok(Host(Arc::new(Shared {
            current: ArcSwap::from_pointee(inner),
            limits: self.limits,
            outbound: Outbound::new(),
            in_flight: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            started: Instant::now(),
            meter,
            traffic: Traffic::default(),
            is_observed: AtomicBool::new(false),
        })))
    }
}
