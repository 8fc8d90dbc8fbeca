//! Where the binary under test is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::SystemTime;

/// The root of the repository.
pub fn repository() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        folder.parent().expect("conformance/ lies in the repository").to_owned()
    });
    &ROOT
}

/// A prebuilt guest component.
pub fn guest(name: &str) -> PathBuf {
    find_guest(name).unwrap_or_else(|| panic!("no guest {name} in conformance/guests/prebuilt"))
}

/// The same, if there is one.
pub(crate) fn find_guest(name: &str) -> Option<PathBuf> {
    let path = repository().join("conformance/guests/prebuilt").join(name).with_extension("wasm");
    path.is_file().then_some(path)
}

/// The folder of what cargo built in this profile, such as `target/debug`.
pub fn built() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let this = env::current_exe().expect("a test knows its own path");
        let folder = this.parent().expect("a file lies in a folder");
        let deps = folder.file_name().is_some_and(|name| name == "deps");
        if deps { folder.parent().unwrap_or(folder).to_owned() } else { folder.to_owned() }
    });
    &BUILT
}

/// Where guests lie compiled, for every project of this machine's user or of this build.
pub(crate) fn compiled() -> PathBuf {
    let name = "conformance-cache";
    if built().join("deps").is_dir() {
        return built().join(name);
    }
    // An installed binary keeps nothing beside itself.
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    home.unwrap_or_else(env::temp_dir).join("mik").join(name)
}

/// The binary `mik` of this profile: what `CARGO_BIN_EXE_mik` names, else the one that lies where this
/// test was built. It is built first where it is missing, older than its sources, or without `boa`, which
/// is not compiled in by default; with the features of the workspace's build, so that nothing is built twice.
pub fn mik() -> &'static Path {
    static MIK: LazyLock<PathBuf> = LazyLock::new(|| match env::var_os("CARGO_BIN_EXE_mik") {
        Some(path) => path.into(),
        None => {
            let package = ["--package", "mik", "--bin", "mik", "--features", "boa,pulley,winch"];
            up_to_date(&package, "mik", |mik| runs_scripts_in(mik, "boa"))
        }
    });
    &MIK
}

/// The orchestrators that [`mik()`] has: a binary that `CARGO_BIN_EXE_mik` names may be without one.
pub fn orchestrators() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let names = ["rquickjs", "boa"].into_iter();
        names.filter(|name| runs_scripts_in(mik(), name)).collect()
    });
    &NAMES
}

/// Whether that orchestrator is compiled into `mik`.
fn runs_scripts_in(mik: &Path, orchestrator: &str) -> bool {
    // It makes a plan, in which an unknown orchestrator is an error, and runs nothing.
    let asked = Command::new(mik)
        .args(["middleware", "--orchestrator", orchestrator])
        .arg(guest("hello"))
        .stdin(Stdio::null())
        .output();
    asked.is_ok_and(|asked| asked.status.success())
}

/// The binary of `examples/middleware`: `mik` with one more middleware.
pub fn mik_with_maintenance() -> &'static Path {
    static MIK: LazyLock<PathBuf> = LazyLock::new(|| {
        let name = "mik-with-maintenance";
        up_to_date(
            &["--package", "mik-maintenance", "--example", name],
            &format!("examples/{name}"),
            |_| true,
        )
    });
    &MIK
}

/// What cargo makes of `package`, at this path of what it built.
fn up_to_date(package: &[&str], path: &str, is_fit: impl Fn(&Path) -> bool) -> PathBuf {
    let path = built().join(path).with_extension(env::consts::EXE_EXTENSION);
    if is_stale(&path) || !is_fit(&path) {
        build(package);
    }
    assert!(path.is_file(), "cargo build {} made no {}", package.join(" "), path.display());
    path
}

/// Builds something of this workspace in the profile of this test.
pub fn build(package: &[&str]) {
    let profile = built().file_name().and_then(|name| name.to_str()).unwrap_or("debug");
    let profile = if profile == "debug" { "dev" } else { profile };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .arg("build")
        .args(package)
        .args(["--profile", profile, "--target-dir"])
        .arg(built().parent().expect("a profile's folder lies in the target folder"))
        .current_dir(repository())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "cargo build {} failed", package.join(" "));
}

fn is_stale(binary: &Path) -> bool {
    let Some(built) = modified(binary) else { return true };
    let sources = ["Cargo.toml", "Cargo.lock", "core", "engines", "middleware", "cli"];
    sources.iter().any(|source| newest(&repository().join(source)).is_some_and(|time| time > built))
}

/// When the newest source below `path` was changed.
fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        // Scripts find functions that are JavaScript, compiled in.
        let ends = ["rs", "js", "ts", "toml", "lock"];
        let is_source =
            path.extension().is_some_and(|end| ends.iter().any(|source| *source == end));
        return if is_source { modified(path) } else { None };
    }
    let entries = path.read_dir().ok()?.flatten();
    entries
        .filter(|entry| entry.file_name() != "target")
        .filter_map(|entry| newest(&entry.path()))
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}
