//! What `mik run` writes where, line by line, and what other tests of commands share. The rest of the command line is
//! told by the cases.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use mik_conformance::{Cases, Finished, Mik, Outcome, SECRET, Setup};
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(20);

/// All that a command has written.
pub(crate) fn all(finished: &Finished) -> String {
    format!("{}{}", finished.stdout, finished.stderr)
}

/// The command has ended with this code and has said all of this.
pub(crate) fn ends(finished: &Finished, code: i32, told: &[&str]) -> Outcome {
    if finished.code() != Some(code) {
        return Err(format!(
            "expected the exit code {code}, got {}:\n{}",
            finished.status,
            all(finished)
        ));
    }
    let missing: Vec<_> = told.iter().filter(|text| !all(finished).contains(**text)).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("nothing of {missing:?} in:\n{}", all(finished)))
    }
}

/// `mik NAME` is the program `mik-NAME` where mik has no such command.
#[test]
fn a_program_on_the_path_is_a_command() {
    let setup = Setup::new(&[]);
    let setup = setup
        .file("bin/mik-greet", "#!/bin/sh\necho \"$@\" by ${MIK##*/}\nexit 7\n")
        .file("bin/mik-broken", "no program\n");
    let program = setup.path().join("bin/mik-greet");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let folders = format!("{}:/usr/bin:/bin", setup.path().join("bin").display());
    let setup = setup.env("PATH", &folders);
    let mut cases = Cases::of("commands that are programs");
    let greeted = setup.run(&["greet", "--all", "of you"]);
    cases.note("greet", ends(&greeted, 7, &["--all of you by mik\n"]));
    // A file that may not be run is no program.
    for name in ["broken", "../bin/mik-greet", "grete"] {
        let told = ["unrecognized subcommand", name];
        cases.note(name, ends(&setup.run(&[name]), 2, &told));
    }
    cases.finish();
}

#[test]
fn run_says_where_and_what_and_logs_json_when_piped() {
    let config = "[modules.hello]\nallowed_hosts = [\"api.example.com\"]\nenv = { PUBLIC = \"secret-value\" }\n";
    let mik = Mik::run(&["hello", "trap"], config);
    let mut cases = Cases::of("what run writes");
    mik.text("/run/hello/a?token=secret");
    let _ = mik.get("/run/trap/");
    let _ = mik.get("/nothing");
    let access = |path: &str| {
        let line = mik.log().wait(BOUND, &["mik::access", path])?;
        serde_json::from_str::<Value>(&line).ok()
    };
    for (path, status, module, error) in [
        ("/run/hello/a", 200, Some("hello"), None),
        ("/run/trap/", 500, Some("trap"), Some("trap")),
        ("/nothing", 404, None, Some("not-found")),
    ] {
        let Some(line) = access(path) else {
            cases.check(path, false, format!("no access line in JSON; stderr:\n{}", mik.stderr()));
            continue;
        };
        // Fields may stand at the top or below `fields`.
        let field = |name: &str| match &line["fields"][name] {
            Value::Null => line[name].clone(),
            value => value.clone(),
        };
        let right = field("status") == status
            && field("method") == "GET"
            && field("module").as_str() == module
            && field("error").as_str() == error
            && field("request_id").is_string()
            && !field("duration_ms").is_null();
        cases.check(path, right, &line);
    }
    let lines = mik.log().lines();
    let json =
        |line: &String| serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object());
    let first = lines.iter().position(json).unwrap_or(lines.len());
    let stray: Vec<_> = lines[first..].iter().filter(|line| !json(line)).collect();
    cases.check(
        "one JSON object a line",
        stray.is_empty() && first < lines.len(),
        format!("{stray:?}"),
    );
    let start = lines[..first].join("\n") + &lines[first..].join("\n");
    for told in ["/run/hello/*", "/run/trap/*", "/health", "api.example.com"] {
        cases.check(told, start.contains(told), format!("not told in:\n{start}"));
    }
    for secret in ["token=secret", "secret-value", SECRET.1] {
        cases.check(secret, !mik.log().has(secret), "it is in the log");
    }
    cases.check("stdout", mik.stdout().is_empty(), mik.stdout());
    cases.finish();
}
