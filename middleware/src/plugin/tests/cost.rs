//! What a plugin costs: `cargo test -p mik-middleware --profile bench plugin::tests::cost -- --ignored
//! --nocapture`.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use mik_core::Request;
use serde_json::json;

use super::{CPlugin, rust_example, rust_plugin};
use crate::Plugin;
use crate::rig::{Rig, Served, get};

const ROUNDS: usize = 21;
const REQUESTS: u32 = 20_000;

fn request() -> Request {
    let mut request = get("/run/a/");
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    request.headers_mut().insert("user-agent", "curl/8".parse().unwrap());
    request.headers_mut().insert("x-api-key", "open sesame".parse().unwrap());
    request
}

async fn round(served: &Served) -> Duration {
    let started = Instant::now();
    for _ in 0..REQUESTS {
        black_box(served.send(request()).await);
    }
    started.elapsed() / REQUESTS
}

/// The median of what a request costs more with a plugin than without, in alternating rounds.
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn of_a_request() {
    let c = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/plugin-c/powered_by.c");
    let key = json!({ "key": "open sesame" });
    let both = rust_example("plugin-rust", "plugin_rust");
    let plugins = [
        ("C, one hook: sets a header", CPlugin::new(c, &["-O2"]).load()),
        ("Rust, two hooks: nothing", Plugin::load(&rust_plugin("panics"), &json!({})).unwrap()),
        (
            "Rust, two hooks: compares a header, removes it, sets another",
            Plugin::load(&both, &key).unwrap(),
        ),
        (
            "Rust, two hooks and the end, with a state and two log lines",
            Plugin::load(&rust_plugin("trial"), &json!({})).unwrap(),
        ),
    ];
    let bare = Rig::default().says("a", "hello").build();
    for (name, plugin) in plugins {
        let with = Rig::default().with(plugin).says("a", "hello").build();
        assert_eq!(with.send(request()).await.status(), 200, "{name}");
        let mut costs = Vec::new();
        for _ in 0..ROUNDS {
            let (without, with) = (round(&bare).await, round(&with).await);
            costs.push((with.as_nanos() as i128 - without.as_nanos() as i128, without));
        }
        costs.sort_unstable();
        let (median, without) = costs[ROUNDS / 2];
        let (least, most) = (costs[0].0, costs[ROUNDS - 1].0);
        println!("{name}: {median} ns ({least} to {most}) beside {without:?} without");
    }
}
