//! Row 47: configuration that is wrong, at the start and at a reload; and what `mik check` shows.

use std::fs;
use std::time::Duration;

use mik_conformance::{Cases, Mik, Setup, eventually, told};
use serde_json::Value;

use crate::cli::{all, ends};

const BOUND: Duration = Duration::from_secs(20);

/// What is wrong in a `mik.toml`: the text, and what the error must say: line, key, what was expected.
const WRONG: [(&str, &str, &[&str]); 13] = [
    ("an unknown key", "[server]\nprot = 80\n", &["mik.toml:2", "prot", "port"]),
    (
        "an unknown key of limits",
        "[server.limits]\nbody_byte = \"1MiB\"\n",
        &["mik.toml:2", "body_byte", "body_bytes"],
    ),
    ("an unknown table", "\n[sever]\n", &["mik.toml:2", "sever", "server"]),
    ("a wrong type", "[server]\nport = \"eighty\"\n", &["mik.toml:2", "port"]),
    ("a number out of range", "[server]\n\nport = 65536\n", &["mik.toml:3", "port", "65535"]),
    ("a size without a unit", "[engine]\nmemory = 1000\n", &["mik.toml:2", "memory", "MiB"]),
    ("a size that is none", "[engine]\nmemory = \"lots\"\n", &["mik.toml:2", "memory", "MiB"]),
    ("a time that is none", "[engine]\ntimeout = \"30\"\n", &["mik.toml:2", "timeout", "30s"]),
    ("a limit of nothing", "[server.limits]\nin_flight = 0\n", &["mik.toml:2", "in_flight", "1"]),
    (
        "a host that is none",
        "[modules.hello]\nallowed_hosts = [\"http://x\"]\n",
        &["mik.toml:2", "http://x"],
    ),
    ("a route that is none", "[modules.hello]\nroute = \"api\"\n", &["mik.toml:2", "api"]),
    ("an unknown engine", "[engine]\nname = \"wasmtim\"\n", &["mik.toml:2", "wasmtim", "wasmtime"]),
    ("no TOML", "[server\n", &["mik.toml:1"]),
];

#[test]
fn row_47_a_bad_configuration_is_refused_with_file_and_line() {
    let mut cases = Cases::of("row 47, at the start");
    for (name, text, told) in WRONG {
        let setup = Setup::new(&["hello"]).config(text);
        cases.note(&format!("mik check: {name}"), ends(&setup.run(&["check", "."]), 1, told));
        cases.note(
            &format!("mik run: {name}"),
            ends(&setup.run(&["run", "--port", "0", "."]), 1, told),
        );
    }
    let many =
        "[server]\nprot = 80\n[engine]\nmemory = \"lots\"\ntimeout = 3\n[cache]\nentris = 1\n";
    let found = Setup::new(&["hello"]).config(many).run(&["check", "."]);
    let told = [
        "mik.toml:2",
        "mik.toml:4",
        "mik.toml:5",
        "mik.toml:7",
        "prot",
        "lots",
        "timeout",
        "entris",
    ];
    cases.note("all errors in one pass", ends(&found, 1, &told));
    cases.finish();
}

#[test]
fn row_47_a_reload_takes_what_is_good_and_refuses_what_is_bad() {
    let config = |value: &str| format!("[modules.inspect]\nenv = {{ MODE = \"{value}\" }}\n");
    let mik = Mik::run(&["hello", "inspect"], &config("old"));
    let mode = || {
        let answer = mik.get("/run/inspect/");
        answer.map(|answer| answer.json()["env"]["MODE"].as_str().unwrap_or_default().to_owned())
    };
    let file = mik.path().join("mik.toml");
    let mut cases = Cases::of("row 47, at a reload");
    mik.case(&mut cases, "a good one", || {
        fs::write(&file, config("new")).map_err(|error| error.to_string())?;
        mik.reload();
        if eventually(BOUND, || mode().is_ok_and(|mode| mode == "new")) {
            Ok(())
        } else {
            Err(format!("{:?}", mode()))
        }
    });
    for (name, text, told) in WRONG {
        mik.case(&mut cases, name, || {
            let mark = mik.log().mark();
            fs::write(&file, text).map_err(|error| error.to_string())?;
            mik.reload();
            let reported = || {
                let since = mik.log().since(mark).join("\n");
                told.iter().all(|text| since.contains(text))
            };
            if !eventually(BOUND, reported) {
                return Err(format!("{told:?} is not in the log: {:?}", mik.log().since(mark)));
            }
            if mode().as_deref() == Ok("new") { Ok(()) } else { Err(format!("now {:?}", mode())) }
        });
    }
    mik.case(&mut cases, "a good one again", || {
        fs::write(&file, config("newer")).map_err(|error| error.to_string())?;
        mik.reload();
        if eventually(BOUND, || mode().is_ok_and(|mode| mode == "newer")) {
            Ok(())
        } else {
            Err(format!("{:?}", mode()))
        }
    });
    mik.case(&mut cases, "a new route", || {
        fs::write(&file, config("newer") + "route = \"/moved\"\n")
            .map_err(|error| error.to_string())?;
        mik.reload();
        let there = || mik.get("/moved/x").is_ok_and(|answer| answer.json()["path"] == "/x");
        if eventually(BOUND, there) { Ok(()) } else { Err(told(&mik.get("/moved/x"))) }
    });
    mik.case(&mut cases, "what only a restart changes is told", || {
        let text = config("newer") + "[server.limits]\nin_flight = 7\n";
        fs::write(&file, text).map_err(|error| error.to_string())?;
        mik.reload();
        let line = mik.log().wait(BOUND, &["restart", "server.limits.in_flight"]);
        line.map(|_| ()).ok_or_else(|| format!("not told; stderr:\n{}", mik.stderr()))
    });
    mik.case(&mut cases, "no request is lost while it is read again and again", || {
        let mut raw = mik.connect();
        for round in 0..100 {
            if round % 10 == 0 {
                mik.reload();
            }
            let answer = raw.get("/run/inspect/").map_err(|stop| format!("{round}: {stop}"))?;
            if answer.status() != 200 {
                return Err(format!("{round}: {answer}"));
            }
        }
        Ok(())
    });
    mik.case(&mut cases, "a request that is under way stays", || {
        let mut raw = mik.connect();
        let _ = raw.send("POST /run/inspect/ HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\no");
        if !eventually(BOUND, || mik.in_flight().is_some_and(|calls| calls > 0)) {
            return Err("not under way".to_owned());
        }
        fs::write(&file, config("newest")).map_err(|error| error.to_string())?;
        mik.reload();
        if !eventually(BOUND, || mode().is_ok_and(|mode| mode == "newest")) {
            return Err(format!("{:?}", mode()));
        }
        let _ = raw.send("k");
        let answer = raw.response().map_err(|stop| stop.to_string())?;
        if answer.json()["env"]["MODE"] == "newer" { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.finish();
}

#[test]
fn check_shows_what_is_in_force_and_what_is_granted() {
    let config = "[server.limits]\nbody_bytes = \"3MiB\"\n\
                  [modules.upstream]\nallowed_hosts = [\"api.example.com\"]\nmemory = \"7MiB\"\n";
    let setup = Setup::new(&["hello", "upstream"]).config(config);
    let checked = setup.run(&["check", "."]);
    let mut cases = Cases::of("mik check");
    let keys = [
        "head_fields",
        "head_bytes",
        "target_bytes",
        "body_bytes",
        "head_time",
        "body_time",
        "idle_time",
        "write_time",
        "connections",
        "in_flight",
        "depth",
        "module_bytes",
        "drain",
        "memory",
        "timeout",
        "cpu",
        "silence",
        "reuse",
        "concurrency",
        "host_bytes",
        "resources",
        "fields",
        "random",
        "log",
        "entries",
        "bytes",
    ];
    for key in keys {
        cases.check(
            key,
            checked.stdout.contains(key),
            format!("not shown in:\n{}", checked.stdout),
        );
    }
    let told =
        ["3MiB", "7MiB", "128MiB", "hello", "upstream", "api.example.com", "wasi:http", "0.2"];
    cases.note("values and modules", ends(&checked, 0, &told));
    let machine: Option<Value> =
        serde_json::from_str(&setup.run(&["check", "--json", "."]).stdout).ok();
    let names = machine.as_ref().map(|report| report["modules"].to_string()).unwrap_or_default();
    cases.check(
        "--json",
        names.contains("hello") && names.contains("upstream"),
        format!("{machine:?}"),
    );
    let strange = Setup::new(&["hello"]).config("[modules.nobody]\nmemory = \"7MiB\"\n");
    let checked = strange.run(&["check", "."]);
    cases.check(
        "settings of a module that is not there",
        all(&checked).contains("nobody"),
        all(&checked),
    );
    cases.finish();
}
