//! From a plan to a server that runs: what the commands that serve share.

mod reload;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mik_core::{BoundServer, Drained, Host, Registry, Server};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::disable_transparent_huge_pages;

pub(crate) use reload::{Adjust, Reload, Reloaded};

use crate::config::HostName;
use crate::failure::Failure;
use crate::plan::Plan;

/// A server that listens, and what reading `mik.toml` again takes.
pub(crate) struct Serving {
    server: BoundServer,
    reload: Arc<Reload>,
}

impl Serving {
    /// Makes the parts of a sound plan, adjusted as all that come after it, and listens. Must be called within
    /// a tokio runtime.
    pub(crate) async fn start(
        plan: &mut Plan,
        adjust: Adjust,
        registry: Registry,
    ) -> Result<Self, Failure> {
        let reload = Reload::new(plan, adjust, registry)?;
        let (host, port) = (&plan.host.value, plan.port.value);
        let server = Server::new(reload.host().clone()).bind((host.as_str(), port)).await;
        let server = server.map_err(|reason| bind_failure(host, port, reason))?;
        Ok(Self { server, reload: Arc::new(reload) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    pub(crate) fn host(&self) -> &Host {
        self.reload.host()
    }

    pub(crate) fn reload(&self) -> Arc<Reload> {
        self.reload.clone()
    }

    /// Serves until `stop` is ready, then drains.
    pub(crate) async fn until(self, stop: impl Future<Output = ()>) -> Drained {
        self.server.serve_until(stop).await
    }
}

/// Runs to its end what serves.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("mik-worker")
        .enable_all()
        .build()
        .map_err(Failure::Start)?;
    let outcome = runtime.block_on(work);
    // Whatever still runs on a blocking thread (a compile) is not worth waiting for.
    runtime.shutdown_background();
    outcome
}

/// The allocator asks for huge pages, and the kernel clears 2 MiB for each that is touched: a quarter of the
/// time to the first answer and half of the memory of an idle server, for no request more in a second.
pub(crate) fn forgo_huge_pages() {
    // Where the kernel does not know of them there are none.
    let _ = disable_transparent_huge_pages(true);
}

/// Connections cost a descriptor each: the soft limit is raised to the hard one. Where it cannot be, the log says
/// so. What serves by itself, as `mik run`, does this first.
pub fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!("cannot raise the limit of open files: {error}");
        }
    }
}

fn bind_failure(host: &HostName, port: u16, reason: io::Error) -> Failure {
    let told = reason.to_string();
    if told.starts_with("cannot listen") {
        return Failure::Bind { reason };
    }
    let told = format!("cannot listen on {host}, port {port}: {told}");
    Failure::Bind { reason: io::Error::new(reason.kind(), told) }
}
