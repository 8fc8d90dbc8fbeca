//! What a subject can, and what a case needs.

use std::collections::BTreeSet;
use std::path::Path;

use mik_core::{Capabilities, EngineContext, Settings};

use super::{Place, Subject};
use crate::case::{Action, Case};
use crate::clock::Clock;

impl Subject {
    /// Whether it can that.
    pub(super) fn can(&self, what: &str) -> bool {
        self.capabilities.get_or_init(|| self.learn()).contains(what)
    }

    fn learn(&self) -> BTreeSet<String> {
        let registry = match &self.place {
            Place::Inside(parts) => parts(),
            // A binary is taken for what was compiled in here.
            Place::Binary(_) | Place::Elsewhere(_) => mik::registry(),
        };
        let mut can = BTreeSet::new();
        let engine = self.engine.as_deref().unwrap_or(mik::config::DEFAULT_ENGINE);
        let context = EngineContext { in_flight: 1 };
        if let Ok(engine) = registry.make_engine(engine, &Settings::none(), &context) {
            can.extend(named("", engine.capabilities()));
        }
        let orchestrator =
            self.orchestrator.as_deref().unwrap_or(mik::config::DEFAULT_ORCHESTRATOR);
        let trusted = Settings::at("[orchestrator]\ntrusted_scripts = true\n", &["orchestrator"]);
        let made = registry
            .make_orchestrator(orchestrator, &Settings::none())
            .or_else(|_| registry.make_orchestrator(orchestrator, &trusted));
        if let Ok(orchestrator) = made {
            can.insert("scripts".to_owned());
            can.extend(named("script_", orchestrator.capabilities()));
        }
        can.extend(registry.middlewares().map(|name| format!("middleware {name}")));
        let suite: &[&str] = match &self.place {
            Place::Binary(_) => &["setup", "log", "process", "commands"],
            Place::Inside(_) => &["setup", "log"],
            Place::Elsewhere(_) => &[],
        };
        can.extend(suite.iter().map(ToString::to_string));
        if matches!(self.place, Place::Binary(_)) && Clock::build().is_some() {
            can.insert("clock".to_owned());
        }
        can
    }

    /// Whether the case is one for this subject at all.
    pub(crate) fn is_for(&self, case: &Case) -> bool {
        if let Some(part) = &self.part
            && case.part.as_deref() == Some(part)
        {
            return true;
        }
        if self.groups.contains(case.group()) {
            return true;
        }
        // A middleware is not proven by the cases of another one.
        self.about.is_empty()
            || self.part.is_none() && self.about.iter().any(|about| case.about.contains(about))
    }

    /// What the case needs and this subject lacks, in words; `None` if it can run.
    pub(crate) fn lacks(&self, case: &Case) -> Option<String> {
        let missing = needs(case).into_iter().find(|need| !self.can(need));
        if let Some(missing) = missing {
            return Some(format!("it has no {missing}"));
        }
        if matches!(self.place, Place::Elsewhere(_)) {
            return None;
        }
        let guest = case.project.guests().find(|guest| self.component(guest).is_none());
        guest.map(|guest| format!("it has no guest {guest}"))
    }

    /// A guest as it is for this subject.
    pub(crate) fn component(&self, name: &str) -> Option<Vec<u8>> {
        if self.guests.is_empty() {
            return std::fs::read(crate::binary::find_guest(name)?).ok();
        }
        self.guests.get(name).cloned()
    }

    /// The binary, for subjects that are one.
    pub(crate) fn executable(&self) -> Option<&Path> {
        match &self.place {
            Place::Binary(path) => path.as_deref(),
            _ => None,
        }
    }
}

/// What follows from what a case says, and what it names itself.
fn needs(case: &Case) -> BTreeSet<String> {
    let mut needs: BTreeSet<String> = case.says.needs.iter().cloned().collect();
    let mut need = |what: &str, is_needed: bool| {
        if is_needed {
            needs.insert(what.to_owned());
        }
    };
    let project = &case.project;
    let any = |is_it: &dyn Fn(&Action) -> bool| case.steps.iter().any(|step| is_it(&step.action));
    need("setup", !project.is_standard || case.is_alone() || !case.is_served());
    need("scripts", !project.scripts.is_empty());
    need("log", !case.says.log.is_empty());
    need("commands", any(&|action| matches!(action, Action::Command(_))));
    need("clock", project.clock);
    let cpu = case
        .steps
        .iter()
        .any(|step| step.expect.as_ref().is_some_and(|expect| expect.cpu.is_some()));
    let of_process = !project.args.is_empty() || !project.env.is_empty();
    let of_process =
        of_process || project.descriptors.is_some() || project.soft_descriptors.is_some();
    let of_process = of_process || project.cache == Some(false) || case.says.exit.is_some();
    let of_process = of_process || case.says.peak.is_some() || cpu;
    need("process", of_process || any(&|action| matches!(action, Action::Signal(_))));
    if let Some(part) = &case.part {
        need(&format!("middleware {part}"), true);
    }
    needs
}

/// The names of what is promised.
fn named(before: &str, can: Capabilities) -> Vec<String> {
    let all = [
        ("wasi_0_2", can.wasi_0_2),
        ("wasi_0_3", can.wasi_0_3),
        ("streaming", can.streaming),
        ("trailers", can.trailers),
        ("preemption", can.preemption),
        ("memory_cap", can.memory_cap),
        ("deadline", can.deadline),
        ("reuse", can.reuse),
        ("untrusted", can.untrusted),
    ];
    all.into_iter().filter(|(_, can)| *can).map(|(name, _)| format!("{before}{name}")).collect()
}
