//! The command line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use mik_core::{ModuleName, RoutePath};

#[cfg(feature = "develop")]
use crate::commands::new::Template;
use crate::config::{EnvName, HostName};
use crate::log::Format;

/// Serves WASI HTTP components the way a good gateway serves upstreams.
#[derive(Debug, Parser)]
#[command(name = "mik", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  mik new my-api               a new project, from a template
  mik build -rc                its component, optimised and ready to serve
  mik dev                      build, serve, and build again on every change
  mik run                      the project of ./mik.toml, or the folder ./modules/
  mik run app.wasm             one component, at http://127.0.0.1:3000/run/app/
  mik check                    what is in force, and everything that is wrong with it
  mik middleware               what stands around each call, and what could
  mik schema > mik.schema.json the JSON Schema of mik.toml, for editors

A program `mik-NAME` on the PATH is the command `mik NAME`.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a new project from a template
    #[cfg(feature = "develop")]
    #[command(after_help = NEW)]
    New(NewArgs),
    /// Build the component of a project, and put it where it is served
    #[cfg(feature = "develop")]
    #[command(after_help = BUILD)]
    Build(BuildArgs),
    /// Build and serve a project, and do so again on every change
    #[cfg(feature = "develop")]
    #[command(after_help = DEV)]
    Dev(DevArgs),
    /// Serve a project, a folder of components, or one component
    Run(RunArgs),
    /// Show the effective configuration and every problem at once
    Check(CheckArgs),
    /// List the middleware: what is compiled in, what is on, in which ring and order
    Middleware(MiddlewareArgs),
    /// Print the JSON Schema of mik.toml
    Schema,
    /// Print the TypeScript declarations of what scripts find, or write them to a file
    #[cfg(feature = "javascript")]
    #[command(after_help = TYPES)]
    Types(TypesArgs),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const COMPLETIONS: &str = "\
Examples:
  mik completions bash > ~/.local/share/bash-completion/completions/mik
  mik completions fish > ~/.config/fish/completions/mik.fish";

/// `mik new`.
#[cfg(feature = "develop")]
#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// The folder of the project; its last part is the project's name. Asked for on a terminal
    #[arg(value_name = "NAME")]
    pub path: Option<PathBuf>,
    /// What to start from. Asked for on a terminal [default: rust]
    #[arg(long, short, value_name = "TEMPLATE")]
    pub template: Option<Template>,
    /// Ask nothing: take the default of what no flag says
    #[arg(long, short)]
    pub yes: bool,
    /// Make no git repository
    #[arg(long)]
    pub no_git: bool,
    /// List the templates, and make nothing
    #[arg(long)]
    pub list: bool,
}

#[cfg(feature = "develop")]
const NEW: &str = "\
All templates are part of mik: nothing is fetched. A folder that has anything in it is never touched. The project
becomes a git repository unless it lies in one already.

Examples:
  mik new my-api                       asks what to start from
  mik new my-api --yes                 the template rust
  mik new services/cart -t ts          a project named cart, in TypeScript
  mik new --list                       what there is to start from";

/// `mik build`.
#[cfg(feature = "develop")]
#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// The folder of the project [default: the current one]
    #[arg(value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Optimise: cargo's profile `release`, -Os for C, MIK_RELEASE=1 for a command
    #[arg(long, short)]
    pub release: bool,
    /// Compose: the handler, the HTTP bridge that it needs, and the dependencies of mik.toml in one component
    #[arg(long, short)]
    pub compose: bool,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

#[cfg(feature = "develop")]
const BUILD: &str = "\
What kind of project it is, its files tell: Cargo.toml, package.json, app.py, src/*.c, or the key `command` of
[build] in mik.toml for any other language. Missing tools are named before anything runs.

Writes dist/NAME.wasm, or dist/NAME-composed.wasm with --compose, and links it into the folder of modules,
from which a server that runs takes it without dropping a request. dist/NAME.openapi.json describes the routes,
where they are known.
Exit status: 0 when it is built, 1 when not, 2 for wrong usage.

Examples:
  mik build                    quickly, with names for the backtraces of failures
  mik build -rc                as it is deployed
  mik build services/cart -rc --json | jq .component.path";

/// `mik dev`.
#[cfg(feature = "develop")]
#[derive(Debug, Args)]
pub struct DevArgs {
    /// What to work on, and how to serve it.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Build optimised components, as they are deployed
    #[arg(long, short)]
    pub release: bool,
    /// Serve what is there and build nothing
    #[arg(long)]
    pub no_build: bool,
}

#[cfg(feature = "develop")]
const DEV: &str = "\
The server starts at once and keeps its address. What is built replaces what was there without dropping a
request; what does not build leaves it there, with the compiler's message on the terminal. Watched are the
sources, mik.toml, modules and scripts; static files are read when they are asked for.

Keys: r builds again, o opens the browser, q quits (so does Ctrl-C).
The first line on standard error is `listening on http://HOST:PORT`. MIK_LOG filters the log, as for `mik run`.
Exit status: 0 after a clean end, 1 when it cannot start, 2 for wrong usage.

Examples:
  mik dev                      the project of this folder
  mik dev shop/ --port 8080    another one, elsewhere
  mik dev --release            optimised, for measuring
  mik dev --no-build           scripts and components that are there already";

/// `mik run`.
#[derive(Debug, Args)]
#[command(after_help = RUN)]
pub struct RunArgs {
    /// What to serve, and how.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// How to write the log [default: pretty on a terminal, else json]
    #[arg(long, value_name = "FORMAT", env = "MIK_LOG_FORMAT", hide_env_values = true)]
    pub log_format: Option<Format>,
}

const RUN: &str = "\
A flag goes before its environment variable, that before mik.toml, and that before the default.
MIK_LOG filters the log: MIK_LOG=debug, MIK_LOG=info,mik::access=off (default: info).

The first line on standard error is `listening on http://HOST:PORT`.
SIGHUP reads mik.toml again. SIGINT and SIGTERM finish what is under way, a second one ends at once.
Exit status: 0 after a clean end, 1 when something failed or was cut, 2 for wrong usage.

Examples:
  mik run modules/ --port 8080                  each modules/NAME.wasm at /run/NAME/
  mik run app.wasm --route / --env GREETING=hi  one component at the root
  mik run shop/ --env API_KEY                   a project; API_KEY comes from this environment";

/// `mik middleware`.
#[derive(Debug, Args)]
#[command(after_help = MIDDLEWARE)]
pub struct MiddlewareArgs {
    /// The project whose middleware are listed.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

const MIDDLEWARE: &str = "\
The edge ring stands around each request from the network, the call ring around each call of a module,
the upstream ring around each request that a module sends out. Outermost comes first.

Examples:
  mik middleware               those of ./mik.toml
  mik middleware --json shop/  for programs";

/// `mik check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK)]
pub struct CheckArgs {
    /// What to look at, and how.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
}

const CHECK: &str = "\
Every module and script is really loaded, by the engine or the orchestrator. Exit status: 0 when all is well, 1 on any problem.

Examples:
  mik check
  mik check modules/ --json | jq '.problems'";

/// `mik types`.
#[cfg(feature = "javascript")]
#[derive(Debug, Args)]
pub struct TypesArgs {
    /// The file to write, or a folder for mik.d.ts [default: print them]
    #[arg(value_name = "FILE|DIR")]
    pub path: Option<PathBuf>,
    /// Overwrite a file that has something else in it
    #[arg(long)]
    pub force: bool,
}

#[cfg(feature = "javascript")]
const TYPES: &str = "\
Examples:
  mik types scripts/           writes scripts/mik.d.ts, which editors find by themselves
  mik types > mik.d.ts";

/// What to serve, and what overrides its mik.toml.
#[derive(Debug, Default, Clone, Args)]
pub struct ProjectArgs {
    /// A folder with a mik.toml, a folder of components, or one component
    /// [default: ./mik.toml, then ./modules/ and ./scripts/]
    #[arg(value_name = "FILE|DIR")]
    pub path: Option<PathBuf>,
    /// The mik.toml to use
    #[arg(long, value_name = "FILE", env = "MIK_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "HOST", env = "MIK_HOST", hide_env_values = true)]
    pub host: Option<HostName>,
    /// The port to listen on; 0 takes a free one [default: 3000]
    #[arg(long, value_name = "PORT", env = "MIK_PORT", hide_env_values = true, value_parser = port)]
    pub port: Option<u16>,
    /// What compiles and runs the components [default: wasmtime]
    #[arg(long, value_name = "NAME", env = "MIK_ENGINE", hide_env_values = true)]
    pub engine: Option<String>,
    /// What runs the scripts [default: rquickjs, where it is compiled in]
    #[arg(long, value_name = "NAME", env = "MIK_ORCHESTRATOR", hide_env_values = true)]
    pub orchestrator: Option<String>,
    /// Mount the one component at this path as well
    #[arg(long, value_name = "PATH")]
    pub route: Option<RoutePath>,
    /// Give every module of this run an environment variable; KEY alone passes the one of this
    /// environment. May be repeated. Scripts have only what their table in mik.toml says
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub env: Vec<EnvArg>,
    /// Where the values came from, by the name of the argument.
    #[arg(skip)]
    pub origins: BTreeMap<&'static str, Origin>,
    /// A module that is being built: what is said of it is no mistake while its file is not there.
    #[arg(skip)]
    pub expected: Option<ModuleName>,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// A `MIK_*` variable.
    Environment,
    /// `mik.toml`.
    File,
    /// Nobody said anything else.
    Default,
}

/// `KEY=VALUE`, or `KEY` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvArg {
    /// The variable.
    pub name: EnvName,
    /// Its value; `None` takes the one of this environment.
    pub value: Option<String>,
}

impl Cli {
    /// Reads a command line, its first element being the name of the program.
    ///
    /// # Errors
    /// What to print, be it help or a complaint; see [`clap::Error::exit_code`].
    pub fn read<I, T>(args: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let args: Vec<std::ffi::OsString> = args.into_iter().map(Into::into).collect();
        let matches = Self::command()
            .try_get_matches_from(&args)
            .map_err(|error| name_the_variable(error, &args))?;
        let mut cli = Self::from_arg_matches(&matches)?;
        let project = match &mut cli.command {
            #[cfg(feature = "develop")]
            Command::Dev(args) => Some(&mut args.project),
            Command::Run(args) => Some(&mut args.project),
            Command::Check(args) => Some(&mut args.project),
            Command::Middleware(args) => Some(&mut args.project),
            #[cfg(feature = "javascript")]
            Command::Types(_) => None,
            #[cfg(feature = "develop")]
            Command::New(_) | Command::Build(_) => None,
            Command::Schema | Command::Completions { .. } => None,
        };
        if let (Some(project), Some((_, matches))) = (project, matches.subcommand()) {
            project.origins = origins(matches);
        }
        Ok(cli)
    }
}

impl ProjectArgs {
    /// Where the value of an argument came from, if it was given.
    pub fn origin(&self, argument: &str) -> Origin {
        self.origins.get(argument).copied().unwrap_or(Origin::Flag)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "mik.toml",
            Self::Default => "default",
        })
    }
}

impl FromStr for EnvArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        Ok(Self { name: name.parse()?, value })
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a whole number from 0 to 65535".to_owned())
}

/// What stands in a variable is not to be looked for on the command line: the error names the variable.
fn name_the_variable(mut error: clap::Error, args: &[std::ffi::OsString]) -> clap::Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let flag = argument.split_whitespace().next().unwrap_or_default().to_owned();
    let is_flag = |arg: &std::ffi::OsString| {
        let rest = arg.to_str().and_then(|arg| arg.strip_prefix(flag.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let command = Cli::command();
    let known = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let is_it = |arg: &&clap::Arg| arg.get_long().is_some_and(|long| flag == format!("--{long}"));
    let variable = known.into_iter().find(is_it).and_then(clap::Arg::get_env);
    if let Some(variable) = variable.filter(|_| !args.iter().any(is_flag)) {
        let variable = format!("{} in the environment", variable.to_string_lossy());
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

fn origins(matches: &ArgMatches) -> BTreeMap<&'static str, Origin> {
    let origin = |id: &&'static str| match matches.value_source(id)? {
        ValueSource::EnvVariable => Some((*id, Origin::Environment)),
        _ => Some((*id, Origin::Flag)),
    };
    ["config", "host", "port", "engine", "orchestrator"].iter().filter_map(origin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<RunArgs, clap::Error> {
        match Cli::read([&["mik", "run"], args].concat())?.command {
            Command::Run(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values_are_checked_as_they_are_read() {
        let args =
            run(&["app.wasm", "--host", "::1", "--route", "/api/", "--env", "A=b=c", "--env", "D"])
                .unwrap();
        assert_eq!(args.project.route.unwrap().as_str(), "/api");
        let [a, d] = &args.project.env[..] else { panic!("{:?}", args.project.env) };
        assert_eq!((a.name.as_str(), a.value.as_deref()), ("A", Some("b=c")));
        assert_eq!((d.name.as_str(), d.value.as_deref()), ("D", None));
        assert_eq!(args.project.origins["host"], Origin::Flag);
        for bad in [
            &["--port", "70000"][..],
            &["--host", "a b"],
            &["--route", "api"],
            &["--env", "=x"],
            &["a", "b"],
        ] {
            assert_eq!(run(bad).unwrap_err().exit_code(), 2, "{bad:?}");
        }
    }

    #[test]
    fn help_and_version_are_no_failure() {
        for args in [["mik", "--help"], ["mik", "--version"]] {
            assert_eq!(Cli::read(args).unwrap_err().exit_code(), 0);
        }
    }
}
