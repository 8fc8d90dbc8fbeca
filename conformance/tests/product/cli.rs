//! The command line: what is served, what is written where, and how it ends.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use mik_conformance::{Cases, Finished, Mik, Outcome, SECRET, Setup, told};
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

#[test]
fn exit_codes_and_errors_say_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = taken.local_addr().expect("a bound socket has an address").port().to_string();
    let setup = Setup::new(&["hello"]);
    let mut cases = Cases::of("exit codes");
    for (name, args, code, told) in [
        ("an unknown command", &["chek"][..], 2, &["chek", "check"][..]),
        ("an unknown flag", &["run", "--prot", "1"], 2, &["--prot", "--port"]),
        ("a port that is none", &["run", "--port", "99999", "."], 2, &["--port", "99999"]),
        (
            "an environment that is none",
            &["run", "--env", "novalue", "."],
            2,
            &["--env", "novalue"],
        ),
        ("an unknown log format", &["run", "--log-format", "xml", "."], 2, &["json", "pretty"]),
        ("a folder that is not there", &["run", "--port", "0", "nowhere"], 2, &["nowhere"]),
        ("a file that is not there", &["run", "--port", "0", "nowhere.wasm"], 2, &["nowhere.wasm"]),
        (
            "a configuration that is not there",
            &["run", "--port", "0", "--config", "no.toml"],
            1,
            &["no.toml"],
        ),
        (
            "an unknown engine",
            &["run", "--port", "0", "--engine", "v8", "."],
            2,
            &["v8", "wasmtime"],
        ),
        ("a port that is taken", &["run", "--port", &port, "."], 1, &[&port]),
        (
            "a route without a single component",
            &["run", "--port", "0", "--route", "x", "."],
            2,
            &["--route"],
        ),
    ] {
        let finished = setup.run(args);
        cases.note(name, ends(&finished, code, told));
        cases.check(
            name,
            finished.stdout.is_empty(),
            format!("an error on stdout: {}", finished.stdout),
        );
    }
    cases.note("--version", ends(&setup.run(&["--version"]), 0, &["mik"]));
    cases.note(
        "--help",
        ends(&setup.run(&["--help"]), 0, &["run", "check", "schema", "completions"]),
    );
    cases.finish();
}

#[test]
fn schema_and_completions_go_to_stdout() {
    let setup = Setup::new(&[]);
    let mut cases = Cases::of("schema and completions");
    let schema = setup.run(&["schema"]);
    let parsed: Option<Value> = serde_json::from_str(&schema.stdout).ok();
    let described = parsed.as_ref().is_some_and(|schema| {
        schema["$schema"].is_string() && schema.to_string().contains("body_bytes")
    });
    cases.check("schema", described && schema.code() == Some(0), all(&schema));
    for shell in ["bash", "zsh", "fish"] {
        let script = setup.run(&["completions", shell]);
        let right = script.code() == Some(0)
            && script.stdout.contains("mik")
            && script.stdout.contains("schema");
        cases.check(shell, right, all(&script));
    }
    cases.note("an unknown shell", ends(&setup.run(&["completions", "dos"]), 2, &["bash"]));
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

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let mut cases = Cases::of("precedence");
    // The port 1 of the file is not the one that the harness asked for.
    let mik = Setup::new(&["hello"])
        .config("[server]\nport = 1\n")
        .env("MIK_LOG_FORMAT", "pretty")
        .start();
    mik.text("/run/hello/from-the-environment");
    let line = mik.log().wait(BOUND, &["from-the-environment"]).unwrap_or_default();
    cases.check("environment", !line.is_empty() && !line.starts_with('{'), &line);
    let mik = Setup::new(&["hello"])
        .env("MIK_LOG_FORMAT", "pretty")
        .args(&["--log-format", "json"])
        .start();
    mik.text("/run/hello/from-the-flag");
    let line = mik.log().wait(BOUND, &["from-the-flag"]).unwrap_or_default();
    cases.check("flag", line.starts_with('{'), &line);
    let engine =
        Setup::new(&["hello"]).config("[engine]\nname = \"wasmtime\"\n").env("MIK_ENGINE", "v8");
    cases.note(
        "environment over file",
        ends(&engine.run(&["run", "--port", "0", "."]), 2, &["v8", "wasmtime"]),
    );
    let off = Setup::new(&["hello"]).config("[middleware.access-log]\nenabled = false\n").start();
    off.text("/run/hello/not-to-be-seen");
    cases.check("a middleware that is off", !off.log().has("not-to-be-seen"), "it logs");
    cases.finish();
}

#[test]
fn a_folder_a_project_a_file_or_nothing() {
    let mut cases = Cases::of("what to serve");
    let setup =
        Setup::new(&["hello"]).guest("inspect", "other-composed").file("elsewhere/x.txt", "");
    fs::copy(mik_conformance::guest("hello"), setup.path().join("elsewhere/there.wasm"))
        .expect("a copy");
    let mik = setup.config("[server]\nmodules = \"elsewhere\"\n").start();
    let answer = mik.get("/run/there/");
    cases.check(
        "server.modules",
        answer.as_ref().is_ok_and(|answer| answer.status() == 200),
        told(&answer),
    );
    let known = mik.health()["modules"]["known"].clone();
    cases.check("server.modules alone", known == 1, known);
    let file = Setup::new(&[])
        .guest("hello", "one-composed")
        .args(&["./modules/one-composed.wasm"])
        .start();
    let answer = file.get("/run/one/");
    cases.check(
        "a file",
        answer.as_ref().is_ok_and(|answer| answer.status() == 200),
        told(&answer),
    );
    let folder =
        Setup::new(&["hello"]).config("[server]\nport = 1\n[modules.hello]\nroute = \"/x\"\n");
    let folder = folder.args(&["./modules"]).start();
    let answer = folder.get("/run/hello/");
    cases.check(
        "a folder",
        answer.as_ref().is_ok_and(|answer| answer.status() == 200),
        told(&answer),
    );
    cases.finish();
}
