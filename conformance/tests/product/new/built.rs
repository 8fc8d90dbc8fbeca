//! The two templates in Rust, built and served.

use std::process::Command;

use mik_conformance::{Mik, built, folders, toolchain};

use super::*;

/// A new project of this template beside others of this test, built in a folder that the next run finds again.
fn project(template: &str) -> Option<Setup> {
    let variables = toolchain()?;
    let target = built().join("conformance-new").join(template);
    let setup = variables.iter().fold(here(), |setup, (name, value)| setup.env(name, value));
    let setup = setup.env("CARGO_TARGET_DIR", &target.display().to_string());
    let made = setup.run(&["new", "my-api", "--template", template]);
    ends(&made, 0, &[]).expect("a new project");
    Some(setup)
}

/// Builds it without a warning, serves it, and has it greet.
fn build_and_serve(setup: Setup, flags: &str) -> Mik {
    // Dozens of crates, the first time.
    let finished = setup.run_within(Duration::from_secs(600), &["build", flags, "my-api"]);
    ends(&finished, 0, &["dist/my-api"]).expect("a component");
    let told = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!told.contains("warning"), "{told}");
    let mik = setup.args(&["./my-api"]).start();
    for path in ["/run/my-api/", "/run/my-api"] {
        let answer = mik.get(path).expect("an answer");
        assert_eq!((answer.status(), answer.json()), (200, greeting()), "{path}");
        assert_eq!(answer.field("content-type"), Some("application/json"), "{path}");
    }
    assert_eq!(mik.get("/run/my-api/else").expect("an answer").status(), 404);
    assert!(!mik.stderr().contains("warning"), "{}", mik.stderr());
    mik
}

/// What cargo says in the project, with the toolchain of this machine.
fn cargo(setup: &Setup, args: &[&str]) {
    let mut cargo = Command::new("cargo");
    cargo.args(args).current_dir(setup.path().join("my-api")).env_remove("RUSTUP_TOOLCHAIN");
    cargo.env("CARGO_TARGET_DIR", built().join("conformance-new/native"));
    let finished = cargo.envs(folders()).output().expect("cargo runs");
    let told = String::from_utf8_lossy(&finished.stderr).into_owned();
    assert!(finished.status.success() && !told.contains("warning"), "cargo {args:?}: {told}");
}

#[test]
fn rust_builds_serves_and_passes_its_tests() {
    let Some(setup) = project("rust") else { return };
    cargo(&setup, &["fmt", "--check"]);
    cargo(&setup, &["test", "--offline"]);
    cargo(&setup, &["clippy", "--offline", "--all-targets", "--", "-D", "warnings"]);
    let mik = build_and_serve(setup, "-rc");
    let user = mik.get("/run/my-api/users/7").unwrap();
    assert_eq!((user.status(), user.json()), (200, json!({ "id": 7, "name": "Alice" })));
}

#[test]
fn rust_wasi_builds_and_serves() {
    let Some(setup) = project("rust-wasi") else { return };
    let fetched = Command::new("cargo")
        .args(["fetch", "--target", "wasm32-wasip2"])
        .current_dir(setup.path().join("my-api"))
        .output()
        .expect("cargo runs");
    if !fetched.status.success() {
        println!(
            "skipped: the crate wstd is not to be had: {}",
            String::from_utf8_lossy(&fetched.stderr)
        );
        return;
    }
    cargo(&setup, &["fmt", "--check"]);
    cargo(&setup, &["test"]);
    let _mik = build_and_serve(setup, "-r");
}
