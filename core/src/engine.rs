//! The contract of an engine: it compiles components and calls them.

use std::path::PathBuf;
use std::sync::Arc;

use opentelemetry::metrics::Meter;

use crate::limits::InstanceLimits;
use crate::{BoxFuture, Call, CallError, Capabilities, ModuleName, Request, Response};

/// Compiles components.
pub trait Engine: Send + Sync {
    /// The name that selects this engine, such as `wasmtime`.
    fn name(&self) -> &str;

    /// What this engine can promise.
    fn capabilities(&self) -> Capabilities;

    /// Compiles a component. This may take seconds and blocks; the host calls it off the request path,
    /// once for each version of a file.
    ///
    /// # Errors
    /// Whatever makes the component unusable, in words for the person who built it.
    fn load(&self, source: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError>;

    /// Called when a host is built around it: the time to make instruments. Only the first meter counts.
    fn instrument(&self, _meter: &Meter) {}
}

/// A component to load.
#[derive(Debug, Clone, Copy)]
pub struct ModuleSource<'a> {
    /// Its name, for messages and logs.
    pub name: &'a ModuleName,
    /// The binary.
    pub bytes: &'a [u8],
    /// What one call of it may use.
    pub limits: &'a InstanceLimits,
}

/// A loaded component. Calls may run at the same time.
pub trait Module: Send + Sync {
    /// Bytes that this module holds while loaded: compiled code, metadata, memory images. The module
    /// cache charges them.
    fn footprint(&self) -> usize;

    /// Handles one request.
    ///
    /// The future resolves when the response head is there; the body keeps the guest running. Dropping
    /// the future or the body cancels the guest. A guest that fails before the head is an `Err`; after
    /// it, the body ends with an error. Why a guest failed the engine logs once, to the target `mik::guest` with
    /// `module`, `request_id` and `kind`: clients are told the kind alone.
    fn handle(
        self: Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>>;
}

/// Why a component or a script did not load.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct LoadError {
    path: PathBuf,
    reason: String,
    transient: bool,
    files: Vec<PathBuf>,
}

impl LoadError {
    /// A reason in words; [`LoadError::at`] adds the file.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            path: PathBuf::from("component"),
            reason: reason.into(),
            transient: false,
            files: Vec::new(),
        }
    }

    /// A reason that lies outside of the file, such as a lack of memory: the next call tries again. Other
    /// errors hold until the file changes, or one of [`files`](Self::files).
    pub fn transient(reason: impl Into<String>) -> Self {
        Self { transient: true, ..Self::new(reason) }
    }

    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    /// The same error, naming the file.
    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = path.into();
        self
    }

    /// The same error of something that is made from these files as well, be they there or not. It is tried
    /// again when one of them changes.
    #[must_use]
    pub fn with_files(mut self, files: Vec<PathBuf>) -> Self {
        self.files = files;
        self
    }

    /// The files besides its own that were tried.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The reason alone.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}
