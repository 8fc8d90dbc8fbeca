//! The threads of an engine: the clock that makes running guests yield, and the one that clears away.

use std::sync::Weak;
use std::thread;
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

use crate::reuse::IdleInstances;

/// How often instances that wait for reuse are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// Starts both: plain threads, because a guest that spins can starve a timer of the runtime. They end
/// when the engine is dropped.
pub(crate) fn start(
    engine: &Engine,
    tick: Duration,
    idle: Weak<IdleInstances>,
) -> std::io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("mik-epoch".into()).spawn(move || run(&engine, tick))?;
    // Not on the same thread: to tear many instances down takes longer than a tick.
    thread::Builder::new().name("mik-sweep".into()).spawn(move || sweep(&idle))?;
    Ok(())
}

fn run(engine: &EngineWeak, tick: Duration) {
    loop {
        thread::sleep(tick);
        let Some(engine) = engine.upgrade() else { return };
        engine.increment_epoch();
    }
}

fn sweep(idle: &Weak<IdleInstances>) {
    loop {
        thread::sleep(SWEEP);
        let Some(idle) = idle.upgrade() else { return };
        idle.sweep();
    }
}
