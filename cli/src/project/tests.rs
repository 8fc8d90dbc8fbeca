//! Folders of every kind, and what is said of those that are no project.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::with_prefix("shop").unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn found(files: &[(&str, &str)]) -> (TempDir, Project) {
    let folder = folder(files);
    let project = Project::find(folder.path()).unwrap();
    (folder, project)
}

fn refused(files: &[(&str, &str)]) -> String {
    Project::find(folder(files).path()).unwrap_err().to_string()
}

const CARGO: (&str, &str) = ("Cargo.toml", "[package]\nname = \"cart\"\nversion = \"0.2.0\"\n");
const NPM: (&str, &str) =
    ("package.json", r#"{ "name": "@acme/cart", "scripts": { "build": "x" } }"#);
const NAMED: (&str, &str) = ("mik.toml", "[project]\nname = \"shop\"\n");

#[test]
fn its_files_tell_the_kind() {
    for (files, kind, name) in [
        (&[CARGO][..], Kind::Rust, Some("cart")),
        (&[CARGO, NPM, NAMED], Kind::Rust, Some("shop")),
        (&[NPM, ("app.py", "")], Kind::Node, Some("cart")),
        (
            &[("app.py", ""), ("pyproject.toml", "[project]\nname = \"py\"\n")],
            Kind::Python,
            Some("py"),
        ),
        (&[("src/app.py", ""), NAMED], Kind::Python, Some("shop")),
        (&[("src/a.c", ""), NAMED], Kind::C, Some("shop")),
        (&[("a.c", "")], Kind::C, None),
        (&[("scripts/a.js", ""), NAMED], Kind::Scripts, Some("shop")),
        (&[("scripts/a.js", ""), ("package.json", "{}")], Kind::Scripts, None),
        (
            &[("x.zig", ""), CARGO, ("mik.toml", "[build]\ncommand = \"zig build\"\n")],
            Kind::Custom,
            Some("cart"),
        ),
    ] {
        let (folder, project) = found(files);
        assert_eq!(project.kind(), kind, "{files:?}");
        let usual = folder.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(project.name().as_str(), name.unwrap_or(usual), "{files:?}");
    }
}

#[test]
fn a_manifest_stands_for_its_folder() {
    let (folder, _) = found(&[CARGO, NAMED]);
    for manifest in ["Cargo.toml", "mik.toml"] {
        let project = Project::find(&folder.path().join(manifest)).unwrap();
        assert_eq!(project.folder(), folder.path());
    }
    assert_eq!(Project::find(folder.path()).unwrap().package().version.as_deref(), Some("0.2.0"));
}

#[test]
fn what_is_no_project_says_what_one_is() {
    let nothing = refused(&[("README.md", "")]);
    for part in ["nothing to build", "Cargo.toml", "[build] command", "mik new"] {
        assert!(nothing.contains(part), "{part}\n{nothing}");
    }
    let below = refused(&[("cart/Cargo.toml", "")]);
    assert!(below.contains("below it, `mik build ") && below.contains("/cart`"), "{below}");
    let bare = refused(&[NAMED]);
    assert!(bare.contains("has no [build] command"), "{bare}");
    let (folder, _) = found(&[CARGO, ("src/lib.rs", "")]);
    let above = Project::find(&folder.path().join("src")).unwrap_err().to_string();
    assert!(above.contains("above it, `mik build /"), "{above}");
    for missing in ["gone", "src/lib.rs"] {
        let error = Project::find(&folder.path().join(missing)).unwrap_err();
        assert!(matches!(error, ProjectError::Missing { .. }), "{error}");
    }
}

#[test]
fn names_manifests_and_tables_must_be_right() {
    let name = refused(&[CARGO, ("mik.toml", "[project]\nname = \"my shop\"\n")]);
    assert!(name.contains("my shop") && name.contains("under [project] of"), "{name}");
    let manifest = refused(&[("Cargo.toml", "[package")]);
    assert!(manifest.contains("Cargo.toml: "), "{manifest}");
    let key = refused(&[CARGO, ("mik.toml", "[build]\ncomand = \"x\"\n")]);
    assert!(key.contains("did you mean `command`?"), "{key}");
    let empty = refused(&[("mik.toml", "[build]\ncommand = \" \"\n")]);
    assert!(empty.contains("the command is empty") && empty.contains("mik.toml:2"), "{empty}");
    // What others read is none of its business.
    found(&[CARGO, ("mik.toml", "[middleware.own]\nx = 1\n[modules.a.own]\nx = 1\n")]);
}

#[test]
fn modules_are_where_they_are_served_from() {
    let modules = |files: &[(&str, &str)]| {
        let (folder, project) = found(files);
        let modules = project.modules()?;
        Some(modules.strip_prefix(folder.path()).unwrap().display().to_string())
    };
    assert_eq!(modules(&[CARGO]), None);
    assert_eq!(modules(&[CARGO, ("modules/a.wasm", "")]).as_deref(), Some("modules"));
    assert_eq!(modules(&[CARGO, NAMED]).as_deref(), Some("modules"));
    let config = ("mik.toml", "[server]\nmodules = \"served\"\n");
    assert_eq!(modules(&[CARGO, config]).as_deref(), Some("served"));
    let one = ("mik.toml", "[server]\nmodules = \"dist/app.wasm\"\n");
    assert_eq!(modules(&[CARGO, one]), None);
}

fn sources(project: &Project, folder: &Path) -> Vec<String> {
    let relative = |path: PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
    project.sources().into_iter().map(relative).collect()
}

#[test]
fn sources_are_all_but_what_is_built_served_or_read_by_people() {
    let (folder, project) = found(&[
        CARGO,
        NAMED,
        ("src/lib.rs", ""),
        ("wit/a.wit", ""),
        ("build.rs", ""),
        (".cargo/config.toml", ""),
        (".git/HEAD", ""),
        ("Cargo.lock", ""),
        ("README.md", ""),
        ("log", "what a terminal was redirected to"),
        ("target/x", ""),
        ("dist/x", ""),
        ("modules/x", ""),
        ("scripts/x.js", ""),
    ]);
    let expected = [".cargo/config.toml", "Cargo.toml", "build.rs", "src", "wit"];
    assert_eq!(sources(&project, folder.path()), expected);
}

#[test]
fn what_a_command_leaves_is_no_source() {
    let config =
        "[build]\ncommand = \"x\"\noutput = \"./out/a.wasm\"\n[server]\nstatic = \"public\"\n";
    let files = [("mik.toml", config), ("out/a.wasm", ""), ("src/a.zig", ""), ("public/x", "")];
    let (folder, project) = found(&files);
    assert_eq!(sources(&project, folder.path()), ["src"]);
    assert_eq!(project.output(), folder.path().join("./out/a.wasm"));
    let (folder, project) = found(&[NPM, NAMED, ("build/x", ""), ("src/a.js", "")]);
    assert_eq!(sources(&project, folder.path()), ["package.json", "src"]);
    assert_eq!(project.output(), folder.path().join("build/shop.wasm"));
}

#[test]
fn neighbours_that_cargo_builds_are_sources() {
    let depends = "[package]\nname = \"a\"\n[dependencies]\nb = { path = \"../b\" }\n";
    let back = "[package]\nname = \"b\"\n[dependencies]\na = { path = \"../a\" }\n";
    let folder = folder(&[
        ("a/Cargo.toml", depends),
        ("a/src/lib.rs", ""),
        ("b/Cargo.toml", back),
        ("b/src/lib.rs", ""),
    ]);
    let root = folder.path().canonicalize().unwrap();
    let project = Project::find(&root.join("a")).unwrap();
    let expected = ["a/Cargo.toml", "a/src", "b/Cargo.toml", "b/src"];
    assert_eq!(sources(&project, &root), expected);
}

#[test]
fn paths_are_shown_without_the_dot_of_the_current_folder() {
    assert_eq!(show(Path::new("./dist/a.wasm")).to_string(), "dist/a.wasm");
    assert_eq!(show(Path::new(".")).to_string(), ".");
    assert_eq!(show(Path::new("/a/b")).to_string(), "/a/b");
}
