//! Which modules there are, what each may use, and where they are mounted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mik_core::{
    FilesByName, FilesError, Grants, ModuleName, ModuleSettings, RoutePath, list_modules,
};

use super::Draft;
use crate::config::{DEFAULT_MODULES, EnvName, EnvValue, Problem, Text, closest};
use crate::failure::Failure;

pub(super) type Settings = (ModuleSettings, BTreeMap<ModuleName, ModuleSettings>);
type Env = Vec<(String, String)>;
type Mounts = Vec<(RoutePath, ModuleName)>;

/// A fault of the files as it is shown: what is wrong, and what to do.
pub(super) fn fault(fault: FilesError) -> Problem {
    let (message, help) = match fault {
        FilesError::Ambiguous { kind, name, first, second } => (
            format!("{} and {} both give the {kind} {name:?}", first.display(), second.display()),
            "rename or remove one of them",
        ),
        FilesError::Name { path, reason } => {
            (format!("{}: {reason}", path.display()), "rename the file")
        }
        unreadable @ FilesError::Unreadable { .. } => {
            return Problem::error(unreadable.to_string());
        }
    };
    Problem::error(message).help(help.to_owned())
}

impl Draft<'_> {
    /// The folder or file to serve: the argument, `server.modules`, or `modules/` where that exists. Where
    /// there are scripts, there need be no modules.
    pub(super) fn modules(
        &mut self,
        argument: Option<PathBuf>,
        has_scripts: bool,
    ) -> Option<PathBuf> {
        if argument.is_some() {
            return argument;
        }
        let folder = self.document.as_ref().map_or(Path::new(""), |document| document.folder());
        let Some(given) = &self.config.server.modules else {
            let default = folder.join(DEFAULT_MODULES);
            if default.is_dir() {
                return Some(default);
            }
            if has_scripts {
                return None;
            }
            let message =
                format!("there are no modules: the folder {} does not exist", default.display());
            let help =
                "make it and put components into it, or name another one with server.modules";
            self.problems.push(Problem::warning(message).help(help.to_owned()));
            return None;
        };
        let path = folder.join(given);
        if path.exists() {
            return Some(path);
        }
        let message = format!("there is no file or folder {}", path.display());
        let span = self.places.value(&["server", "modules"]);
        self.problems.push(
            Problem::error(message).at(span).expected("expected a folder of .wasm files, or one"),
        );
        None
    }

    /// The modules that there are now. An empty folder is no mistake beside scripts: it waits for what they
    /// call.
    pub(super) fn scan(&mut self, root: Option<&Path>, has_scripts: bool) -> FilesByName {
        let Some(root) = root else { return FilesByName::new() };
        let (found, faults) = list_modules(root);
        let may_be_empty = has_scripts || self.args.expected.is_some();
        if found.is_empty() && faults.is_empty() && !may_be_empty {
            let message = format!("there are no .wasm files in {}", root.display());
            self.problems.push(Problem::warning(message));
        }
        self.problems.extend(faults.into_iter().map(fault));
        found
    }

    /// The settings of all modules: `[engine]`, then `[modules.NAME]`, then `--env`.
    pub(super) fn settings(&mut self) -> Result<Settings, Failure> {
        let flags = self.env_of_flags()?;
        let mut defaults = ModuleSettings::default();
        self.config.engine.apply(&mut defaults);
        defaults.grants = Arc::new(Grants { env: flags.clone(), ..Grants::default() });
        let mut named = BTreeMap::new();
        let tables = self.config.modules.clone();
        for (Text(name), table) in tables {
            let mut settings = defaults.clone();
            table.apply(&mut settings);
            let mut env = self.env_of_table(["modules", name.as_str()], &table.env);
            env.retain(|(key, _)| !flags.iter().any(|(flag, _)| flag == key));
            env.extend(flags.iter().cloned());
            let allowed_hosts = table.allowed_hosts.iter().map(|Text(host)| host.clone()).collect();
            settings.grants = Arc::new(Grants { env, allowed_hosts, ..Grants::default() });
            named.insert(name, settings);
        }
        Ok((defaults, named))
    }

    fn env_of_flags(&self) -> Result<Env, Failure> {
        let mut env = BTreeMap::new();
        for arg in &self.args.env {
            let name = arg.name.as_str();
            let value = match &arg.value {
                Some(value) => value.clone(),
                None => std::env::var(name).map_err(|error| {
                    Failure::Usage(format!(
                        "--env {name}: {error}; give it a value with --env {name}=VALUE"
                    ))
                })?,
            };
            env.insert(name.to_owned(), value);
        }
        Ok(env.into_iter().collect())
    }

    /// What the key `env` of the table `[KIND.NAME]` says.
    pub(super) fn env_of_table(
        &mut self,
        [kind, name]: [&str; 2],
        table: &BTreeMap<Text<EnvName>, EnvValue>,
    ) -> Env {
        let mut env = Env::new();
        for (Text(key), value) in table {
            let value = match value {
                EnvValue::Text(text) => Ok(text.clone()),
                EnvValue::From(source) => std::env::var(&source.from).map_err(|_| &source.from),
            };
            match value {
                Ok(value) => env.push((key.as_str().to_owned(), value)),
                Err(from) => {
                    let path = [kind, name, "env", key.as_str()];
                    let message = format!("the environment of mik has no variable `{from}`");
                    let problem = Problem::error(message).at(self.places.value(&path));
                    self.problems.push(problem.help(format!(
                        "set it before mik starts, or write a value: {key} = \"…\""
                    )));
                }
            }
        }
        env
    }

    /// The mounts of the file and of `--route`. Each must lead to a module that is there; `is_there` says
    /// whether there is a folder of modules at all.
    pub(super) fn mounts(
        &mut self,
        found: &FilesByName,
        is_there: bool,
    ) -> Result<Mounts, Failure> {
        let mut mounts = Mounts::new();
        let mut problems = Vec::new();
        for (Text(name), table) in &self.config.modules {
            let route = table.route.as_ref().map(|Text(route)| route);
            if !found.contains_key(name.as_str()) {
                if self.args.expected.as_ref() == Some(name) {
                    continue;
                }
                // Where there is no folder, that is told already.
                problems.extend(is_there.then(|| self.no_module(name, route, found)));
                continue;
            }
            let Some(route) = route else { continue };
            let taken = match mounts.iter().find(|(other, _)| other == route) {
                Some((_, other)) => Some(format!("the route {route} leads to `{other}` already")),
                None => reserved(route),
            };
            match taken {
                Some(message) => {
                    let span = self.places.value(&["modules", name.as_str(), "route"]);
                    problems.push(Problem::error(message).at(span));
                }
                None => mounts.push((route.clone(), name.clone())),
            }
        }
        self.problems.extend(problems);
        let is_yet_to_come = found.is_empty() && self.args.expected.is_some();
        if let Some(route) = self.args.route.as_ref().filter(|_| !is_yet_to_come) {
            let name = only_module(route, found)?;
            mounts.retain(|(other, _)| other != route);
            mounts.push((route.clone(), name));
        }
        Ok(mounts)
    }

    fn no_module(
        &self,
        name: &ModuleName,
        route: Option<&RoutePath>,
        found: &FilesByName,
    ) -> Problem {
        let problem = match route {
            Some(route) => Problem::error(format!(
                "the route {route} leads to the module `{name}`, which is not there"
            )),
            None => Problem::warning(format!("there is no module `{name}`")),
        };
        let help = match closest(name.as_str(), names_of(found)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("put {name}.wasm into the folder of modules, or remove the table"),
        };
        problem.at(self.places.key(&["modules", name.as_str()])).help(Some(help))
    }
}

pub(super) fn names_of(files: &FilesByName) -> impl Iterator<Item = &str> {
    files.keys().map(ModuleName::as_str)
}

/// The one module that `--route` mounts.
fn only_module(route: &RoutePath, found: &FilesByName) -> Result<ModuleName, Failure> {
    if let Some(message) = reserved(route) {
        return Err(Failure::Usage(message));
    }
    let mut names = found.keys();
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name.clone()),
        _ => Err(Failure::Usage(format!(
            "--route {route} mounts the one component of a run, but there are {}; \
             write route = \"{route}\" under [modules.NAME] of a mik.toml",
            found.len()
        ))),
    }
}

/// Whether the host itself answers there.
pub(super) fn reserved(route: &RoutePath) -> Option<String> {
    let own = ["/health", "/run", "/script"];
    let own = own
        .into_iter()
        .find(|own| RoutePath::new(own).is_ok_and(|own| own.strip(route.as_str()).is_some()));
    own.map(|own| format!("the route {route} cannot be mounted: {own} is the host's own"))
}
