//! The contract of an orchestrator: it loads scripts that call modules.

use std::path::Path;
use std::sync::Arc;

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
    /// Whatever makes the script unusable, in words for its author.
    fn load(&self, source: ScriptSource<'_>) -> Result<Arc<dyn Script>, LoadError>;
}

/// A script to load.
#[derive(Debug, Clone, Copy)]
pub struct ScriptSource<'a> {
    /// Its name, for messages and logs.
    pub name: &'a ModuleName,
    /// Where it lies; its imports are resolved from there.
    pub path: &'a Path,
    /// The text.
    pub text: &'a str,
}

/// A loaded script. Runs may overlap.
pub trait Script: Send + Sync {
    /// Answers one request. The script reaches modules through [`Call::send`] and nothing else. The
    /// rules of [`Module::handle`](crate::Module::handle) hold: dropping the future or the body
    /// cancels.
    fn run(
        self: Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>>;
}
