//! The SDK for Rust: its sources lie in this binary, and go into the projects that use them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::project::{OWN, Project, path_dependencies};

// `FILES`: each file of the SDK by its path, with its text. Made by the build script from `assets/sdk/`.
include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The crate.
const SDK: &str = "mik-sdk";

/// What its manifests say where the version of this binary belongs.
const VERSION: &str = "{{version}}";

/// What stands for the line `mod bindings;` of a handler.
const BINDINGS: &str = "\
// Written by mik where it is missing: the types that the handler and its host share.
pub use mik_sdk::bindings::*;
";

/// A file of the SDK that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {reason}", path.display())]
pub struct SupplyError {
    /// The file.
    pub path: PathBuf,
    /// What the operating system said.
    pub reason: io::Error,
}

/// Brings the SDK in a project to the version of this binary, where the project has it by path, and writes
/// the `bindings` that its code declares and does not have.
pub(super) fn supply_project(project: &Project) -> Result<(), SupplyError> {
    let manifest = &project.package().manifest;
    let dependencies = path_dependencies(manifest);
    let copy = sdk_folder(Path::new(""));
    if dependencies.iter().any(|(name, path)| name == SDK && *path == copy) {
        supply_sdk(project.folder())?;
    }
    if manifest["dependencies"].get(SDK).is_some() {
        let root = manifest["lib"]["path"].as_str().unwrap_or("src/lib.rs");
        supply_bindings(&project.folder().join(root))?;
    }
    Ok(())
}

/// Where the SDK lies in a project.
pub(crate) fn sdk_folder(project: &Path) -> PathBuf {
    project.join(OWN).join("sdk")
}

/// Writes the SDK into the folder `.mik/sdk` of a project. Files that are as they should be stay untouched, so
/// that cargo has nothing to build anew; what else lies there is taken away.
pub(crate) fn supply_sdk(project: &Path) -> Result<(), SupplyError> {
    let folder = sdk_folder(project);
    write(&project.join(OWN).join(".gitignore"), "*\n")?;
    for (path, text) in FILES {
        let is_manifest = Path::new(path).ends_with("Cargo.toml");
        let filled = is_manifest.then(|| text.replace(VERSION, env!("CARGO_PKG_VERSION")));
        write(&folder.join(path), filled.as_deref().unwrap_or(text))?;
    }
    remove_others(&folder, &folder)
}

/// Writes `bindings.rs` beside the root of a crate that declares the module and has none.
pub(crate) fn supply_bindings(root: &Path) -> Result<(), SupplyError> {
    let text = fs::read_to_string(root).unwrap_or_default();
    let declares = text.lines().any(|line| {
        let line = line.trim();
        line == "mod bindings;" || (line.starts_with("pub") && line.ends_with(" mod bindings;"))
    });
    let [file, folder] = ["bindings.rs", "bindings/mod.rs"].map(|name| root.with_file_name(name));
    if !declares || file.exists() || folder.exists() {
        return Ok(());
    }
    write(&file, BINDINGS)
}

fn write(path: &Path, text: &str) -> Result<(), SupplyError> {
    if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(path, text));
    written.map_err(|reason| SupplyError { path: path.to_owned(), reason })
}

/// Takes away what an older SDK has left.
fn remove_others(folder: &Path, sdk: &Path) -> Result<(), SupplyError> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(name) = path.strip_prefix(sdk) else { continue };
        let is_ours = FILES.iter().any(|(file, _)| Path::new(file).starts_with(name));
        let removed = match (is_ours, path.is_dir()) {
            (true, true) => {
                remove_others(&path, sdk)?;
                continue;
            }
            (true, false) => continue,
            (false, true) => fs::remove_dir_all(&path),
            (false, false) => fs::remove_file(&path),
        };
        removed.map_err(|reason| SupplyError { path, reason })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(manifest: &str, root: &str) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), root).unwrap();
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        let project = Project::find(folder.path()).unwrap();
        (folder, project)
    }

    const BY_PATH: &str =
        "[package]\nname = \"a\"\n[dependencies]\nmik-sdk = { path = \".mik/sdk\" }\n";
    const ROOT: &str = "#[allow(warnings)]\nmod bindings;\n";

    #[test]
    fn a_project_gets_the_sdk_and_its_bindings() {
        let (folder, project) = project(BY_PATH, ROOT);
        supply_project(&project).unwrap();
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
        for path in ["Cargo.toml", "macros/Cargo.toml"] {
            let manifest: toml::Table = read(&format!(".mik/sdk/{path}")).parse().unwrap();
            assert_eq!(manifest["package"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
        }
        for path in ["src/lib.rs", "macros/src/lib.rs"] {
            assert!(!read(&format!(".mik/sdk/{path}")).is_empty(), "{path}");
        }
        assert!(read("src/bindings.rs").contains("pub use mik_sdk::bindings::*;"));
        assert!(
            !FILES.iter().any(|(path, _)| path.contains("tests")),
            "tests are not needed there"
        );
    }

    #[test]
    fn what_is_right_stays_untouched_and_what_is_not_is_put_right() {
        let (folder, project) = project(BY_PATH, ROOT);
        supply_project(&project).unwrap();
        let at = |path: &str| folder.path().join(".mik/sdk").join(path);
        let modified = |path: &str| at(path).metadata().unwrap().modified().unwrap();
        let before = modified("src/lib.rs");
        fs::write(at("Cargo.toml"), "older").unwrap();
        fs::write(at("src/gone.rs"), "older").unwrap();
        fs::create_dir(at("src/none")).unwrap();
        fs::write(folder.path().join("src/bindings.rs"), "// mine").unwrap();
        supply_project(&project).unwrap();
        assert_eq!(modified("src/lib.rs"), before);
        assert!(fs::read_to_string(at("Cargo.toml")).unwrap().contains("mik-sdk"));
        assert!(!at("src/gone.rs").exists() && !at("src/none").exists());
        let own = fs::read_to_string(folder.path().join("src/bindings.rs")).unwrap();
        assert_eq!(own, "// mine");
    }

    #[test]
    fn a_project_that_asks_for_nothing_gets_nothing() {
        let published = "[package]\nname = \"a\"\n[dependencies]\nmik-sdk = \"0.1\"\n";
        let (folder, project) = project(published, "// no bindings\n");
        supply_project(&project).unwrap();
        assert!(!folder.path().join(".mik").exists());
        assert!(!folder.path().join("src/bindings.rs").exists());
        let (folder, project) = self::project("[package]\nname = \"a\"\n", ROOT);
        supply_project(&project).unwrap();
        assert!(!folder.path().join("src/bindings.rs").exists());
    }
}
