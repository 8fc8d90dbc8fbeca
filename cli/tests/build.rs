//! `mik build` from outside, with tools that do as they are told here: what is looked for, what is passed on, what
//! is left, and that what is left serves.

#![cfg(feature = "develop")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../src/build/toys.rs"]
#[allow(dead_code, reason = "the unit tests take the rest")]
mod toys;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A project, and the folder of the only tools that it finds.
struct Bench {
    folder: TempDir,
}

struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let bench = Self { folder: TempDir::with_prefix("mik-").unwrap() };
        fs::create_dir(bench.at("bin")).unwrap();
        files.iter().for_each(|(path, text)| bench.write(path, text));
        bench
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A tool that runs this script.
    fn tool(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        self.write(&path, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.at(&path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What runs a command.
    fn shell(&self) {
        std::os::unix::fs::symlink("/bin/sh", self.at("bin/sh")).unwrap();
    }

    /// Tools that build a Rust project by copying `made.wasm`.
    fn rust(&self) {
        self.write("lib/libstd-0.rlib", "");
        self.tool("rustc", &format!("echo {}", self.at("lib").display()));
        let manifest = self.at("Cargo.toml").canonicalize().unwrap();
        let message = serde_json::json!({
            "reason": "compiler-artifact", "manifest_path": manifest,
            "package_id": "path+file:///cart#cart@0.4.0", "target": { "crate_types": ["cdylib"] },
            "filenames": [self.at("made.wasm")],
        });
        self.tool(
            "cargo",
            &format!("echo \"$@\" >>args\necho '   Compiling cart' >&2\necho '{message}'"),
        );
    }

    fn mik(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mik"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", self.at("bin"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn call(&self, args: &[&str]) -> Told {
        let output = self.mik(args).output().unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Told { code: output.status.code(), out, err }
    }

    /// What a GET of the served project is answered with.
    fn get(&self, path: &str) -> String {
        let server = Server::start(self.mik(&["run", "--port", "0"]));
        server.get(path)
    }
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address =
            first.strip_prefix("listening on http://").unwrap_or_else(|| panic!("{first}"));
        let address = address.to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CARGO: (&str, &str) = ("Cargo.toml", "[package]\nname = \"cart\"\nversion = \"0.4.0\"\n");
const NAMED: (&str, &str) = ("mik.toml", "[project]\nname = \"cart\"\n");

/// The code of a handler that answers what a dependency says, and a text.
const ANSWERS: &str = r#"(module
    (import "wasi:http/types@0.2.12" "[resource-drop]incoming-request" (func $drop (param i32)))
    (import "local:store/counter@1.0.0" "next" (func $next (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "from a dependency")
    (@custom "mik:openapi" "{\"path\":\"/\",\"method\":\"get\",\"responses\":{}}\n")
    (func (export "mik:core/handler@0.1.0#handle") (param $request i32) (result i32)
        (call $drop (local.get $request))
        (i32.store16 (i32.const 8) (call $next))
        (i32.store (i32.const 24) (i32.const 64))
        (i32.store (i32.const 28) (i32.const 17))
        (i32.const 8))
    (func (export "mik:core/handler@0.1.0#[method]body-source.next") (param i32) (result i32)
        unreachable)
    (func (export "mik:core/handler@0.1.0#[dtor]body-source") (param i32))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable))"#;

/// The code of the dependency.
const COUNTER: &str = r#"(module
    (func (export "local:store/counter@1.0.0#next") (result i32) (i32.const 203)))"#;

fn answers() -> Vec<u8> {
    toys::coded(&format!("{} import local:store/counter@1.0.0;", toys::SERVICE), ANSWERS)
}

fn counter() -> Vec<u8> {
    toys::coded("export local:store/counter@1.0.0;", COUNTER)
}

/// A guest of the conformance suite, on plain `wasi:http`.
fn hello() -> Vec<u8> {
    let path = "../conformance/guests/prebuilt/hello.wasm";
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn missing_tools_are_named_with_the_command_that_gets_them() {
    let node = r#"{ "scripts": { "build": "x" }, "devDependencies": { "jco": "1" } }"#;
    for (files, tools, told) in [
        (&[CARGO][..], &[][..], "cargo is missing"),
        (&[CARGO], &["cargo", "rustc", "rustup"], "\n    rustup target add wasm32-wasip2"),
        (&[("package.json", node), NAMED], &[], "npm is missing"),
        (&[("package.json", node), NAMED], &["npm", "node"], "\n    npm install"),
        (
            &[("app.py", "")],
            &["python3"],
            "\n    python3 -m venv .venv && .venv/bin/pip install componentize-py",
        ),
        (
            &[("app.py", ""), ("requirements.txt", "componentize-py==0.1\n")],
            &["python3"],
            ".venv/bin/pip install -r requirements.txt",
        ),
        (&[("app.py", "")], &[], "python3 is missing"),
        (&[("a.c", "")], &[], "clang is missing"),
        (&[("a.c", "")], &["clang"], "wasm-ld is missing"),
        (&[("a.c", "")], &["clang", "wasm-ld"], "clang has no C library of WASI"),
        (&[("package.json", "{}")], &[], "package.json has no script `build`"),
    ] {
        let bench = Bench::new(files);
        // Whatever they are asked, they know nothing.
        tools.iter().for_each(|tool| bench.tool(tool, "echo \"$@\" >>ran; echo nowhere"));
        let result = bench.call(&["build"]);
        assert!(result.err.contains(told), "{files:?}: {}", result.err);
        assert_eq!((result.code, &*result.out), (Some(1), ""), "{files:?}");
        let ran = fs::read_to_string(bench.at("ran")).unwrap_or_default();
        assert!(
            ran.lines().all(|args| args.contains("--print-") || args.contains("--print ")),
            "{ran}"
        );
        assert!(!bench.at("dist").exists() && !bench.at("modules").exists());
    }
}

#[test]
fn what_cargo_says_is_passed_on_and_what_it_makes_is_taken() {
    let bench = Bench::new(&[CARGO, NAMED]);
    bench.rust();
    bench.write("made.wasm", hello());
    let told = bench.call(&["build", "--release"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(told.err.contains("   Compiling cart\n"), "{}", told.err);
    for part in ["dist/cart.wasm", "modules/cart.wasm", "served at /run/cart/", "built cart in "] {
        assert!(told.out.contains(part), "{part}\n{}", told.out);
    }
    let args = fs::read_to_string(bench.at("args")).unwrap();
    assert!(
        args.starts_with("build --target wasm32-wasip2 ") && args.contains("--release"),
        "{args}"
    );
    let size = bench.at("dist/cart.wasm").metadata().unwrap().len();
    assert!(size < hello().len() as u64, "nothing was stripped");
    assert!(bench.get("/run/cart/x").starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_compiler_s_failure_is_all_that_is_told() {
    let bench = Bench::new(&[CARGO, NAMED]);
    bench.rust();
    bench.tool("cargo", "printf 'error[E0425]: no \\033[1mx\\033[0m\\n' >&2; exit 101");
    let told = bench.call(&["build"]);
    assert_eq!(told.code, Some(1));
    let lines: Vec<_> = told.err.lines().collect();
    assert_eq!(lines[1..], ["error[E0425]: no \u{1b}[1mx\u{1b}[0m"], "{}", told.err);
    assert!(told.out.is_empty() && !bench.at("dist").exists());
    let told = bench.call(&["build", "--json"]);
    let json: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&json["ok"], told.code), (&false.into(), Some(1)));
    assert!(json["error"].as_str().unwrap().contains("failed: exit status: 101"), "{json}");
}

#[test]
fn a_handler_its_dependency_and_the_bridge_serve_as_one() {
    let config = "[project]\nname = \"cart\"\n[build]\ncommand = \"test $MIK_RELEASE = 1\"\n\
                  output = \"made.wasm\"\ndependencies = [\"parts/counter.wasm\"]\n";
    let bench = Bench::new(&[("mik.toml", config)]);
    bench.write("made.wasm", answers());
    bench.write("parts/counter.wasm", counter());
    bench.shell();
    let told = bench.call(&["build", "-rc", "--json"]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    let json: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(json["component"]["path"], "dist/cart-composed.wasm");
    assert_eq!(json["component"]["world"], "wasi:http/proxy");
    assert_eq!((&json["module"], &json["operations"]), (&"modules/cart.wasm".into(), &1.into()));
    assert_eq!(json["notes"], Value::Array(Vec::new()));
    let document: Value =
        serde_json::from_slice(&fs::read(bench.at("dist/cart.openapi.json")).unwrap()).unwrap();
    assert!(document["paths"]["/"]["get"].is_object(), "{document}");
    let answer = bench.get("/run/cart/");
    assert!(
        answer.starts_with("HTTP/1.1 203 ") && answer.ends_with("from a dependency"),
        "{answer}"
    );
}

#[test]
fn what_cannot_be_served_yet_is_built_and_told() {
    let config =
        "[project]\nname = \"cart\"\n[build]\ncommand = \"true\"\noutput = \"made.wasm\"\n";
    let bench = Bench::new(&[("mik.toml", config)]);
    bench.shell();
    bench.write("made.wasm", answers());
    let told = bench.call(&["build"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(told.out.contains("compose it with -c to serve it"), "{}", told.out);
    assert!(bench.at("dist/cart.wasm").is_file() && !bench.at("modules").exists());

    let told = bench.call(&["build", "-c"]);
    assert_eq!(told.code, Some(1));
    for part in ["local:store/counter@1.0.0", "[build]\n    dependencies = ["] {
        assert!(told.err.contains(part), "{part}\n{}", told.err);
    }
    assert!(!bench.at("dist/cart-composed.wasm").exists());

    bench.write("made.wasm", counter());
    let told = bench.call(&["build", "-c"]);
    assert!(told.err.contains("it exports local:store/counter@1.0.0"), "{}", told.err);
    let gone = format!("{config}dependencies = [\"gone.wasm\"]\n");
    bench.write("mik.toml", gone);
    let told = bench.call(&["build", "-c"]);
    assert!(told.err.contains("gone.wasm: ") && told.err.contains("mik.toml:6"), "{}", told.err);
}

#[test]
fn a_module_that_is_not_ours_is_an_error() {
    let bench = Bench::new(&[CARGO, NAMED, ("modules/cart.wasm", "precious")]);
    bench.rust();
    bench.write("made.wasm", hello());
    let told = bench.call(&["build"]);
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("modules/cart.wasm is not from this project"), "{}", told.err);
    assert_eq!(fs::read_to_string(bench.at("modules/cart.wasm")).unwrap(), "precious");
}

#[test]
fn an_end_from_outside_leaves_nothing_half() {
    let config =
        "[project]\nname = \"cart\"\n[build]\ncommand = \"echo > began; exec /bin/sleep 3\"\n";
    let bench = Bench::new(&[("mik.toml", config)]);
    bench.shell();
    bench.write("dist/cart.wasm", "the last good one");
    let mut child = bench.mik(&["build"]).stderr(Stdio::null()).spawn().unwrap();
    while !bench.at("began").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(!child.wait().unwrap().success());
    assert_eq!(fs::read_to_string(bench.at("dist/cart.wasm")).unwrap(), "the last good one");
    assert_eq!(fs::read_dir(bench.at("dist")).unwrap().count(), 1);
    assert!(!bench.at("modules").exists());
}

#[test]
fn no_project_is_wrong_usage_and_scripts_need_no_build() {
    let bench = Bench::new(&[]);
    let told = bench.call(&["build"]);
    assert_eq!(told.code, Some(2));
    assert!(
        told.err.contains("nothing to build in .") && told.err.contains("mik new"),
        "{}",
        told.err
    );
    let bench = Bench::new(&[("scripts/a.js", ""), NAMED]);
    let told = bench.call(&["build"]);
    assert_eq!(told.code, Some(0));
    assert!(told.out.contains("scripts run as they are"), "{}", told.out);
}

#[test]
fn a_command_that_leaves_nothing_is_told_what_to_name() {
    let bench =
        Bench::new(&[("mik.toml", "[project]\nname = \"cart\"\n[build]\ncommand = \"true\"\n")]);
    bench.shell();
    let told = bench.call(&["build"]);
    assert_eq!(told.code, Some(1));
    assert!(
        told.err.contains("left no build/cart.wasm") && told.err.contains("output = "),
        "{}",
        told.err
    );
}
