//! The tables of `mik.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use mik_core::values::{Count, GIB, HOUR, KIB, MIB, MINUTE, SECOND, Size, TIB, Text, Time, Value};
use mik_core::{AllowedHost, CacheLimits, ModuleName, RoutePath, ServerLimits};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::keys::{Row, keys, keys_of_modules, keys_of_scripts};
use super::text::{EnvName, EnvValue, HostName};

/// A whole `mik.toml`. Every key has a default, so an empty file is complete.
///
/// Sizes are texts such as "64KiB" or "10MiB", times are texts such as "250ms", "30s" or "5m", and
/// relative paths are relative to the file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "mik.toml")]
pub struct Config {
    /// What this project is.
    pub project: ProjectTable,
    /// How `mik build` makes its component.
    pub build: BuildTable,
    /// Where to listen and what to serve.
    pub server: ServerTable,
    /// What compiles and runs the modules, and the defaults of every module.
    pub engine: EngineTable,
    /// What runs the scripts, and the defaults of every script.
    pub orchestrator: OrchestratorTable,
    /// How many loaded modules are kept.
    pub cache: CacheTable,
    /// What stands around each call.
    pub middleware: MiddlewareTable,
    /// Middleware from dynamic libraries.
    pub plugin: Vec<PluginTable>,
    /// Settings of single modules, by the name of their file.
    pub modules: BTreeMap<Text<ModuleName>, ModuleTable>,
    /// Settings of single scripts, by the name of their file.
    pub scripts: BTreeMap<Text<ModuleName>, ScriptTable>,
}

/// `[[plugin]]`: a dynamic library that is loaded as a middleware of the edge ring.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginTable {
    /// The library's file.
    pub path: PathBuf,
    /// The name by which `middleware.order` places it. Default: the one that it gives itself.
    pub name: Option<String>,
    /// `false` leaves it out.
    #[serde(default = "yes")]
    #[schemars(extend("default" = true))]
    pub enabled: bool,
    /// What it is told when it starts; its own documentation says what it understands.
    #[serde(default)]
    pub config: serde_json::Map<String, serde_json::Value>,
}

fn yes() -> bool {
    true
}

/// `[project]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectTable {
    /// The name of the project.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// `[build]`: how `mik build` and `mik dev` make the component. Without it they find out by themselves
/// what kind of project it is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BuildTable {
    /// A line for the shell that builds the component, for every language that mik does not know. It runs
    /// in the project's folder; MIK_NAME is the project's name, MIK_OUTPUT the file that it is to leave,
    /// and MIK_RELEASE is "1" where `--release` was given, else "0".
    pub command: Option<String>,
    /// The `.wasm` file that the command, or the script `build` of package.json, leaves: a component, or a
    /// core module that its type is embedded in. Changes in the folder that it lies in start no new build.
    /// Default: "build/NAME.wasm".
    pub output: Option<PathBuf>,
    /// Components whose exports fill what the handler imports when it is composed (`mik build --compose`).
    pub dependencies: Vec<PathBuf>,
}

keys! {
    /// `[server]`.
    ServerTable for ServerLimits
    {
        /// The address to listen on: an IP address or a host name.
        #[schemars(extend("default" = HostName::default().as_str()))]
        host: Option<Text<HostName>>,
        /// The port to listen on; 0 takes a free one.
        #[schemars(extend("default" = DEFAULT_PORT))]
        port: Option<Count<0, 65_535>>,
        /// The folder whose `.wasm` files are served as `/run/NAME/*`, or one such file.
        #[schemars(extend("default" = DEFAULT_MODULES))]
        modules: Option<PathBuf>,
        /// The folder whose `.js`, `.mjs` and `.ts` files are served as `/script/NAME/*`, or one such file. What
        /// they import lies below it.
        #[schemars(extend("default" = DEFAULT_SCRIPTS))]
        scripts: Option<PathBuf>,
        /// The folder whose files are served as `/static/*`: short for `root` in [middleware.static].
        #[serde(rename = "static")]
        static_files: Option<PathBuf>,
        /// What the server as a whole allows.
        limits: LimitsTable,
    }
    {
        /// How long a shutdown waits for requests that are under way before it cuts them.
        drain -> drain: Time<0, HOUR>,
    }
}

/// The port to listen on unless told otherwise.
pub(crate) const DEFAULT_PORT: u16 = 3000;
/// The folder of modules unless told otherwise.
pub(crate) const DEFAULT_MODULES: &str = "modules/";
/// The folder of scripts unless told otherwise.
pub(crate) const DEFAULT_SCRIPTS: &str = "scripts/";

keys! {
    /// `[server.limits]`.
    LimitsTable for ServerLimits
    {}
    {
        /// Header fields of a request head; one more is answered 431.
        head_fields -> head_fields: Count<1, 10_000>,
        /// Bytes of a request head; one more is answered 431.
        head_bytes -> head_bytes: Size<{ 8 * KIB }, { 16 * MIB }>,
        /// Bytes of a request target; one more is answered 414.
        target_bytes -> target_bytes: Size<64, 65_534>,
        /// Bytes of a request body; one more is answered 413.
        body_bytes -> body_bytes: Size<0, TIB>,
        /// Time from the first byte of a request head to its last.
        head_time -> head_time: Time<10, { 10 * MINUTE }>,
        /// Time for a whole request body.
        body_time -> body_time: Time<10, { 24 * HOUR }>,
        /// How long a kept connection may stay idle.
        idle_time -> idle_time: Time<10, { 24 * HOUR }>,
        /// How long a write may make no progress.
        write_time -> write_time: Time<10, { 24 * HOUR }>,
        /// Open connections. Past it the oldest idle one is closed, else accepting pauses. It never
        /// exceeds what the descriptor limit of the process has room for.
        connections -> connections: Count<1, 1_000_000>,
        /// Calls of modules in flight, nested ones too; one more is answered 503.
        in_flight -> in_flight: Count<1, 100_000>,
        /// How deep calls may nest (a module that calls a module); one more is answered 508.
        depth -> depth: Count<1, 64>,
        /// Bytes of a module file; a larger one does not load.
        module_bytes -> module_bytes: Size<{ KIB }, { 4 * GIB }>,
    }
}

keys_of_modules! {
    /// `[engine]`: which engine, its own settings, and the defaults of every module.
    EngineTable {
        /// The engine's name. An unknown one is told with the list of those that are compiled in.
        #[schemars(extend("default" = DEFAULT_ENGINE))]
        name: Option<String>,
        /// Where compiled modules are kept between runs; "" keeps none. Default: the user's cache folder.
        cache_dir: Option<PathBuf>,
        /// Memory of all guests together. Default: half of what the machine or the control group has.
        total_memory: Option<Size<{ MIB }, { 16 * TIB }>>,
        /// How often a running guest is made to yield and its deadline is looked at. Default: 10ms.
        tick: Option<Time<1, SECOND>>,
    }
}

/// The engine unless told otherwise.
pub const DEFAULT_ENGINE: &str = "wasmtime";

keys_of_scripts! {
    /// `[orchestrator]`: which orchestrator, its own settings, and the defaults of every script.
    OrchestratorTable {
        /// The orchestrator's name. An unknown one is told with the list of those that are compiled in.
        #[schemars(extend("default" = DEFAULT_ORCHESTRATOR))]
        name: Option<String>,
        /// The stack of one run; deeper recursion is an exception in the script.
        #[schemars(extend("default" = DEFAULT_STACK))]
        stack: Option<Size<{ 64 * KIB }, { 16 * MIB }>>,
        /// Threads that run scripts. Default: as many as the machine has use for.
        threads: Option<Count<1, 1_024>>,
        /// Runs that may wait for a thread; one more is answered 503.
        #[schemars(extend("default" = DEFAULT_QUEUE))]
        queue: Option<Count<0, 100_000>>,
        /// Whether every script is trusted not to run for ever and not to take all memory. An orchestrator
        /// that cannot stop one does not start without.
        #[schemars(extend("default" = false))]
        trusted_scripts: Option<bool>,
    }
}

/// The orchestrator unless told otherwise, where it is compiled in.
pub const DEFAULT_ORCHESTRATOR: &str = "rquickjs";
/// What the orchestrators take where nothing is said.
pub(crate) const DEFAULT_STACK: &str = "512KiB";
/// The same.
pub(crate) const DEFAULT_QUEUE: u64 = 1_000;

keys! {
    /// `[cache]`: past either bound the module that was used least recently is unloaded.
    CacheTable for CacheLimits
    {}
    {
        /// Bytes of all loaded modules together.
        bytes -> bytes: Size<{ MIB }, TIB>,
        /// Loaded modules.
        entries -> entries: Count<1, 100_000>,
    }
}

keys_of_modules! {
    /// `[modules.NAME]`: settings of one module; what is not set here is taken from `[engine]`.
    ModuleTable {
        /// Environment variables that the module sees. It sees no others.
        env: BTreeMap<Text<EnvName>, EnvValue>,
        /// Hosts that the module may send requests to: "api.example.com", "*.example.com", an address,
        /// "localhost", "*" for every public host, "NAME.mik.internal" for another module; each with
        /// ":port" or without.
        allowed_hosts: Vec<Text<AllowedHost>>,
        /// A path at which the module is mounted as well as at `/run/NAME/`.
        route: Option<Text<RoutePath>>,
    }
}

keys_of_scripts! {
    /// `[scripts.NAME]`: settings of one script; what is not set here is taken from `[orchestrator]`.
    ScriptTable {
        /// Environment variables that the script sees. It sees no others. None may have the name of a module
        /// that the script may call.
        env: BTreeMap<Text<EnvName>, EnvValue>,
        /// The modules that the script may call. Default: all of them. It reaches nothing else.
        modules: Option<Vec<Text<ModuleName>>>,
    }
}

/// `[middleware]`: the order, and one table for each middleware.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema)]
pub struct MiddlewareTable {
    /// The names of middleware, outermost first. Those that it leaves out follow in their default order.
    pub order: Option<Vec<String>>,
    /// One table for each middleware; the table switches it on.
    #[schemars(flatten)]
    pub tables: BTreeMap<String, SwitchTable>,
}

/// `[middleware.NAME]`: what every middleware has; its other keys are its own.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SwitchTable {
    /// `false` switches the middleware off.
    #[schemars(extend("default" = true))]
    pub enabled: Option<bool>,
}

impl<'de> Deserialize<'de> for MiddlewareTable {
    /// By hand, because `#[serde(flatten)]` forgets where in the file an error is.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Tables;

        impl<'de> Visitor<'de> for Tables {
            type Value = MiddlewareTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MiddlewareTable, A::Error> {
                let mut table = MiddlewareTable::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "order" {
                        table.order = Some(map.next_value()?);
                    } else {
                        table.tables.insert(key, map.next_value()?);
                    }
                }
                Ok(table)
            }
        }

        from.deserialize_map(Tables)
    }
}
