//! Which scripts there are, what runs them, and what each may use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mik_core::{FilesByName, Grants, ModuleGrant, ModuleName, ModuleSettings, list_scripts};

use super::modules::{Settings, fault, names_of};
use super::{Draft, Given};
use crate::config::{DEFAULT_ORCHESTRATOR, DEFAULT_SCRIPTS, Problem, ScriptTable, Text, closest};
use crate::failure::Failure;

impl Draft<'_> {
    /// The folder or file of scripts: `server.scripts`, or `scripts/` where that exists beside `mik.toml`. A
    /// command that names components and no `mik.toml` gets none.
    pub(super) fn scripts(&mut self) -> Option<PathBuf> {
        let folder = match &self.document {
            Some(document) => document.folder(),
            None if self.args.path.is_none() => Path::new(""),
            None => return None,
        };
        let Some(given) = &self.config.server.scripts else {
            return Some(folder.join(DEFAULT_SCRIPTS)).filter(|default| default.is_dir());
        };
        let path = folder.join(given);
        if path.exists() {
            return Some(path);
        }
        let message = format!("there is no file or folder {}", path.display());
        let span = self.places.value(&["server", "scripts"]);
        let expected = "expected a folder of .js, .mjs or .ts files, or one";
        self.problems.push(Problem::error(message).at(span).expected(expected));
        None
    }

    /// The scripts that there are now.
    pub(super) fn scan_scripts(&mut self, root: Option<&Path>) -> FilesByName {
        let Some(root) = root else { return FilesByName::new() };
        let (found, faults) = list_scripts(root);
        if found.is_empty() && faults.is_empty() {
            let message = format!("there are no .js, .mjs or .ts files in {}", root.display());
            self.problems.push(Problem::warning(message));
        }
        self.problems.extend(faults.into_iter().map(fault));
        found
    }

    /// The orchestrator's name: that of the flag, of the file, the default one, or the first that there is.
    /// `None` where none is compiled in, which is an error if there are `scripts`.
    pub(super) fn orchestrator(
        &mut self,
        scripts: Option<&Path>,
    ) -> Result<Option<Given<String>>, Failure> {
        let (flag, origin) = (self.args.orchestrator.clone(), self.args.origin("orchestrator"));
        let from_file = self.config.orchestrator.name.clone();
        let is_given = flag.is_some() || from_file.is_some();
        let known: Vec<_> = self.registry.orchestrators().collect();
        let usual = known.iter().find(|name| **name == DEFAULT_ORCHESTRATOR).or(known.first());
        if usual.is_none() && !is_given {
            if let Some(scripts) = scripts {
                self.problems.push(self.no_orchestrator(scripts));
            }
            return Ok(None);
        }
        let usual = usual.map_or_else(String::new, ToString::to_string);
        let chosen = Given::first(flag, origin, from_file, usual);
        if !known.contains(&chosen.value.as_str()) {
            let unknown = self.registry.make_orchestrator(&chosen.value, &Default::default()).err();
            let known = self.registry.orchestrators().collect();
            self.unknown(unknown, &chosen, known, &["orchestrator", "name"])?;
        }
        Ok(Some(chosen))
    }

    fn no_orchestrator(&self, scripts: &Path) -> Problem {
        let message =
            format!("{} needs an orchestrator, and none is compiled in", scripts.display());
        let mut features: Vec<_> =
            self.registry.absent_orchestrators().map(|(_, feature)| feature).collect();
        features.sort_by_key(|feature| *feature != DEFAULT_ORCHESTRATOR);
        let features = features.iter().map(|feature| format!("`--features {feature}`"));
        let features = features.collect::<Vec<_>>().join(" or ");
        let help = (!features.is_empty()).then(|| format!("build with {features}"));
        Problem::error(message).at(self.places.value(&["server", "scripts"])).help(help)
    }

    /// The settings of all scripts: `[orchestrator]`, then `[scripts.NAME]`. What `--env` says is for modules
    /// alone: a script has what its table says.
    pub(super) fn script_settings(
        &mut self,
        scripts: &FilesByName,
        modules: &FilesByName,
    ) -> Settings {
        let mut defaults = ModuleSettings::of_scripts();
        self.config.orchestrator.apply(&mut defaults);
        let mut named = BTreeMap::new();
        let tables = self.config.scripts.clone();
        for (Text(name), table) in tables {
            let mut settings = defaults.clone();
            table.apply(&mut settings);
            let grants = Grants {
                env: self.env_of_table(["scripts", name.as_str()], &table.env),
                modules: match &table.modules {
                    None => ModuleGrant::All,
                    Some(list) => {
                        ModuleGrant::Only(list.iter().map(|Text(name)| name.clone()).collect())
                    }
                },
                ..Grants::default()
            };
            self.check_script(&name, &table, &grants, scripts, modules);
            settings.grants = Arc::new(grants);
            named.insert(name, settings);
        }
        (defaults, named)
    }

    /// Tells of a table without its script, of modules that are not there, and of names that are two things.
    fn check_script(
        &mut self,
        name: &ModuleName,
        table: &ScriptTable,
        grants: &Grants,
        scripts: &FilesByName,
        modules: &FilesByName,
    ) {
        let mut problems = Vec::new();
        let meant = |name: &str, of: &FilesByName| {
            closest(name, names_of(of)).map(|close| format!("did you mean `{close}`?"))
        };
        if !scripts.contains_key(name) {
            let problem = Problem::warning(format!("there is no script `{name}`"));
            let at = self.places.key(&["scripts", name.as_str()]);
            let help = meant(name.as_str(), scripts).unwrap_or_else(|| {
                format!("put {name}.js into the folder of scripts, or remove the table")
            });
            problems.push(problem.at(at).help(Some(help)));
        }
        for (index, Text(module)) in table.modules.iter().flatten().enumerate() {
            if !modules.contains_key(module) && self.args.expected.as_ref() != Some(module) {
                let problem = Problem::warning(format!("there is no module `{module}`"));
                let path = ["scripts", name.as_str(), "modules", &index.to_string()];
                let help = meant(module.as_str(), modules);
                problems.push(problem.at(self.places.value(&path)).help(help));
            }
        }
        for Text(variable) in table.env.keys() {
            let variable = variable.as_str();
            if modules.contains_key(variable) && grants.may_call(variable) {
                let message = format!(
                    "the variable `{variable}` has the name of the module `{variable}`, which the script \
                     `{name}` may call"
                );
                let at = self.places.key(&["scripts", name.as_str(), "env", variable]);
                let help = "rename one of them: a script finds both by name in one object";
                problems.push(Problem::error(message).at(at).help(help.to_owned()));
            }
        }
        self.problems.extend(problems);
    }
}
