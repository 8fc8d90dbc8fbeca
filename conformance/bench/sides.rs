//! The servers that are compared, each as a process of its own.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::scripts::Work;

/// The flag with which this program becomes the bare hyper server.
pub(crate) const BARE: &str = "--bare-hyper";

/// What kind of server a side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `mik run`.
    Mik { reuse: bool, chain: Chain },
    /// `mik run` with a script that calls the component.
    Script { orchestrator: &'static str, reuse: bool, work: Work },
    /// `wasmtime serve -Scli`.
    Wasmtime { reuse: bool },
    /// hyper alone, which answers the same bytes.
    Bare,
}

/// Which middleware stand around the calls of mik.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    /// None at all.
    Empty,
    /// That one alone.
    Only(&'static str),
    /// Those that are on unasked.
    Default,
}

/// Middleware that are on unasked.
pub(crate) const ON: [&str; 7] =
    ["request-id", "trace", "access-log", "metrics", "compression", "breaker", "concurrency"];

impl Chain {
    /// The tables of `mik.toml` that make it.
    fn config(self) -> String {
        let is_off = |name: &&&str| match self {
            Self::Empty => true,
            Self::Only(only) => **name != only,
            Self::Default => false,
        };
        let off = ON.iter().filter(is_off);
        off.map(|name| format!("[middleware.{name}]\nenabled = false\n")).collect()
    }
}

/// One of the servers that are compared.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The project, and what is kept on disk between starts.
    folder: TempDir,
}

/// A server that runs; dropping it kills it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Side {
    pub(crate) fn new(name: &'static str, kind: Kind) -> Self {
        let folder = TempDir::with_prefix("mik-bench-").expect("a temporary folder can be made");
        Self { name, kind, folder }
    }

    /// The path at which the component is.
    pub(crate) fn path(&self, guest: &str) -> String {
        match self.kind {
            Kind::Mik { .. } => format!("/run/{guest}/"),
            Kind::Script { .. } => "/script/work/".to_owned(),
            _ => "/".to_owned(),
        }
    }

    /// Starts it on a free port. It may not listen yet.
    pub(crate) fn start(&self, component: &Path) -> Result<Server, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| format!("no free port: {error}"))?;
        let mut command = match self.kind {
            Kind::Mik { reuse, chain } => self.mik(component, address, reuse, &chain.config())?,
            Kind::Script { orchestrator, reuse, work } => {
                let written = work.write(&self.folder.path().join("scripts"));
                written.map_err(|error| format!("the scripts cannot be written: {error}"))?;
                self.mik(component, address, false, &Work::config(orchestrator, reuse))?
            }
            Kind::Wasmtime { reuse } => wasmtime(component, address, reuse),
            Kind::Bare => bare(component, address)?,
        };
        let log = File::create(self.folder.path().join("log"));
        let log = log.map_err(|error| format!("no file for the log: {error}"))?;
        let command = command
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Server { child, address })
    }

    fn mik(
        &self,
        component: &Path,
        address: SocketAddr,
        reuse: bool,
        tables: &str,
    ) -> Result<Command, String> {
        let modules = self.folder.path().join("modules");
        let target = modules.join(component.file_name().unwrap_or_default());
        let reuse = if reuse { 1_000 } else { 1 };
        let config = format!("[engine]\nreuse = {reuse}\n{tables}");
        let write = || {
            if !target.is_file() {
                fs::create_dir_all(&modules)?;
                fs::copy(component, &target)?;
            }
            fs::write(self.folder.path().join("mik.toml"), config)
        };
        write().map_err(|error| format!("the project cannot be written: {error}"))?;
        let mut command = Command::new(mik_conformance::mik());
        command.args(["run", "--host", "127.0.0.1", "--port", &address.port().to_string(), "."]);
        Ok(command)
    }
}

fn wasmtime(component: &Path, address: SocketAddr, reuse: bool) -> Command {
    let mut command = Command::new("wasmtime");
    command.args(["serve", "-Scli", "-Ccache=y", "--addr", &address.to_string()]);
    if reuse {
        command.args(["--max-instance-reuse-count", "1000"]);
    }
    command.arg(component);
    command
}

fn bare(component: &Path, address: SocketAddr) -> Result<Command, String> {
    let this =
        std::env::current_exe().map_err(|error| format!("no path of this program: {error}"))?;
    let mut command = Command::new(this);
    command.args([BARE, &address.to_string()]);
    if component.file_stem().is_some_and(|stem| stem == "stream") {
        command.env("BODY", "stream");
    }
    Ok(command)
}

impl Server {
    /// The processor time that it has had.
    pub(crate) fn cpu(&self) -> Duration {
        mik_conformance::cpu(&self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
