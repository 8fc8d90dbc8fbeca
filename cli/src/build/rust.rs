//! Rust: cargo builds a component for the target `wasm32-wasip2`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::process::Runner;
use super::system::{System, Wanted};
use super::tools::{MissingTool, find};
use super::{Artifact, BuildError, Options};
use crate::project::Project;

/// What a component is compiled for.
const TARGET: &str = "wasm32-wasip2";

/// What is missing to build this project.
pub(super) fn missing(project: &Project) -> Vec<MissingTool> {
    if find("cargo").is_none() {
        let how = System::here().command(Wanted::Rustup);
        return vec![MissingTool::new("cargo is missing, which builds Rust", how)];
    }
    if has_target(project.folder()) {
        return Vec::new();
    }
    let how = match find("rustup") {
        Some(_) => format!("rustup target add {TARGET}"),
        None => System::here().command(Wanted::Rustup),
    };
    vec![MissingTool::new(format!("the Rust toolchain has no target {TARGET}"), how)]
}

/// Whether the toolchain that cargo takes in `folder` has the standard library of the target.
fn has_target(folder: &Path) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let asked = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let Ok(asked) = asked else { return false };
    let library = String::from_utf8_lossy(&asked.stdout);
    let files = fs::read_dir(library.trim_end()).into_iter().flatten().flatten();
    let mut names = files.map(|file| file.file_name());
    names.any(|name| name.as_encoded_bytes().starts_with(b"libstd-"))
}

pub(super) fn build(
    project: &Project,
    options: Options,
    runner: &mut Runner<'_>,
) -> Result<Artifact, BuildError> {
    let mut command = Command::new("cargo");
    command.args(["build", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    if options.release {
        command.arg("--release");
    }
    let manifest = project.folder().join("Cargo.toml");
    // A workspace without a package of its own builds its members.
    let is_package = project.package().manifest["package"].is_object();
    let manifest = manifest.canonicalize().ok().filter(|_| is_package);
    let mut made = Vec::new();
    let mut take = |line: &str| {
        let Ok(message @ Value::Object(_)) = serde_json::from_str(line) else { return false };
        made.extend(Made::read(&message, manifest.as_deref()));
        true
    };
    runner.run_with(command, Some(&mut take))?;
    only(made)
}

/// A component, or a program, that cargo has made.
#[derive(Debug)]
struct Made {
    package: PathBuf,
    wasm: PathBuf,
    version: Option<String>,
    is_library: bool,
}

impl Made {
    /// What a message of cargo tells of, where that is a component of the package with this manifest.
    fn read(message: &Value, manifest: Option<&Path>) -> Option<Self> {
        if message["reason"] != "compiler-artifact" {
            return None;
        }
        let package = PathBuf::from(message["manifest_path"].as_str()?);
        if manifest.is_some_and(|manifest| manifest != package) {
            return None;
        }
        let mut files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        let wasm = PathBuf::from(files.find(|file| file.ends_with(".wasm"))?);
        let mut kinds = message["target"]["crate_types"].as_array()?.iter();
        let id = message["package_id"].as_str().unwrap_or_default();
        let version = id.rsplit(['#', '@', ' ']).next();
        let is_version = |text: &&str| text.starts_with(|first: char| first.is_ascii_digit());
        Some(Self {
            package,
            wasm,
            version: version.filter(is_version).map(ToOwned::to_owned),
            is_library: kinds.any(|kind| kind == "cdylib"),
        })
    }
}

/// The one component among what cargo has made: a library, or where there is none a program, which may export
/// a handler as well.
fn only(made: Vec<Made>) -> Result<Artifact, BuildError> {
    let (libraries, programs): (Vec<_>, Vec<_>) =
        made.into_iter().partition(|made| made.is_library);
    let mut made = if libraries.is_empty() { programs } else { libraries };
    let none = |reason: String| Err(BuildError::NoComponent { reason });
    let Some(last) = made.pop() else {
        return none(
            "cargo has built no component: add\n\n    [lib]\n    crate-type = [\"cdylib\"]\n\nto Cargo.toml"
                .to_owned(),
        );
    };
    if made.is_empty() {
        return Ok(Artifact { path: last.wasm, version: last.version });
    }
    made.push(last);
    if made.iter().all(|other| other.package == made[0].package) {
        let names: Vec<_> =
            made.iter().filter_map(|made| made.wasm.file_stem()?.to_str()).collect();
        let names = names.join(", ");
        return none(format!(
            "cargo has built several components of one package, {names}: leave one"
        ));
    }
    let folders = made.iter().filter_map(|made| made.package.parent());
    let mut commands: Vec<_> =
        folders.map(|folder| format!("  mik build {}", folder.display())).collect();
    commands.sort();
    none(format!("cargo has built several components: name one\n{}", commands.join("\n")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(package: &str, kind: &str, file: &str) -> Value {
        json!({
            "reason": "compiler-artifact", "package_id": format!("path+file:///w/{package}#0.3.1"),
            "manifest_path": format!("/w/{package}/Cargo.toml"),
            "target": { "crate_types": [kind] }, "filenames": [format!("/t/{file}")],
        })
    }

    #[test]
    fn the_component_is_that_of_the_package() {
        let own = Path::new("/w/app/Cargo.toml");
        let messages = [
            json!({ "reason": "build-script-executed" }),
            message("dependency", "cdylib", "dependency.wasm"),
            message("app", "rlib", "libapp.rlib"),
            message("app", "cdylib", "app.wasm"),
            message("app", "bin", "tool.wasm"),
        ];
        let made = messages.iter().filter_map(|message| Made::read(message, Some(own))).collect();
        let artifact = only(made).unwrap();
        assert_eq!(artifact.path, Path::new("/t/app.wasm"));
        assert_eq!(artifact.version.as_deref(), Some("0.3.1"));
    }

    #[test]
    fn a_program_may_be_a_handler() {
        let made = Made::read(&message("app", "bin", "app.wasm"), None).into_iter().collect();
        assert_eq!(only(made).unwrap().path, Path::new("/t/app.wasm"));
    }

    #[test]
    fn the_version_is_told_in_each_form_of_a_package_id() {
        for (id, version) in [
            ("path+file:///w/app#0.3.1", Some("0.3.1")),
            ("path+file:///w/folder#app@1.0.0-rc.1", Some("1.0.0-rc.1")),
            ("app 0.2.0 (path+file:///w/app)", None),
        ] {
            let mut message = message("app", "cdylib", "app.wasm");
            message["package_id"] = id.into();
            assert_eq!(Made::read(&message, None).unwrap().version.as_deref(), version, "{id}");
        }
    }

    #[test]
    fn no_component_or_several_say_what_to_do() {
        let refused = |messages: &[Value]| {
            let made = messages.iter().filter_map(|message| Made::read(message, None)).collect();
            only(made).err().unwrap().to_string()
        };
        assert!(refused(&[]).contains("crate-type = [\"cdylib\"]"));
        let programs = [message("app", "bin", "app.wasm"), message("app", "bin", "tool.wasm")];
        assert!(refused(&programs).contains("app, tool"));
        let several =
            refused(&[message("b", "cdylib", "b.wasm"), message("a", "cdylib", "a.wasm")]);
        assert!(several.ends_with("  mik build /w/a\n  mik build /w/b"), "{several}");
    }
}
