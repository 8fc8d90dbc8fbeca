//! `mik run`: serve until told to stop.

use std::sync::{Arc, Mutex, PoisonError};

use mik_core::{Drained, Engine, Host, Orchestrator, Registry, Server};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::disable_transparent_huge_pages;

use crate::announce;
use crate::args::{ProjectArgs, RunArgs};
use crate::config::HostName;
use crate::failure::Failure;
use crate::log::{Format, Log};
use crate::plan::{Plan, Setting, stale};
use crate::signals::Signals;

pub(super) fn run(args: RunArgs, registry: Registry) -> Result<(), Failure> {
    forgo_huge_pages();
    let filter = std::env::var("MIK_LOG").ok().filter(|filter| !filter.is_empty());
    let log = Log::start(args.log_format.unwrap_or_else(Format::fitting), filter.as_deref())?;
    raise_descriptor_limit();
    let plan = Plan::new(&args.project, &registry)?.sound()?;
    if !plan.problems.is_empty() {
        tracing::warn!("{}", plan.problems);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("mik-worker")
        .enable_all()
        .build()
        .map_err(Failure::Start)?;
    let outcome = runtime.block_on(async {
        let engine = plan.make_engine(&registry)?;
        if !engine.capabilities().untrusted {
            tracing::warn!(
                "the engine {} is for guests that you trust: it is not hardened",
                engine.name()
            );
        }
        let made = Made::of(&plan, &registry)?;
        let orchestrator = made.as_ref().map(|made| made.orchestrator.clone());
        let host = plan.make_host(engine.clone(), orchestrator)?;
        let start = plan.fixed_settings();
        let made = Mutex::new(made);
        let reload = Reload { args: args.project, registry, engine, made, host, start };
        serve(plan, reload, &log).await
    });
    // Whatever still runs on a blocking thread (a compile) is not worth waiting for.
    runtime.shutdown_background();
    outcome
}

async fn serve(plan: Plan, reload: Reload, log: &Log) -> Result<(), Failure> {
    // From here on no signal ends the process unasked.
    let mut signals = Signals::listen().map_err(Failure::Start)?;
    let address = (plan.host.value.as_str(), plan.port.value);
    let server = Server::new(reload.host.clone()).bind(address).await;
    let server =
        server.map_err(|reason| bind_failure(&plan.host.value, plan.port.value, reason))?;
    announce::ready(log, server.local_addr(), &plan, &reload.host);
    let sink = log.sink();
    let reload = Arc::new(reload);
    let stop = async move {
        while signals.next().await.is_reload() {
            let reload = reload.clone();
            // Reads files. That it panicked is in the log already.
            let _ = tokio::task::spawn_blocking(move || reload.reload()).await;
        }
        // The task lives on while the server drains.
        tokio::spawn(signals.exit_at_next(sink));
    };
    match server.serve_until(stop).await {
        Drained::Clean => {
            tracing::info!("stopped");
            Ok(())
        }
        Drained::Cut { connections } => {
            let cut = Failure::Cut { connections };
            tracing::error!("{cut}");
            Err(cut)
        }
    }
}

/// What reading `mik.toml` again takes.
struct Reload {
    args: ProjectArgs,
    registry: Registry,
    engine: Arc<dyn Engine>,
    /// Made when the first scripts come.
    made: Mutex<Option<Made>>,
    host: Host,
    /// What was fixed when the process started.
    start: Vec<Setting>,
}

/// An orchestrator, and what it was made with.
struct Made {
    orchestrator: Arc<dyn Orchestrator>,
    settings: Vec<Setting>,
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

impl Reload {
    /// Serves by `mik.toml` as it is now. When that cannot be, everything stays as it is.
    fn reload(&self) {
        let (plan, host, needs_restart) = match self.prepare() {
            Ok(prepared) => prepared,
            Err(failure) => {
                tracing::error!("{}\nnothing was changed", failure.render(false));
                return;
            }
        };
        self.host.replace(&host);
        if !plan.problems.is_empty() {
            tracing::warn!("{}", plan.problems);
        }
        if !needs_restart.is_empty() {
            let keys = needs_restart.join(", ");
            tracing::warn!("changed, but only a restart puts it in force: {keys}");
        }
        let (modules, scripts) = (plan.found.len(), plan.found_scripts.len());
        tracing::info!(modules, scripts, "configuration read again");
    }

    /// What `mik.toml` comes to now, and the keys whose change needs a restart.
    fn prepare(&self) -> Result<(Plan, Host, Vec<String>), Failure> {
        let plan = Plan::new(&self.args, &self.registry)?.sound()?;
        let mut needs_restart = stale(&self.start, plan.fixed_settings());
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
        Ok((plan, host, needs_restart))
    }
}

/// The allocator asks for huge pages, and the kernel clears 2 MiB for each that is touched: a quarter of the
/// time to the first answer and half of the memory of an idle server, for no request more in a second.
fn forgo_huge_pages() {
    // Where the kernel does not know of them there are none.
    let _ = disable_transparent_huge_pages(true);
}

/// Connections cost a descriptor each: the soft limit is raised to the hard one.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!("cannot raise the limit of open files: {error}");
        }
    }
}

fn bind_failure(host: &HostName, port: u16, reason: std::io::Error) -> Failure {
    let told = reason.to_string();
    if told.starts_with("cannot listen") {
        return Failure::Bind { reason };
    }
    Failure::Bind {
        reason: std::io::Error::new(
            reason.kind(),
            format!("cannot listen on {host}, port {port}: {told}"),
        ),
    }
}
