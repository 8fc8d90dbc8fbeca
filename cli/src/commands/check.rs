//! `mik check`: what is in force, what each module is and may do, and every problem at once.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mik_core::units::ByteSize;
use mik_core::{Engine, Host, LoadError, ModuleName, ModuleSource, Registry, Ring};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{CheckArgs, Origin};
use crate::failure::Failure;
use crate::inspect::{Access, Inspection};
use crate::output::{columns, print};
use crate::plan::{Plan, Setting};

/// Everything that `mik check` tells.
struct Report {
    plan: Plan,
    /// `None` where the configuration is too wrong for it.
    host: Option<Host>,
    modules: Vec<Module>,
    /// What is wrong beyond the configuration.
    faults: Vec<String>,
}

/// One module.
#[derive(Serialize)]
struct Module {
    name: String,
    file: String,
    bytes: u64,
    routes: Vec<String>,
    #[serde(flatten)]
    inspection: Inspection,
    access: Vec<Access>,
    /// Bytes that it holds when it is loaded.
    footprint: Option<usize>,
    error: Option<String>,
}

pub(super) fn check(args: &CheckArgs, registry: &Registry) -> Result<(), Failure> {
    let report = Report::make(args, registry)?;
    if args.json {
        print(format_args!("{:#}", report.to_json()));
    } else {
        print(report.to_text());
    }
    if report.is_well() { Ok(()) } else { Err(Failure::Problems) }
}

impl Report {
    fn make(args: &CheckArgs, registry: &Registry) -> Result<Self, Failure> {
        let plan = Plan::new(&args.project, registry)?;
        let mut faults = Vec::new();
        let knows_engine = registry.engines().any(|name| name == plan.engine.value);
        let engine = match knows_engine.then(|| plan.make_engine(registry)) {
            Some(Ok(engine)) => Some(engine),
            Some(Err(failure)) => {
                faults.push(failure.to_string());
                None
            }
            // That is among the problems of the plan.
            None => None,
        };
        let host = match engine.clone().filter(|_| !plan.problems.has_errors()) {
            Some(engine) => match plan.make_host(registry, engine) {
                Ok(host) => Some(host),
                Err(failure) => {
                    faults.push(failure.to_string());
                    None
                }
            },
            None => None,
        };
        let modules = plan
            .found
            .iter()
            .map(|(name, path)| Module::look(name, path, &plan, engine.as_ref()))
            .collect();
        Ok(Self { plan, host, modules, faults })
    }

    fn is_well(&self) -> bool {
        self.faults.is_empty()
            && !self.plan.problems.has_errors()
            && self.modules.iter().all(|module| module.error.is_none())
    }

    /// The middleware of each ring, outermost first.
    fn rings(&self) -> impl Iterator<Item = (String, Value)> {
        let names = |ring| self.host.as_ref().map_or_else(Vec::new, |host| host.middleware(ring));
        Ring::ALL.into_iter().map(move |ring| (ring.to_string(), names(ring).into()))
    }

    fn settings(&self) -> Vec<Setting> {
        let plan = &self.plan;
        let middleware = plan.middleware_settings.clone();
        [plan.fixed_settings(), plan.other_settings(), plan.module_settings(), middleware].concat()
    }

    fn to_json(&self) -> Value {
        let plan = &self.plan;
        let mut problems = plan.problems.to_json();
        let errors = self
            .faults
            .iter()
            .chain(self.modules.iter().filter_map(|module| module.error.as_ref()));
        problems.extend(errors.map(|error| json!({ "severity": "error", "message": error })));
        let capabilities = self.host.as_ref().map(|host| {
            let can = host.engine().capabilities();
            json!({
                "wasi_0_2": can.wasi_0_2, "wasi_0_3": can.wasi_0_3, "streaming": can.streaming,
                "trailers": can.trailers, "preemption": can.preemption, "memory_cap": can.memory_cap,
                "reuse": can.reuse, "untrusted": can.untrusted,
            })
        });
        json!({
            "project": { "name": plan.config.project.name, "version": plan.config.project.version },
            "config": plan.document.as_ref().map(|document| document.path.display().to_string()),
            "settings": self.settings(),
            "engine": { "name": plan.engine.value, "capabilities": capabilities },
            "middleware": self.rings().collect::<serde_json::Map<_, _>>(),
            "modules": self.modules,
            "problems": problems,
            "ok": self.is_well(),
        })
    }

    fn to_text(&self) -> String {
        let plan = &self.plan;
        let mut text = String::new();
        let project = &plan.config.project;
        let named =
            [&project.name, &project.version].into_iter().flatten().cloned().collect::<Vec<_>>();
        let file = plan.document.as_ref().map(|document| document.path.display().to_string());
        let rows = [
            ["project", &named.join(" ")],
            ["configuration", file.as_deref().unwrap_or("none, all defaults")],
            ["engine", &plan.engine.value],
            [
                "middleware",
                &plan.middleware.iter().map(|placed| &*placed.name).collect::<Vec<_>>().join(", "),
            ],
        ];
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|[_, value]| !value.is_empty())
            .map(|row| row.map(ToOwned::to_owned))
            .collect();
        text.push_str(&columns(&rows));

        let row = |Setting { key, value, origin }: Setting| {
            let origin =
                if origin == Origin::Default { String::new() } else { format!("({origin})") };
            [key, value, origin]
        };
        text.push_str("\nsettings\n");
        text.push_str(&columns(&self.settings().into_iter().map(row).collect::<Vec<_>>()));

        text.push_str(&format!("\nmodules: {}\n", self.modules.len()));
        for module in &self.modules {
            module.describe(&mut text);
        }
        let problems =
            [plan.problems.render(false)].into_iter().filter(|problems| !problems.is_empty());
        let faults = self.faults.iter().map(|fault| format!("error: {fault}"));
        let modules = self.modules.iter().filter_map(|module| module.error.as_ref());
        let modules = modules.map(|error| format!("error: {error}"));
        let all: Vec<_> = problems.chain(faults).chain(modules).collect();
        text.push_str(&match all.is_empty() {
            true => "\nno problems".to_owned(),
            false => format!("\nproblems\n\n{}", all.join("\n\n")),
        });
        text
    }
}

impl Module {
    fn look(name: &ModuleName, path: &Path, plan: &Plan, engine: Option<&Arc<dyn Engine>>) -> Self {
        let mounts = plan.mounts.iter().filter(|(_, module)| module == name);
        let mounts = mounts.map(|(route, _)| format!("{}/*", route.as_str().trim_end_matches('/')));
        let mut module = Self {
            name: name.to_string(),
            file: path.display().to_string(),
            bytes: fs::metadata(path).map_or(0, |file| file.len()),
            routes: [format!("/run/{name}/*")].into_iter().chain(mounts).collect(),
            inspection: Inspection::default(),
            access: Vec::new(),
            footprint: None,
            error: None,
        };
        match module.load(name, path, plan, engine) {
            Ok(footprint) => module.footprint = footprint,
            Err(error) => module.error = Some(error.at(path).to_string()),
        }
        module.access = module.inspection.access(&plan.settings(name).grants);
        module
    }

    /// Inspects the file, then has the engine load it.
    fn load(
        &mut self,
        name: &ModuleName,
        path: &Path,
        plan: &Plan,
        engine: Option<&Arc<dyn Engine>>,
    ) -> Result<Option<usize>, LoadError> {
        let max = plan.limits.module_bytes;
        if self.bytes > max.get() {
            let bytes = self.bytes;
            return Err(LoadError::new(format!(
                "the file has {bytes} bytes, more than server.limits.module_bytes = {max}"
            )));
        }
        let bytes =
            fs::read(path).map_err(|error| LoadError::new(format!("cannot read: {error}")))?;
        if bytes.is_empty() {
            return Err(LoadError::new("the file is empty"));
        }
        self.inspection = Inspection::of(&bytes).map_err(LoadError::new)?;
        let Some(engine) = engine else { return Ok(None) };
        let source = ModuleSource { name, bytes: &bytes, limits: &plan.settings(name).limits };
        Ok(Some(engine.load(source)?.footprint()))
    }

    fn describe(&self, text: &mut String) {
        let versions: Vec<_> = self.inspection.wasi.iter().map(String::as_str).collect();
        let world = match (&self.error, self.inspection.world) {
            (Some(_), None) => "does not load".to_owned(),
            (None, None) => "no world that mik knows".to_owned(),
            (Some(_), Some(world)) => format!("{world}, does not load"),
            (None, Some(world)) => format!("{world}, WASI {}", versions.join(" ")),
        };
        let size = ByteSize::bytes(self.bytes.next_multiple_of(1024));
        text.push_str(&format!("\n  {}: {world}, {size}, {}\n", self.name, self.file));
        let rows = [["routes".to_owned(), self.routes.join(", ")]].into_iter();
        let access = self.access.iter().map(|access| [access.what.to_owned(), access.how.clone()]);
        for line in columns(&rows.chain(access).collect::<Vec<_>>()).lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
}
