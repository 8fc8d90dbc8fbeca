//! `mik check`: what is in force, what each module and script is and may do, and every problem at once.

mod file;
mod module;
mod script;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mik_core::{Capabilities, Engine, Host, Orchestrator, Registry, Ring};
use serde_json::{Value, json};

use self::module::Module;
use self::script::Script;
use crate::args::{CheckArgs, Origin};
use crate::failure::Failure;
use crate::output::{columns, print};
use crate::plan::{Plan, Setting};

/// Everything that `mik check` tells.
struct Report {
    plan: Plan,
    /// `None` where the configuration is too wrong for it.
    host: Option<Host>,
    modules: Vec<Module>,
    scripts: Vec<Script>,
    /// What is wrong beyond the configuration.
    faults: Vec<String>,
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
        let engine = make_engine(&plan, registry, &mut faults);
        let orchestrator = make_orchestrator(&plan, registry, &mut faults);
        let is_whole =
            !plan.problems.has_errors() && (orchestrator.is_some() || plan.scripts.is_none());
        let host = match engine.clone().filter(|_| is_whole) {
            Some(engine) => noted(plan.make_host(engine, orchestrator.clone()), &mut faults),
            None => None,
        };
        let modules = plan
            .found
            .iter()
            .map(|(name, path)| Module::look(name, path, &plan, engine.as_ref()))
            .collect();
        let scripts = plan
            .found_scripts
            .iter()
            .map(|(name, path)| Script::look(name, path, &plan, orchestrator.as_ref()))
            .collect();
        Ok(Self { plan, host, modules, scripts, faults })
    }

    fn is_well(&self) -> bool {
        self.faults.is_empty()
            && !self.plan.problems.has_errors()
            && self.load_errors().next().is_none()
    }

    /// Why modules and scripts do not load.
    fn load_errors(&self) -> impl Iterator<Item = &String> {
        let modules = self.modules.iter().filter_map(|module| module.error.as_ref());
        modules.chain(self.scripts.iter().filter_map(|script| script.error.as_ref()))
    }

    /// The middleware of each ring, outermost first.
    fn rings(&self) -> impl Iterator<Item = (String, Value)> {
        let names = |ring| self.host.as_ref().map_or_else(Vec::new, |host| host.middleware(ring));
        Ring::ALL.into_iter().map(move |ring| (ring.to_string(), names(ring).into()))
    }

    fn settings(&self) -> Vec<Setting> {
        let plan = &self.plan;
        let middleware = plan.middleware_settings.clone();
        [
            plan.fixed_settings(),
            plan.orchestrator_settings(),
            plan.other_settings(),
            plan.named_settings(),
            middleware,
        ]
        .concat()
    }

    fn to_json(&self) -> Value {
        let plan = &self.plan;
        let mut problems = plan.problems.to_json();
        let errors = self.faults.iter().chain(self.load_errors());
        problems.extend(errors.map(|error| json!({ "severity": "error", "message": error })));
        let host = self.host.as_ref();
        let engine = host.map(|host| capabilities(host.engine().capabilities()));
        let orchestrator = host.and_then(Host::orchestrator);
        let orchestrator = orchestrator.map(|one| capabilities(one.capabilities()));
        let name = plan.orchestrator.as_ref().map(|orchestrator| &orchestrator.value);
        json!({
            "project": { "name": plan.config.project.name, "version": plan.config.project.version },
            "config": plan.document.as_ref().map(|document| document.path.display().to_string()),
            "settings": self.settings(),
            "engine": { "name": plan.engine.value, "capabilities": engine },
            "orchestrator": { "name": name, "capabilities": orchestrator },
            "middleware": self.rings().collect::<serde_json::Map<_, _>>(),
            "modules": self.modules,
            "scripts": self.scripts,
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
        let orchestrator = plan.orchestrator.as_ref().filter(|_| plan.scripts.is_some());
        let rows = [
            ["project", &named.join(" ")],
            ["configuration", file.as_deref().unwrap_or("none, all defaults")],
            ["engine", &plan.engine.value],
            ["orchestrator", orchestrator.map_or("", |orchestrator| &orchestrator.value)],
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
        if plan.scripts.is_some() {
            text.push_str(&format!("\nscripts: {}\n", self.scripts.len()));
            for script in &self.scripts {
                script.describe(&mut text);
            }
        }
        let problems =
            [plan.problems.render(false)].into_iter().filter(|problems| !problems.is_empty());
        let faults = self.faults.iter().map(|fault| format!("error: {fault}"));
        let errors = self.load_errors().map(|error| format!("error: {error}"));
        let all: Vec<_> = problems.chain(faults).chain(errors).collect();
        text.push_str(&match all.is_empty() {
            true => "\nno problems".to_owned(),
            false => format!("\nproblems\n\n{}", all.join("\n\n")),
        });
        text
    }
}

/// The engine; `None` where it cannot be made. That there is none of that name is among the problems of the
/// plan.
fn make_engine(
    plan: &Plan,
    registry: &Registry,
    faults: &mut Vec<String>,
) -> Option<Arc<dyn Engine>> {
    let is_known = registry.engines().any(|name| name == plan.engine.value);
    is_known.then(|| noted(plan.make_engine(registry), faults)).flatten()
}

/// The same for the orchestrator; also `None` where there are no scripts.
fn make_orchestrator(
    plan: &Plan,
    registry: &Registry,
    faults: &mut Vec<String>,
) -> Option<Arc<dyn Orchestrator>> {
    let name = &plan.orchestrator.as_ref()?.value;
    let is_known = registry.orchestrators().any(|known| known == name);
    is_known.then(|| noted(plan.make_orchestrator(registry), faults)).flatten().flatten()
}

fn noted<T>(made: Result<T, Failure>, faults: &mut Vec<String>) -> Option<T> {
    made.map_err(|failure| faults.push(failure.to_string())).ok()
}

fn capabilities(can: Capabilities) -> Value {
    json!({
        "wasi_0_2": can.wasi_0_2, "wasi_0_3": can.wasi_0_3, "streaming": can.streaming,
        "trailers": can.trailers, "preemption": can.preemption, "memory_cap": can.memory_cap,
        "deadline": can.deadline, "reuse": can.reuse, "untrusted": can.untrusted,
    })
}
