//! The arrows between the crates point one way.

use std::process::Command;

use mik_conformance::{Cases, repository};
use serde_json::Value;

/// Where a crate's folder is, and which folders it may depend on.
const ARROWS: [(&str, &[&str]); 12] = [
    ("core", &[]),
    // What the engines of JavaScript have in common.
    ("engines/javascript", &["core"]),
    ("engines/", &["core", "engines/javascript"]),
    // What a plugin's author needs stands alone.
    ("middleware/plugin", &[]),
    ("middleware", &["core", "middleware/plugin"]),
    // The contract is all that a part of one's own needs.
    ("examples/engine", &["core"]),
    ("examples/middleware", &["core"]),
    ("examples/plugin-rust", &["middleware/plugin"]),
    // What runs inside a guest knows nothing of the host.
    // Its examples and tests are written with the SDK.
    ("sdk/macros", &["sdk"]),
    ("sdk", &["sdk/macros"]),
    ("cli", &["core", "engines/", "middleware"]),
    // The suite runs what the binary is made of.
    ("conformance", &["cli", "core"]),
];

#[test]
fn arrows_point_one_way() {
    let metadata = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let root = metadata["workspace_root"].as_str().expect("a root");
    let inside = |path: &Value| {
        let path = path.as_str()?.strip_prefix(root)?.trim_start_matches('/');
        Some(path.trim_end_matches("Cargo.toml").trim_end_matches('/').to_owned())
    };

    let mut cases = Cases::of("arrows between crates");
    for package in packages {
        let folder = inside(&package["manifest_path"]).expect("a package of the workspace");
        let Some((_, allowed)) = ARROWS.iter().find(|(prefix, _)| leads(prefix, &folder)) else {
            cases.check(&folder, false, "a crate that has no place in the house: see ARROWS");
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("a list of dependencies") {
            let Some(to) = inside(&dependency["path"]) else { continue };
            let kind = dependency["kind"].as_str().unwrap_or("normal");
            // An example is shown in the binary, and proven by the suite.
            let shown = kind == "dev" && folder.starts_with("examples/");
            let fits = shown || allowed.iter().any(|prefix| leads(prefix, &to));
            cases.check(
                &format!("{folder} → {to}"),
                fits,
                format!("a {kind} dependency that points the wrong way"),
            );
        }
        let name = package["name"].as_str().unwrap_or_default();
        let short = name.strip_prefix("mik-").unwrap_or(name);
        let named = name == "mik" && folder == "cli"
            || folder.starts_with("examples/")
            || folder.rsplit('/').next() == Some(short)
            || folder.replace('/', "-") == short;
        cases.check(&folder, named, format!("the crate's name, {name}, does not say its folder"));
    }
    cases.finish();
}

/// Whether `prefix` is that folder, or ends in `/` and lies above it.
fn leads(prefix: &str, folder: &str) -> bool {
    if prefix.ends_with('/') { folder.starts_with(prefix) } else { folder == prefix }
}
