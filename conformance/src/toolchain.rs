//! Whether components can be built from Rust here, and with what.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

const TARGET: &str = "wasm32-wasip2";

/// The variables with which cargo builds components: those that name its folders, which lie in the home of the
/// user and not in that of a test, and a toolchain that has the target. `None`, and a line on standard error,
/// where none has.
///
/// It is the one that `RUSTUP_TOOLCHAIN` names, that called `guest`, or the usual one.
pub fn toolchain() -> Option<&'static [(&'static str, String)]> {
    static FOUND: LazyLock<Option<Vec<(&'static str, String)>>> = LazyLock::new(|| {
        let found = find();
        if found.is_none() {
            // Past what gathers the output of tests: it is to be seen when they pass.
            let _ = writeln!(
                io::stderr(),
                "skipped: no Rust toolchain here has {TARGET}, so nothing is built from sources; \
                 `rustup target add {TARGET}` brings it"
            );
        }
        found
    });
    FOUND.as_deref()
}

fn find() -> Option<Vec<(&'static str, String)>> {
    let named = env::var("RUSTUP_TOOLCHAIN").ok();
    // The one that runs this test says so as well, and rarely has the target.
    let candidates = [named, Some("guest".to_owned()), None];
    let name = candidates.into_iter().find(|name| has_target(name.as_deref()))?;
    let mut variables = folders();
    variables.extend(name.map(|name| ("RUSTUP_TOOLCHAIN", name)));
    Some(variables)
}

/// Where rustup and cargo keep what they have.
pub fn folders() -> Vec<(&'static str, String)> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let folder = |name: &'static str, usual: &str| {
        let folder = env::var_os(name).map_or_else(|| home.join(usual), PathBuf::from);
        (name, folder.display().to_string())
    };
    vec![folder("CARGO_HOME", ".cargo"), folder("RUSTUP_HOME", ".rustup")]
}

fn has_target(toolchain: Option<&str>) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).env_remove("RUSTUP_TOOLCHAIN");
    if let Some(toolchain) = toolchain {
        rustc.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    let Ok(asked) = rustc.output() else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    asked.status.success() && names.into_iter().any(|name| name.starts_with("libstd-"))
}
