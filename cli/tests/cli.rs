//! The binary from outside: what it prints where, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn mik(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mik"));
    command.current_dir(folder);
    for name in ["HOST", "PORT", "CONFIG", "ENGINE", "ORCHESTRATOR", "LOG", "LOG_FORMAT"] {
        command.env_remove(format!("MIK_{name}"));
    }
    // Nothing of a test stays in the cache of whoever runs it.
    command.env("XDG_CACHE_HOME", folder);
    command
}

fn call(folder: &Path, args: &[&str]) -> (Output, String, String) {
    let output = mik(folder).args(args).output().unwrap();
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    (output, out, err)
}

#[test]
fn what_is_asked_for_goes_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let (output, out, err) = call(folder.path(), &["schema"]);
    assert!(output.status.success() && err.is_empty(), "{err}");
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(schema["title"], "mik.toml");
    let (_, out, _) = call(folder.path(), &["completions", "bash"]);
    assert!(out.contains("--log-format"), "{out}");
    let (_, out, _) = call(folder.path(), &["--version"]);
    assert_eq!(out, format!("mik {}\n", env!("CARGO_PKG_VERSION")));
    let (_, out, _) = call(folder.path(), &["run", "--help"]);
    for variable in
        ["MIK_HOST", "MIK_PORT", "MIK_ENGINE", "MIK_CONFIG", "MIK_LOG_FORMAT", "MIK_LOG "]
    {
        assert!(out.contains(variable), "{variable}\n{out}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (args, part) in [
        (&["run"][..], "mik run app.wasm"),
        (&["run", "gone.wasm"], "no file or folder gone.wasm"),
        (&["run", "--port", "x"], "--port"),
        (&["run", "."], "there is no engine"),
        (&["serve"], "Usage"),
    ] {
        let mut command = mik(folder.path());
        let output = command.env("MIK_ENGINE", "none-such").args(args).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {err}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_bad_configuration_is_shown_as_a_whole_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let toml =
        "[server]\nprot = 80\nport = 0\n[engine]\nmemory = \"much\"\n[middleware.acces-log]\n";
    fs::write(folder.path().join("mik.toml"), toml).unwrap();
    let parts = [
        "mik.toml:2:1",
        "unknown key `prot` in [server]",
        "did you mean `port`?",
        "mik.toml:5:10",
        "expected a size from 64KiB to 4GiB",
        "no middleware \"acces-log\"",
    ];
    let (output, out, err) = call(folder.path(), &["run"]);
    assert_eq!((output.status.code(), &*out), (Some(1), ""));
    assert!(parts.iter().all(|part| err.contains(part)), "{err}");
    assert!(!err.contains("listening"), "{err}");
    let (output, out, err) = call(folder.path(), &["check"]);
    assert_eq!((output.status.code(), &*err), (Some(1), ""));
    assert!(parts.iter().all(|part| out.contains(part)), "{out}");
    let (output, out, _) = call(folder.path(), &["check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["problems"][0]["line"], &report["ok"]), (&2.into(), &false.into()));
    assert!(report["problems"].as_array().unwrap().len() >= 3, "{out}");
}

#[cfg(feature = "wasmtime")]
mod serving {
    //! With an engine: start, reload, stop.

    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::{Child, ChildStderr, Stdio};

    use super::*;

    struct Server {
        child: Child,
        log: BufReader<ChildStderr>,
        address: String,
    }

    impl Server {
        /// Starts it and reads the first line.
        fn start(folder: &Path) -> Self {
            let mut command = mik(folder);
            command.args(["run", "--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut log = BufReader::new(child.stderr.take().unwrap());
            let mut first = String::new();
            log.read_line(&mut first).unwrap();
            let address =
                first.strip_prefix("listening on http://").expect(&first).trim_end().to_owned();
            Self { child, log, address }
        }

        fn get(&self, path: &str) -> String {
            let mut stream = TcpStream::connect(&self.address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        }

        fn signal(&self, name: &str) {
            let pid = self.child.id().to_string();
            assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        }

        /// Reads the log up to a line that has `part`; every line of it must be JSON.
        fn wait_for(&mut self, part: &str) -> serde_json::Value {
            loop {
                let mut line = String::new();
                assert!(
                    self.log.read_line(&mut line).unwrap() > 0,
                    "the log ended before {part:?}"
                );
                let event = serde_json::from_str(&line).expect(&line);
                if line.contains(part) {
                    return event;
                }
            }
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn it_tells_its_address_reloads_and_drains() {
        let folder = tempfile::tempdir().unwrap();
        let toml = folder.path().join("mik.toml");
        fs::create_dir(folder.path().join("modules")).unwrap();
        fs::write(&toml, "").unwrap();
        let mut server = Server::start(folder.path());
        let serving = server.wait_for("\"serving\"");
        let routes = serving["routes"].as_array().unwrap();
        assert!(routes.iter().any(|route| route["route"] == "/health"), "{serving}");
        assert!(server.get("/health").starts_with("HTTP/1.1 200 "));
        let line = server.wait_for("mik::access");
        assert_eq!((&line["path"], &line["status"]), (&"/health".into(), &200.into()));

        fs::write(&toml, "[server]\nprot = 1\n").unwrap();
        server.signal("HUP");
        assert!(
            server.wait_for("unknown key")["message"].as_str().unwrap().contains("mik.toml:2:1")
        );
        assert!(server.get("/health").starts_with("HTTP/1.1 200 "));

        fs::write(&toml, "[server.limits]\ndepth = 3\n[middleware.access-log]\nenabled = false\n")
            .unwrap();
        server.signal("HUP");
        let warning = server.wait_for("only a restart");
        assert!(
            warning["message"].as_str().unwrap().ends_with(": server.limits.depth"),
            "{warning}"
        );
        server.wait_for("configuration read again");

        server.signal("TERM");
        let status = server.child.wait().unwrap();
        let mut out = String::new();
        server.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!((status.code(), &*out), (Some(0), ""));
    }
}
