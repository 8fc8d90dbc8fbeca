//! Lists the SDK's sources below `assets/sdk/`, which `mik new` and `mik build` write into projects.
//!
//! The folders there are links to those of `sdk/`, so that the package has the files in it and the repository has
//! them once. A manifest is called `manifest.toml` there: a folder with a `Cargo.toml` is no part of a package.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let [package, out] = ["CARGO_MANIFEST_DIR", "OUT_DIR"]
        .map(|name| PathBuf::from(env::var_os(name).unwrap_or_default()));
    let mut list = String::from("/// The files of the SDK: the path of each, and its text.\n");
    list.push_str("const FILES: &[(&str, &str)] = &[\n");
    if env::var_os("CARGO_FEATURE_DEVELOP").is_some() {
        let sdk = package.join("assets/sdk");
        println!("cargo::rerun-if-changed={}", sdk.display());
        let mut files = Vec::new();
        collect(&sdk, &mut files)?;
        files.sort();
        for file in files {
            println!("cargo::rerun-if-changed={}", file.display());
            let name = file.strip_prefix(&sdk).unwrap_or(&file).display().to_string();
            let name = name.replace("manifest.toml", "Cargo.toml");
            // A string literal of Rust, by its debug form.
            let _ = writeln!(list, "    ({name:?}, include_str!({file:?})),");
        }
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
    list.push_str("];\n");
    fs::write(out.join("sdk.rs"), list)
}

/// The files that a project needs: tests are not run there.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || matches!(name, "tests" | "tests.rs") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
