//! The same component on a host that is not ours.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use mik_conformance::Raw;

use super::*;

/// `wasmtime serve` with this component.
struct Serve {
    child: Child,
    address: SocketAddr,
}

impl Serve {
    /// `None`, and a line on standard error, where there is no wasmtime.
    fn start(component: &std::path::Path) -> Option<Self> {
        let mut command = Command::new("wasmtime");
        // What the standard library of Rust imports.
        command.args(["serve", "-Scli", "--addr", "127.0.0.1:0"]).arg(component);
        let Ok(mut child) = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn() else {
            // Past what gathers the output of tests: it is to be seen when they pass.
            let _ = writeln!(
                io::stderr(),
                "skipped: no wasmtime here, which a component of the SDK is tried on: \
                 cargo install wasmtime-cli --version 48.0.8 --locked"
            );
            return None;
        };
        let told = BufReader::new(child.stderr.take().expect("its stderr is a pipe"));
        let mut lines = told.lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, address) = line.split_once("http://")?;
            address.trim_end_matches('/').parse().ok()
        });
        let address = address.expect("it says where it serves");
        // What it says later must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, address })
    }

    fn ask(&self, method: &str, target: &str, body: &[u8]) -> Response {
        let fields = [("content-type", "application/json")];
        let answer = Raw::connect(self.address).request(method, target, &fields, body);
        answer.unwrap_or_else(|stop| panic!("{method} {target}: {stop}"))
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_runs_unchanged_under_wasmtime_serve() {
    let setup = Setup::new(&[]).composed("quickstart", "app");
    let Some(serve) = Serve::start(&setup.path().join("dist/app-composed.wasm")) else { return };
    let home = serve.ask("GET", "/", b"");
    says(&home, 200, &[r#"{"message":"Hello from mik!","version":"0.1.0"}"#]).unwrap();
    says(&serve.ask("GET", "/users/7", b""), 200, &[r#"{"id":7,"name":"Alice"}"#]).unwrap();
    says(&serve.ask("GET", "/users/x", b""), 400, &["not valid", "id"]).unwrap();
    says(&serve.ask("GET", "/nothing", b""), 404, &["Not Found"]).unwrap();
    let refused = serve.ask("POST", "/", b"{}");
    assert_eq!((refused.status(), refused.field("allow")), (405, Some("GET, HEAD, OPTIONS")));
}
