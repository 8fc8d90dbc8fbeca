//! What a plugin costs: `cargo test -p mik-middleware --profile bench plugin::tests::cost -- --ignored
//! --nocapture`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use mik_core::{BoxFuture, Call, CallError, Middleware, Next, Request, Response, Rings};
use serde_json::json;

use super::{CPlugin, rust_example, rust_plugin};
use crate::Plugin;
use crate::rig::{Rig, Served, get};

const ROUNDS: usize = 41;
const REQUESTS: u64 = 5_000;

/// What any middleware costs.
struct Idle;

impl Middleware for Idle {
    fn name(&self) -> &str {
        "idle"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        next.run(request, call)
    }
}

fn request() -> Request {
    let mut request = get("/run/a/");
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    request.headers_mut().insert("user-agent", "curl/8".parse().unwrap());
    request.headers_mut().insert("x-api-key", "open sesame".parse().unwrap());
    request
}

/// Nanoseconds of processor time that a request takes.
async fn round(served: &Served) -> u64 {
    let started = processor_time();
    for _ in 0..REQUESTS {
        black_box(served.send(request()).await);
    }
    (processor_time() - started) / REQUESTS
}

/// What this thread has had of the processor, in nanoseconds.
fn processor_time() -> u64 {
    std::thread::yield_now();
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    times.split(' ').next().unwrap().parse().unwrap()
}

/// What a request costs more with a plugin than without, in alternating rounds: medians, and least values.
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn of_a_request() {
    let c = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/plugin-c/powered_by.c");
    let key = json!({ "key": "open sesame" });
    let both = rust_example("plugin-rust", "plugin_rust");
    let idle: Arc<dyn Middleware> = Arc::new(Idle);
    let plugin = |path: &Path, config| -> Arc<dyn Middleware> {
        Arc::new(Plugin::load(path, config).unwrap())
    };
    let plugins = [
        ("a middleware that does nothing", idle),
        ("C, one hook: sets a header", plugin(&CPlugin::new(c, &["-O2"]).path, &key)),
        ("Rust, two hooks: nothing", plugin(&rust_plugin("panics"), &json!({}))),
        ("Rust, two hooks: compares a header, removes it, sets another", plugin(&both, &key)),
        ("Rust, a state, the end, two log lines", plugin(&rust_plugin("trial"), &json!({}))),
    ];
    let bare = Rig::default().says("a", "hello").build();
    for (name, plugin) in plugins {
        let with = Rig::default().says("a", "hello");
        let with = with.build_with(|builder| builder.shared_middleware(plugin));
        assert_eq!(with.send(request()).await.status(), 200, "{name}");
        let (mut without, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            without.push(round(&bare).await);
            costs.push(round(&with).await);
        }
        without.sort_unstable();
        costs.sort_unstable();
        let at = |index: usize| costs[index].cast_signed() - without[index].cast_signed();
        let (least, median) = (at(0), at(ROUNDS / 2));
        println!("{name}: {median} ns, at least {least}, beside {} without", without[ROUNDS / 2]);
    }
}
