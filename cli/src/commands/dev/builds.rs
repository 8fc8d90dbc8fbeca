//! Builds, one after the other.

use tokio::task::{JoinHandle, spawn_blocking};

use crate::build::{BuildError, Builder, Built, Options, Progress, Stopper, ToolOutput};
use crate::log::Sink;
use crate::project::Project;

/// The build that is under way, if one is.
pub(super) struct Builds {
    options: Options,
    sink: Sink,
    colour: bool,
    running: Option<Running>,
}

struct Running {
    stopper: Stopper,
    task: JoinHandle<Result<Built, BuildError>>,
}

/// How a build ended.
pub(super) enum Ended {
    Built(Built),
    Failed(BuildError),
    /// A newer one is wanted, or none any more.
    Stopped,
}

impl Builds {
    /// What the tools write goes into `sink`.
    pub(super) fn new(options: Options, sink: Sink, colour: bool) -> Self {
        Self { options, sink, colour, running: None }
    }

    /// Starts a build. None may be under way.
    pub(super) fn start(&mut self, project: Project) {
        debug_assert!(!self.is_running(), "two builds of one project");
        let mut builder = Builder::new(project, self.options);
        let stopper = builder.stopper();
        let mut output = Output { sink: self.sink.clone(), colour: self.colour };
        let task = spawn_blocking(move || builder.build(&mut output));
        self.running = Some(Running { stopper, task });
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Ends the build that is under way; [`Builds::ended`] tells when.
    pub(super) fn stop(&self) {
        if let Some(running) = &self.running {
            running.stopper.stop();
        }
    }

    /// Waits for the end of the build that is under way. Dropping the future loses nothing.
    pub(super) async fn ended(&mut self) -> Ended {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let result = (&mut running.task).await;
        self.running = None;
        match result {
            Ok(Ok(built)) => Ended::Built(built),
            // That it panicked is in the log already.
            Ok(Err(BuildError::Stopped)) | Err(_) => Ended::Stopped,
            Ok(Err(error)) => Ended::Failed(error),
        }
    }
}

impl Drop for Builds {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where what the tools write goes: between the other lines, unchanged.
struct Output {
    sink: Sink,
    colour: bool,
}

impl Progress for Output {
    fn step(&mut self, step: &str) {
        tracing::debug!("{step}");
    }

    fn tool(&mut self, line: &str) {
        match line.ends_with('\n') {
            true => self.sink.put(line.as_bytes()),
            false => self.sink.put(format!("{line}\n").as_bytes()),
        }
    }

    fn output(&self) -> ToolOutput {
        ToolOutput::Lines { colour: self.colour }
    }
}
