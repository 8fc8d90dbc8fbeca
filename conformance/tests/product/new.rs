//! `mik new`: what it writes, what it refuses, and that what it writes builds and serves. The templates whose tool
//! chain is not Rust's are built by `conformance/templates`.

mod asked;
mod built;

use std::fs;
use std::path::Path;
use std::time::Duration;

use mik_conformance::{Cases, Finished, Outcome, Setup, eventually, guest, same};
use serde_json::{Value, json};

/// The templates, with the three commands that follow on `mik new`, and a file that only this one has.
const TEMPLATES: [(&str, [&str; 3], &str); 7] = [
    ("rust", ["cd NAME", "mik build -rc", "mik dev"], "src/bindings.rs"),
    ("rust-wasi", ["cd NAME", "mik build -r", "mik dev"], "src/main.rs"),
    ("js", ["cd NAME", "npm install", "mik dev"], "src/handler.js"),
    ("ts", ["cd NAME", "npm install", "mik dev"], "src/handler.ts"),
    (
        "python",
        [
            "cd NAME",
            "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
            "mik dev",
        ],
        "app.py",
    ),
    ("c", ["cd NAME", "mik build -rc", "mik dev"], "src/handler.c"),
    (
        "scripts",
        ["cd NAME", "mik dev", "curl http://127.0.0.1:3000/script/hello"],
        "scripts/hello.ts",
    ),
];

fn greeting() -> Value {
    json!({ "message": "Hello from mik!", "version": "0.1.0" })
}

/// That a command ended with this code and has said each of these, on either output.
fn ends(finished: &Finished, code: i32, parts: &[&str]) -> Outcome {
    let Finished { stdout, stderr, .. } = finished;
    same(&format!("the exit code of\n{stdout}{stderr}"), finished.code(), Some(code))?;
    let missing = parts.iter().find(|part| !stdout.contains(**part) && !stderr.contains(**part));
    missing.map_or(Ok(()), |part| Err(format!("nothing of {part:?} in\n{stdout}{stderr}")))
}

/// All files and folders below one, by their paths, with `/` after folders and without what git keeps.
fn tree(folder: &Path) -> Vec<String> {
    fn collect(folder: &Path, below: &str, into: &mut Vec<String>) {
        for entry in folder.read_dir().expect("a folder can be read").flatten() {
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                into.push(format!("{path}/"));
                if path != ".git" && path != ".mik" {
                    collect(&entry.path(), &format!("{path}/"), into);
                }
            } else {
                into.push(path);
            }
        }
    }
    let mut all = Vec::new();
    collect(folder, "", &mut all);
    all.sort();
    all
}

/// An empty folder to call `mik` in.
fn here() -> Setup {
    let setup = Setup::new(&[]);
    fs::remove_dir_all(setup.path().join("modules")).expect("the folder is this test's");
    fs::remove_file(setup.path().join("mik.toml")).expect("the file is this test's");
    setup
}

#[test]
fn every_template_is_written_with_its_next_three_commands() {
    let here = here();
    let mut cases = Cases::of("mik new: the templates");
    for (template, commands, own) in TEMPLATES {
        let name = format!("a-{template}");
        let made = here.run(&["new", &name, "--template", template]);
        let told = commands.map(|command| format!("  {}\n", command.replace("NAME", &name)));
        cases.note(template, {
            let parts: Vec<_> = told.iter().map(String::as_str).collect();
            ends(&made, 0, &parts)
        });
        let tree = tree(&here.path().join(&name));
        let common = ["README.md", "mik.toml", ".gitignore", ".git/", own];
        let missing: Vec<_> =
            common.iter().filter(|file| !tree.iter().any(|there| there == **file)).collect();
        cases.note(&format!("{template}: files"), same("what is missing", missing, vec![]));
        let checked = here.run(&["check", &name]);
        cases.note(&format!("{template}: check"), nothing_is_wrong(&checked));
    }
    let left: Vec<_> =
        tree(here.path()).into_iter().filter(|path| path.contains(".mik-new")).collect();
    cases.note("nothing else is left", same("what is left", left, vec![]));
    cases.finish();
}

/// That `mik check` finds nothing but that the module is not built yet.
fn nothing_is_wrong(checked: &Finished) -> Outcome {
    let told = format!("{}{}", checked.stdout, checked.stderr);
    let is_fault = |line: &str| {
        line.starts_with("error: ")
            || (line.starts_with("warning: ") && !line.contains("there are no modules"))
    };
    let faults: Vec<_> = told.lines().filter(|line| is_fault(line)).collect();
    same("what is wrong", faults, vec![])
}

#[test]
fn the_list_names_all_of_them() {
    let listed = here().run(&["new", "--list"]);
    let names = TEMPLATES.map(|(name, ..)| format!("  {name} "));
    let parts: Vec<_> = names.iter().map(String::as_str).collect();
    ends(&listed, 0, &parts).unwrap();
    assert_eq!(listed.stdout.lines().count(), TEMPLATES.len());
    let unknown = here().run(&["new", "x", "--template", "rusty"]);
    ends(&unknown, 2, &["rust-wasi", "python", "similar value"]).unwrap();
}

#[test]
fn names_that_cannot_be_are_refused_with_one_that_can() {
    let here = here();
    let mut cases = Cases::of("mik new: names");
    let long = "x".repeat(65);
    for (template, name, suggestion) in [
        ("js", "my api", "my-api"),
        ("js", "größe", "gr-e"),
        ("js", "_a", "a"),
        ("js", ".hidden", "hidden"),
        ("js", "my-api-composed", "my-api"),
        ("js", &long, "for example: x"),
        ("rust", "type", "my-type"),
        ("rust", "1st", "my-1st"),
        ("rust", "v1.2", "v1-2"),
        ("rust", "MyApi", "myapi"),
        ("rust-wasi", "wstd", "my-wstd"),
        ("rust", "", "value is required"),
        ("rust", "/", "name"),
    ] {
        let refused = here.run(&["new", name, "--template", template]);
        cases.note(&format!("{template}: {name:?}"), ends(&refused, 2, &[suggestion, "error: "]));
    }
    let unnamed = here.run(&["new", "--yes"]);
    cases.note("no name", ends(&unnamed, 2, &["mik new my-api"]));
    for name in ["type", "v1.2", "MyApi"] {
        cases.note(name, ends(&here.run(&["new", name, "-t", "scripts"]), 0, &[name]));
        let _ = fs::remove_dir_all(here.path().join(name));
    }
    cases.note("nothing is left", same("the folder", tree(here.path()), vec![]));
    cases.finish();
}

#[test]
fn what_is_there_is_never_touched() {
    let here = here().file("full/mine.txt", "mine").file("file", "mine");
    fs::create_dir(here.path().join("empty")).expect("a folder can be made");
    let before = tree(here.path());
    let mut cases = Cases::of("mik new: what is there");
    for (path, part) in [
        ("full", "not empty"),
        ("file", "no folder"),
        (".", "not empty"),
        ("file/below", "nothing was left behind"),
        ("missing/../out", "nothing was left behind"),
    ] {
        let refused = here.run(&["new", path, "--template", "js"]);
        cases.note(path, ends(&refused, 1, &[part]));
        cases.note(path, same("the folder", tree(here.path()), before.clone()));
    }
    let refused = here.run(&["new", "/proc/my-api", "--template", "js"]);
    cases.note("a folder that nobody may write", ends(&refused, 1, &["cannot write /proc/my-api"]));
    cases.note("an empty folder", {
        let made = here.run(&["new", "empty", "--template", "js"]);
        ends(&made, 0, &["cd empty"])
            .and_then(|()| same("mik.toml", here.path().join("empty/mik.toml").is_file(), true))
    });
    cases.note("twice", ends(&here.run(&["new", "empty", "--template", "js"]), 1, &["not empty"]));
    cases.note("folders between", {
        ends(&here.run(&["new", "a/b/c", "--template", "js"]), 0, &["cd a/b/c"]).and_then(|()| {
            same("its name", named(&here.path().join("a/b/c")), Some("c".to_owned()))
        })
    });
    cases.finish();
}

/// The name in the mik.toml of a project.
fn named(project: &Path) -> Option<String> {
    let config = fs::read_to_string(project.join("mik.toml")).ok()?;
    let line = config.lines().find_map(|line| line.strip_prefix("name = \""))?;
    line.strip_suffix('"').map(ToOwned::to_owned)
}

#[test]
fn a_repository_is_made_where_there_is_none() {
    let here = here();
    let mut cases = Cases::of("mik new: git");
    let has = |project: &str| here.path().join(project).join(".git").exists();
    ends(&here.run(&["new", "outer", "-t", "scripts"]), 0, &["with a git repository"]).unwrap();
    cases.note("made", same("a repository", has("outer"), true));
    ends(&here.run(&["new", "outer/inner", "-t", "scripts"]), 0, &[]).unwrap();
    cases.note("inside of one", same("a repository", has("outer/inner"), false));
    ends(&here.run(&["new", "none", "-t", "scripts", "--no-git"]), 0, &[]).unwrap();
    cases.note("--no-git", same("a repository", has("none"), false));
    let without = self::here().env("PATH", "/nowhere");
    cases.note("no git", ends(&without.run(&["new", "bare", "-t", "scripts"]), 0, &["made bare"]));
    cases.note("no git", same("a repository", without.path().join("bare/.git").exists(), false));
    cases.finish();
}

#[test]
fn scripts_serve_at_once() {
    let here = here();
    ends(&here.run(&["new", "shop", "-t", "scripts"]), 0, &[]).unwrap();
    let project = here.path().join("shop");
    let written = fs::read_to_string(project.join("mik.d.ts")).unwrap();
    let types = here.run(&["types"]).stdout;
    assert_eq!(written.trim_end(), types.trim_end(), "they are not those of this binary");
    let mik = here.args(&["./shop"]).start();
    let answer = |path: &str| mik.get(path).map(|response| (response.status(), response.json()));
    assert_eq!(answer("/script/hello").ok(), Some((200, greeting())));
    let (status, body) = answer("/script/overview").unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(
        body["error"].as_str().is_some_and(|told| told.contains("modules/orders.wasm")),
        "{body}"
    );
    // With two modules it is an overview: hello answers both.
    for name in ["orders", "users"] {
        let file = project.join("modules").join(name).with_extension("wasm");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(guest("hello"), file).unwrap();
    }
    // A call that waits for the compiler may take longer than the script allows.
    for path in ["/run/orders/", "/run/users/"] {
        assert!(eventually(Duration::from_secs(60), || {
            mik.get(path).is_ok_and(|answer| answer.status() == 200)
        }));
    }
    let found = eventually(Duration::from_secs(20), || {
        answer("/script/overview")
            .is_ok_and(|(status, body)| status == 200 && body["currency"] == "EUR")
    });
    assert!(found, "{:?}", answer("/script/overview"));
}
