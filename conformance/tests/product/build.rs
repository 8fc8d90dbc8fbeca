//! `mik build` with a real toolchain: the SDK without a registry, a compiler's message, workspaces.

use std::fs;
use std::path::Path;

use mik_conformance::{Cases, Finished, Outcome, Setup, built, same, toolchain};
use serde_json::Value;

use crate::cli::{all, ends};

/// A new project of the SDK in the folder `my-api`, with an empty home of cargo: nothing can come from a registry.
/// `None` where no toolchain has the target.
fn project(folder: &str) -> Option<Setup> {
    let variables = toolchain()?;
    let setup = Setup::new(&[]);
    fs::remove_file(setup.path().join("mik.toml")).expect("the file is this test's");
    let cargo_home = setup.path().join("cargo-home").display().to_string();
    let variables = variables.iter().filter(|(name, _)| *name != "CARGO_HOME");
    let setup = variables.fold(setup, |setup, (name, value)| setup.env(name, value));
    let setup = setup.env("CARGO_HOME", &cargo_home).env("CARGO_NET_OFFLINE", "true").env(
        "CARGO_TARGET_DIR",
        &built().join("conformance-build").join(folder).display().to_string(),
    );
    let made = setup.run(&["new", "my-api", "--yes", "--no-git"]);
    ends(&made, 0, &[]).expect("a new project");
    Some(setup)
}

fn json(finished: &Finished) -> Result<Value, String> {
    serde_json::from_str(&finished.stdout).map_err(|error| format!("{error}\n{}", all(finished)))
}

fn edit(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).expect("a source can be read");
    assert!(text.contains(old), "no {old:?} in {text}");
    fs::write(file, text.replace(old, new)).expect("a source can be written");
}

#[test]
fn a_project_of_the_sdk_builds_without_a_registry_and_is_small() {
    let Some(setup) = project("small") else { return };
    let mut cases = Cases::of("mik build -rc");
    let finished = setup.run(&["build", "-rc", "--json", "my-api"]);
    cases.note("ends well", ends(&finished, 0, &[]));
    cases.note("without a warning", no_warning(&finished));
    let told = json(&finished).unwrap_or_default();
    let bytes = told["component"]["bytes"].as_u64().unwrap_or(u64::MAX);
    cases.check("less than 200 KB", bytes < 200_000, format!("{bytes} bytes: {told}"));
    cases.note("its world", same("world", &told["component"]["world"], &"wasi:http/proxy".into()));
    cases.note("its name", same("name", &told["project"]["name"], &"my-api".into()));
    let described =
        fs::read(setup.path().join("my-api/dist/my-api.openapi.json")).unwrap_or_default();
    let described: Value = serde_json::from_slice(&described).unwrap_or_default();
    cases.note("the version", same("openapi", &described["openapi"], &"3.1.0".into()));
    let parameter = &described["paths"]["/users/{id}"]["get"]["parameters"][0]["name"];
    cases.note("its routes", same("parameter", parameter, &"id".into()));
    let before = inode(&setup, "modules/my-api.wasm");
    let again = setup.run(&["build", "-rc", "my-api"]);
    cases.note("again", ends(&again, 0, &["dist/my-api-composed.wasm", "served at /run/my-api/"]));
    let after = inode(&setup, "modules/my-api.wasm");
    cases.note("nothing new to load", same("inode", after, before));
    cases.finish();
}

fn no_warning(finished: &Finished) -> Outcome {
    if all(finished).contains("warning") { Err(all(finished)) } else { Ok(()) }
}

fn inode(setup: &Setup, file: &str) -> Option<u64> {
    let file = setup.path().join("my-api").join(file);
    file.metadata().ok().map(|meta| std::os::unix::fs::MetadataExt::ino(&meta))
}

#[test]
fn what_does_not_compile_is_told_by_the_compiler_and_changes_nothing() {
    let Some(setup) = project("broken") else { return };
    let mut cases = Cases::of("a handler that does not compile");
    cases.note("first", ends(&setup.run(&["build", "-c", "my-api"]), 0, &[]));
    let before = inode(&setup, "modules/my-api.wasm");
    let source = setup.path().join("my-api/src/lib.rs");
    edit(&source, "fn home(_req: &Request)", "fn home(_req: &Requests)");
    let broken = setup.run(&["build", "-c", "my-api"]);
    cases.note(
        "broken",
        ends(&broken, 1, &["error[E0", "Requests", "src/lib.rs:", "could not compile"]),
    );
    cases.check("once", !broken.stderr.contains("error: cargo build"), &broken.stderr);
    cases.note("the old one stays", same("inode", inode(&setup, "modules/my-api.wasm"), before));
    edit(&source, "Requests", "Request");
    cases.note("mended", ends(&setup.run(&["build", "-c", "my-api"]), 0, &[]));
    cases.finish();
}

#[test]
fn a_member_of_a_workspace_builds_and_the_workspace_asks_which() {
    let Some(setup) = project("workspace") else { return };
    let root = setup.path().join("all");
    let other = setup.run(&["new", "other", "--yes", "--no-git"]);
    ends(&other, 0, &[]).expect("another project");
    fs::create_dir(&root).expect("a folder can be made");
    for name in ["my-api", "other"] {
        fs::rename(setup.path().join(name), root.join(name)).expect("a folder can be moved");
        let manifest = root.join(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        let own = text.find("\n[profile").expect("a project has a profile of its own");
        fs::write(&manifest, &text[..own]).expect("a manifest can be written");
    }
    let manifest = "[workspace]\nmembers = [\"my-api\", \"other\"]\nexclude = [\"my-api/.mik\", \"other/.mik\"]\n\
                    resolver = \"2\"\n";
    fs::write(root.join("Cargo.toml"), manifest).expect("a manifest can be written");
    let mut cases = Cases::of("a workspace");
    // Each has a copy of the SDK, of which a workspace takes only one: the other's is that of the first.
    edit(&root.join("other/Cargo.toml"), ".mik/sdk", "../my-api/.mik/sdk");
    let member = setup.run(&["build", "-c", "all/my-api"]);
    cases.note("a member", ends(&member, 0, &["all/my-api/dist/my-api-composed.wasm"]));
    let whole = setup.run(&["build", "-c", "all"]);
    cases.note("all of it", ends(&whole, 1, &["several components", "mik build /", "/all/other"]));
    cases.finish();
}
