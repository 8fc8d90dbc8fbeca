//! A server of one's own in ten lines: serves the components of a folder.
//!
//! ```sh
//! cargo run --release -p mik-wasmtime --example embed -- examples/hello/modules 127.0.0.1:3000
//! curl http://127.0.0.1:3000/run/hello/
//! ```

use mik_core::{Host, Server};
use mik_wasmtime::{EngineConfig, WasmtimeEngine};

/// What the `mik` binary uses as well: many small allocations on many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let modules = args.next().unwrap_or_else(|| "modules".into());
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:3000".into());

    let engine = WasmtimeEngine::new(&EngineConfig::default())?;
    let host = Host::builder().engine(engine).modules_dir(modules).build()?;
    let server = Server::new(host).bind(addr).await?;
    tracing::info!("listening on http://{}", server.local_addr());
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    server.serve_until(stop).await;
    Ok(())
}
