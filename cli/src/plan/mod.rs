//! What a run comes to: flags, environment, `mik.toml` and defaults put together, and checked against
//! what there is.

mod host;
mod middleware;
mod modules;
mod plugins;
mod rows;
mod scripts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use mik_core::{
    CacheLimits, EngineContext, ModuleName, ModuleSettings, Registry, RoutePath, ServerLimits,
    Unknown,
};

use crate::args::{Origin, ProjectArgs};
use crate::config::{
    Config, DEFAULT_ENGINE, DEFAULT_PORT, Document, HostName, Places, Problem, Problems, Value,
    closest, read,
};
use crate::failure::Failure;
use crate::source::Source;

pub use middleware::Placed;
pub(crate) use middleware::rings_of;
pub use rows::Setting;
pub(crate) use rows::stale;

/// A value, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// Everything that a run needs, decided.
pub struct Plan {
    /// The file, where there is one.
    pub document: Option<Document>,
    /// Its tables.
    pub config: Config,
    /// The address to listen on.
    pub host: Given<HostName>,
    /// The port to listen on.
    pub port: Given<u16>,
    /// The engine's name.
    pub engine: Given<String>,
    /// The orchestrator's name; `None` where none is compiled in.
    pub orchestrator: Option<Given<String>>,
    /// The folder of modules, or one file; `None` when there is none to serve.
    pub modules: Option<PathBuf>,
    /// The modules that there are now, with their files.
    pub found: BTreeMap<ModuleName, PathBuf>,
    /// Settings of every module that has none of its own.
    pub defaults: ModuleSettings,
    /// Settings of single modules.
    pub named: BTreeMap<ModuleName, ModuleSettings>,
    /// The folder of scripts, or one file; `None` when there is none to serve.
    pub scripts: Option<PathBuf>,
    /// The scripts that there are now, with their files.
    pub found_scripts: BTreeMap<ModuleName, PathBuf>,
    /// Settings of every script that has none of its own.
    pub script_defaults: ModuleSettings,
    /// Settings of single scripts.
    pub named_scripts: BTreeMap<ModuleName, ModuleSettings>,
    /// Where modules are mounted by hand.
    pub mounts: Vec<(RoutePath, ModuleName)>,
    /// The middleware that are on, outermost first.
    pub middleware: Vec<Placed>,
    /// The keys of their tables as they are in force.
    pub middleware_settings: Vec<Setting>,
    /// Limits of the server.
    pub limits: ServerLimits,
    /// Limits of the cache of loaded modules.
    pub cache: CacheLimits,
    /// What is wrong. With errors the rest is a best guess: fit to be shown, not to be run.
    pub problems: Problems,
}

/// What the steps of making a plan share.
struct Draft<'a> {
    args: &'a ProjectArgs,
    registry: &'a Registry,
    document: Option<Document>,
    config: Config,
    places: Places,
    problems: Vec<Problem>,
}

impl Plan {
    /// Decides everything.
    ///
    /// # Errors
    /// When the arguments themselves are wrong, or `mik.toml` cannot be read. What is wrong inside of it,
    /// or with the files, is all in [`Plan::problems`].
    pub fn new(args: &ProjectArgs, registry: &Registry) -> Result<Self, Failure> {
        let here = std::env::current_dir().unwrap_or_default();
        let source = Source::resolve(args.path.as_deref(), args.config.as_deref(), &here)?;
        let document = source.config.map(|path| {
            Document::open(&path)
                .map_err(|reason| Failure::Unreadable { path: path.clone(), reason })
        });
        let document = document.transpose()?;
        let text = document.as_ref().map_or("", |document| &document.text);
        let (config, places, problems) = read(text, registry);
        let mut draft = Draft { args, registry, document, config, places, problems };

        let engine = draft.engine()?;
        let scripts = draft.scripts();
        let orchestrator = draft.orchestrator(scripts.as_deref())?;
        let modules = draft.modules(source.modules, scripts.is_some());
        let found = draft.scan(modules.as_deref(), scripts.is_some());
        let found_scripts = draft.scan_scripts(scripts.as_deref());
        let (defaults, named) = draft.settings()?;
        let (script_defaults, named_scripts) = draft.script_settings(&found_scripts, &found);
        let mounts = draft.mounts(&found, modules.is_some())?;
        let middleware = draft.middleware();
        draft.check_endpoints(&middleware, &mounts);
        let middleware_settings = draft.middleware_settings(&middleware);

        let Draft { document, config, problems, .. } = draft;
        let mut limits = ServerLimits::default();
        config.server.apply(&mut limits);
        config.server.limits.apply(&mut limits);
        let mut cache = CacheLimits::default();
        config.cache.apply(&mut cache);
        let from_file = config.server.host.clone().map(|host| host.0);
        let host =
            Given::first(args.host.clone(), args.origin("host"), from_file, HostName::default());
        let from_file = config.server.port.map(|port| port.to_core());
        let port = Given::first(args.port, args.origin("port"), from_file, DEFAULT_PORT);
        let problems = Problems::new(document.clone(), problems);
        Ok(Self {
            document,
            config,
            host,
            port,
            engine,
            orchestrator,
            modules,
            found,
            defaults,
            named,
            scripts,
            found_scripts,
            script_defaults,
            named_scripts,
            mounts,
            middleware,
            middleware_settings,
            limits,
            cache,
            problems,
        })
    }

    /// The plan, if it can be run.
    ///
    /// # Errors
    /// All its problems when one of them is an error.
    pub fn sound(self) -> Result<Self, Problems> {
        if self.problems.has_errors() { Err(self.problems) } else { Ok(self) }
    }

    /// The settings of a module.
    pub fn settings(&self, name: &ModuleName) -> &ModuleSettings {
        self.named.get(name).unwrap_or(&self.defaults)
    }

    /// The settings of a script.
    pub fn script_settings(&self, name: &ModuleName) -> &ModuleSettings {
        self.named_scripts.get(name).unwrap_or(&self.script_defaults)
    }
}

impl<'a> Draft<'a> {
    fn engine(&mut self) -> Result<Given<String>, Failure> {
        let (flag, origin) = (self.args.engine.clone(), self.args.origin("engine"));
        let chosen =
            Given::first(flag, origin, self.config.engine.name.clone(), DEFAULT_ENGINE.into());
        if !self.registry.engines().any(|name| name == chosen.value) {
            let context = EngineContext { in_flight: 1 };
            let unknown =
                self.registry.make_engine(&chosen.value, &Default::default(), &context).err();
            let known = self.registry.engines().collect();
            self.unknown(unknown, &chosen, known, &["engine", "name"])?;
        }
        Ok(chosen)
    }

    /// Tells of a part that is not there: as wrong usage where a flag asked for it, else as a problem.
    fn unknown(
        &mut self,
        unknown: Option<Unknown>,
        chosen: &Given<String>,
        known: Vec<&str>,
        path: &[&str],
    ) -> Result<(), Failure> {
        let Some(unknown) = unknown else { return Ok(()) };
        let close = closest(&chosen.value, known).map(|close| format!("did you mean `{close}`?"));
        match chosen.origin {
            Origin::File | Origin::Default => {
                let problem =
                    Problem::error(unknown.to_string()).at(self.places.value(path)).help(close);
                self.problems.push(problem);
                Ok(())
            }
            Origin::Flag | Origin::Environment => {
                let close = close.map(|close| format!("; {close}")).unwrap_or_default();
                Err(Failure::Usage(format!("{unknown}{close}")))
            }
        }
    }
}

impl<T> Given<T> {
    /// The first that there is of an argument, a key of the file, and the default.
    fn first(argument: Option<T>, origin: Origin, file: Option<T>, default: T) -> Self {
        match (argument, file) {
            (Some(value), _) => Self { value, origin },
            (None, Some(value)) => Self { value, origin: Origin::File },
            (None, None) => Self { value: default, origin: Origin::Default },
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("engine", &self.engine)
            .field("found", &self.found)
            .field("found_scripts", &self.found_scripts)
            .finish_non_exhaustive()
    }
}
