//! Reading `mik.toml` again while serving.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use mik_core::{Engine, Host, Orchestrator, Registry};

use crate::args::ProjectArgs;
use crate::failure::Failure;
use crate::plan::{Plan, Setting, stale};

/// What reading `mik.toml` again takes.
pub(crate) struct Reload {
    registry: Registry,
    engine: Arc<dyn Engine>,
    /// Made when the first scripts come.
    made: Mutex<Option<Made>>,
    host: Host,
    /// The file that it was started with.
    file: Option<PathBuf>,
    /// What was fixed when the process started.
    start: Vec<Setting>,
    adjust: Adjust,
}

/// What a command makes of each plan before it is put in force.
pub(crate) type Adjust = Box<dyn Fn(&mut Plan) + Send + Sync>;

/// What came of it.
pub(crate) struct Reloaded {
    /// What is in force now.
    pub(crate) plan: Plan,
    /// The keys whose change needs a restart.
    pub(crate) needs_restart: Vec<String>,
}

/// An orchestrator, and what it was made with.
struct Made {
    orchestrator: Arc<dyn Orchestrator>,
    settings: Vec<Setting>,
}

impl Reload {
    /// Makes the parts of a sound plan, and the host that they come to.
    pub(super) fn new(
        plan: &mut Plan,
        adjust: Adjust,
        registry: Registry,
    ) -> Result<Self, Failure> {
        let start = plan.fixed_settings();
        adjust(plan);
        let engine = plan.make_engine(&registry)?;
        if !engine.capabilities().untrusted {
            tracing::warn!(
                "the engine {} is for guests that you trust: it is not hardened",
                engine.name()
            );
        }
        let made = Made::of(plan, &registry)?;
        let orchestrator = made.as_ref().map(|made| made.orchestrator.clone());
        let host = plan.make_host(engine.clone(), orchestrator)?;
        let file = plan.document.as_ref().map(|document| document.path.clone());
        Ok(Self { registry, engine, made: Mutex::new(made), host, file, start, adjust })
    }

    /// The host that serves, whatever is read again.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Serves by `mik.toml` as it is now, with what `args` override. It blocks on the file system.
    ///
    /// # Errors
    /// When that cannot be. Then everything stays as it is.
    pub(crate) fn reload(&self, args: &ProjectArgs) -> Result<Reloaded, Failure> {
        // Without it, the folder would be taken for one of modules: what is replaced in two steps, or lost, must
        // not take away what serves.
        if let Some(path) = &self.file {
            fs::metadata(path)
                .map_err(|reason| Failure::Unreadable { path: path.clone(), reason })?;
        }
        let mut plan = Plan::new(args, &self.registry)?.sound()?;
        let mut needs_restart = stale(&self.start, plan.fixed_settings());
        (self.adjust)(&mut plan);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            None => *made = Made::of(&plan, &self.registry)?,
            Some(made) if plan.scripts.is_some() => {
                needs_restart.extend(stale(&made.settings, plan.orchestrator_settings()));
            }
            Some(_) => {}
        }
        let orchestrator = made.as_ref().map(|made| made.orchestrator.clone());
        let host = plan.make_host(self.engine.clone(), orchestrator)?;
        self.host.replace(&host);
        Ok(Reloaded { plan, needs_restart })
    }
}

impl Reloaded {
    /// Tells the log of it.
    pub(crate) fn log(&self) {
        if !self.plan.problems.is_empty() {
            tracing::warn!("{}", self.plan.problems);
        }
        if !self.needs_restart.is_empty() {
            let keys = self.needs_restart.join(", ");
            tracing::warn!("changed, but only a restart puts it in force: {keys}");
        }
        let (modules, scripts) = (self.plan.found.len(), self.plan.found_scripts.len());
        tracing::info!(modules, scripts, "configuration read again");
    }
}

impl Made {
    /// `None` where there are no scripts.
    fn of(plan: &Plan, registry: &Registry) -> Result<Option<Self>, Failure> {
        let Some(orchestrator) = plan.make_orchestrator(registry)? else { return Ok(None) };
        if !orchestrator.capabilities().untrusted {
            tracing::warn!(
                "the orchestrator {} is for scripts that you trust: it is not hardened",
                orchestrator.name()
            );
        }
        Ok(Some(Self { orchestrator, settings: plan.orchestrator_settings() }))
    }
}
