//! Real libraries, in Rust and in C, before a real host.

mod bodies;
mod cost;
mod heads;
mod loading;
mod numbers;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use serde_json::json;
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::subscriber::{DefaultGuard, Interest};
use tracing::{Dispatch, Metadata};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::Plugin;

/// The folder of the crate that plugins are written with.
fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin")
}

/// Must be called before the first plugin is loaded. A line that is logged for the first time while nobody
/// listens would be switched off for everybody; so there is always somebody.
fn keep_listening() {
    static LISTENER: LazyLock<Dispatch> =
        LazyLock::new(|| tracing_subscriber::registry().with(Lines::default()).into());
    LazyLock::force(&LISTENER);
}

/// A library that is an example of `mik-plugin`; see `middleware/plugin/tests/plugins`.
fn rust_plugin(name: &str) -> PathBuf {
    static BUILT: LazyLock<PathBuf> =
        LazyLock::new(|| build(&["--package", "mik-plugin", "--examples"]).join("examples"));
    keep_listening();
    BUILT.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// The library `name` of an example of the project, a package of its own.
fn rust_example(package: &str, name: &str) -> PathBuf {
    keep_listening();
    build(&["--package", package]).join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// Builds something in the profile of this test; the folder of what was built.
fn build(what: &[&str]) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    // target/PROFILE/deps/this
    let built = this.parent().unwrap().parent().unwrap().to_owned();
    let profile = built.file_name().unwrap().to_str().unwrap();
    let profile = if profile == "debug" { "dev" } else { profile };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline"])
        .args(what)
        .args(["--profile", profile, "--target-dir"])
        .arg(built.parent().unwrap())
        .current_dir(sdk())
        .status()
        .unwrap();
    assert!(status.success(), "cargo build {} failed", what.join(" "));
    built
}

/// A library made from C; it stays loaded when the file is gone.
struct CPlugin {
    _folder: TempDir,
    path: PathBuf,
}

impl CPlugin {
    fn new(source: impl AsRef<Path>, flags: &[&str]) -> Self {
        keep_listening();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.so");
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"])
            .arg("-I")
            .arg(sdk().join("include"))
            .args(flags)
            .arg("-o")
            .arg(&path)
            .arg(sdk().join("tests/plugins").join(source))
            .output()
            .expect("a C compiler, cc");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { _folder: folder, path }
    }

    fn load(&self) -> Plugin {
        Plugin::load(&self.path, &json!({})).unwrap()
    }
}

fn trial() -> Plugin {
    Plugin::load(&rust_plugin("trial"), &json!({})).unwrap()
}

/// What plugins, and mik about them, log on this thread.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<Mutex<Vec<String>>>);

impl Lines {
    fn listen() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        (lines, tracing::subscriber::set_default(subscriber))
    }

    /// All of them, which are forgotten.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == "mik::plugin" { Interest::sometimes() } else { Interest::never() }
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        let level = *event.metadata().level();
        let is_debug = level == tracing::Level::DEBUG;
        let line = if is_debug { message.0 } else { format!("{level} {}", message.0) };
        self.0.lock().unwrap().push(line);
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
