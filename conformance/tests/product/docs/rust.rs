//! The blocks of Rust of the pages on the SDKs, as one crate: a module for each.

use std::fs;
use std::process::Command;

use mik_conformance::{built, repository};

use super::markdown::{Block, Page};

/// A page, and what its blocks begin with where they do not say it themselves.
const PAGES: [(&str, &str); 2] = [("sdk", "use mik_sdk::prelude::*;\n"), ("plugins", "")];
/// What `mik build` writes for the line `mod bindings;`.
const BINDINGS: &str = "pub use mik_sdk::bindings::*;\n";

#[test]
fn every_block_of_rust_compiles_and_its_tests_pass() {
    let folder = built().join("docs");
    let source = folder.join("src");
    let _ = fs::remove_dir_all(&source);
    fs::create_dir_all(&source).expect("the folder of what is built can be written");
    let mut modules = "#![allow(dead_code, unused)]\n".to_owned();
    for (page, prelude) in PAGES {
        let page_of = Page::open(&repository().join(format!("docs/{page}.md")));
        for Block { line, text, .. } in page_of.blocks().filter(|block| block.is("rust")) {
            let module = format!("{page}_line_{line}");
            modules += &format!("mod {module};\n");
            let has_bindings = text.contains("mod bindings;");
            let text = if has_bindings { text } else { format!("{prelude}{text}") };
            write(&source.join(format!("{module}.rs")), &text);
            if has_bindings {
                fs::create_dir(source.join(&module)).expect("the folder can be made");
                write(&source.join(&module).join("bindings.rs"), BINDINGS);
            }
        }
    }
    write(&source.join("lib.rs"), &modules);
    write(&folder.join("Cargo.toml"), &manifest());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tested = Command::new(cargo)
        .args(["test", "--offline", "--quiet", "--target-dir"])
        .arg(folder.join("target"))
        .current_dir(&folder)
        .output()
        .expect("cargo runs");
    assert!(
        tested.status.success(),
        "the modules are named after the lines that open the blocks\n{}{}",
        String::from_utf8_lossy(&tested.stdout),
        String::from_utf8_lossy(&tested.stderr)
    );
}

fn manifest() -> String {
    let path = |path: &str| repository().join(path).display().to_string();
    format!(
        "[package]\nname = \"docs\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n[dependencies]\n\
         mik-sdk = {{ path = {:?} }}\nmik-plugin = {{ path = {:?} }}\n[workspace]\n",
        path("sdk"),
        path("middleware/plugin"),
    )
}

fn write(path: &std::path::Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
