//! The contract of an orchestrator: it loads scripts that call modules.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use opentelemetry::metrics::Meter;

use crate::limits::InstanceLimits;
use crate::{BoxFuture, Call, CallError, Capabilities, LoadError, ModuleName, Request, Response};

/// Loads scripts.
pub trait Orchestrator: Send + Sync {
    /// The name that selects this orchestrator, such as `rquickjs`.
    fn name(&self) -> &str;

    /// What this orchestrator can promise.
    fn capabilities(&self) -> Capabilities;

    /// Parses and compiles a script. It blocks; the host calls it off the request path.
    ///
    /// # Errors
    /// Whatever makes the script unusable, in words for its author; [`LoadError::with_files`] says which
    /// files it was to be made from.
    fn load(&self, source: ScriptSource<'_>) -> Result<Arc<dyn Script>, LoadError>;

    /// Called when a host is built around it: the time to make instruments. Only the first meter counts.
    fn instrument(&self, _meter: &Meter) {}

    /// Why it cannot run scripts as it should, in words for the operator: threads that scripts have taken
    /// and never gave back, say. `/health` tells it.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// A script to load.
#[derive(Debug, Clone, Copy)]
pub struct ScriptSource<'a> {
    /// Its name, for messages and logs.
    pub name: &'a ModuleName,
    /// Where it lies; its imports are resolved from there.
    pub path: &'a Path,
    /// The folder that its imports must not leave.
    pub root: &'a Path,
    /// The text.
    pub text: &'a str,
    /// What one call of it may use. An orchestrator keeps those that mean something to it: `memory`, `cpu`,
    /// `log` and `reuse`.
    pub limits: &'a InstanceLimits,
}

/// A loaded script. Runs may overlap.
pub trait Script: Send + Sync {
    /// The files besides its own that it was made from: when one of them changes, it is loaded afresh.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Bytes that this script holds while loaded. It is charged at least the length of its text.
    fn footprint(&self) -> usize {
        0
    }

    /// Answers one request. The script reaches modules through [`Call::send`] and nothing else. The
    /// rules of [`Module::handle`](crate::Module::handle) hold: dropping the future or the body
    /// cancels.
    fn run(
        self: Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>>;
}
