//! The clock that makes running guests yield.

use std::sync::Weak;
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, EngineWeak};

use crate::reuse::IdleInstances;

/// How often instances that wait for reuse are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// Starts the ticker: a plain thread, because a guest that spins can starve a timer of the runtime. It
/// ends when the engine is dropped.
pub(crate) fn start(
    engine: &Engine,
    tick: Duration,
    idle: Weak<IdleInstances>,
) -> std::io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("mik-epoch".into()).spawn(move || run(&engine, tick, &idle))?;
    Ok(())
}

fn run(engine: &EngineWeak, tick: Duration, idle: &Weak<IdleInstances>) {
    let mut swept = Instant::now();
    loop {
        thread::sleep(tick);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            let Some(idle) = idle.upgrade() else { return };
            idle.sweep();
        }
    }
}
