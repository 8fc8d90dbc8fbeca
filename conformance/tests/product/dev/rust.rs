//! A real Rust project, as `mik new` writes it, where a toolchain with the target is.

use std::fs;
use std::time::Duration;

use mik_conformance::{Mik, Setup, eventually, toolchain};

use super::load::under_load;
use super::says;

/// A whole build, the first one with all dependencies.
const BUILT: Duration = Duration::from_secs(300);

fn becomes(mik: &Mik, text: &str) {
    let is_it = || mik.get("/run/app/").is_ok_and(|answer| answer.text().contains(text));
    assert!(eventually(BUILT, is_it), "no {text:?}; stderr:\n{}", mik.stderr());
}

#[test]
fn a_handler_is_edited_under_load() {
    let Some(variables) = toolchain() else { return };
    let setup =
        variables.iter().fold(Setup::new(&[]), |setup, (name, value)| setup.env(name, value));
    let made = setup.run(&["new", "app", "--template", "rust", "--yes", "--no-git"]);
    assert_eq!(made.code(), Some(0), "{}{}", made.stdout, made.stderr);
    let mik = setup.args(&["./app"]).dev();
    assert_eq!(mik.get("/health").map(|answer| answer.status()), Ok(200));
    becomes(&mik, "Hello from mik!");

    let source = mik.path().join("app/src/lib.rs");
    let first = fs::read_to_string(&source).expect("the template has a src/lib.rs");
    assert!(first.contains("Hello from mik!"), "{first}");
    let write = |text: &str| fs::write(&source, text).expect("the project's folder can be written");
    let load = under_load(&mik, "/run/app/", &["Hello from mik!", "Hello again!"], || {
        write(&first.replace("Hello from mik!", "Hello again!"));
        becomes(&mik, "Hello again!");
        write(&first.replace("fn home(", "fn fn home("));
        // What the compiler says, as it says it.
        says(&mik, &["error: expected identifier, found keyword `fn`"]);
        says(&mik, &["--> src/lib.rs:"]);
        says(&mik, &["failed app: "]);
        assert!(mik.text("/run/app/").contains("Hello again!"));
        write(&first);
        becomes(&mik, "Hello from mik!");
    });
    load.check(&mik);
}
