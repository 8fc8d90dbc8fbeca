//! A host in this process, behind a server on loopback.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use mik::{Plan, ProjectArgs};
use mik_core::{Registry, Server};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tracing::Dispatch;

use super::engines::engine;
use crate::log::Log;
use crate::setup::Setup;

/// How long a start may take.
const START: Duration = Duration::from_secs(60);

/// A server in this process. Dropping it ends it.
pub(crate) struct Inside {
    address: SocketAddr,
    log: Log,
    setup: Setup,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
}

impl Inside {
    /// Starts one on a project.
    pub(super) fn start(
        subject: &str,
        registry: &Registry,
        args: &ProjectArgs,
        setup: Setup,
    ) -> Result<Self, String> {
        let log = Log::default();
        let lines = log.clone();
        let events = Dispatch::new(mik::json_lines(move || lines.writer()));
        let on_each = events.clone();
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .on_thread_start(move || {
                // For as long as the thread lives.
                std::mem::forget(tracing::dispatcher::set_default(&on_each));
            })
            .build()
            .map_err(|error| error.to_string())?;
        let host = tracing::dispatcher::with_default(&events, || {
            let told = |failure: mik::Failure| failure.render(false);
            let plan = Plan::new(args, registry).map_err(told)?;
            let plan = plan.sound().map_err(|problems| problems.to_string())?;
            let _within = runtime.enter();
            let engine = engine(subject, &plan, registry).map_err(told)?;
            let orchestrator = plan.make_orchestrator(registry).map_err(told)?;
            plan.make_host(engine, orchestrator).map_err(told)
        })?;
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        runtime.spawn(async move {
            match Server::new(host).bind("127.0.0.1:0").await {
                Ok(server) => {
                    let _ = tell.send(Ok(server.local_addr()));
                    // Dropped, everything on it ends at once.
                    tokio::select! {
                        _ = server.serve_until(std::future::pending()) => {}
                        _ = stopped => {}
                    }
                }
                Err(error) => drop(tell.send(Err(error.to_string()))),
            }
        });
        let address = told.recv_timeout(START).map_err(|error| error.to_string())??;
        Ok(Self { address, log, setup, runtime: Some(runtime), stop: Some(stop) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Whether it still serves.
    pub(super) fn lives(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| !stop.is_closed())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}
