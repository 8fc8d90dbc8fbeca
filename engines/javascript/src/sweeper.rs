//! Clears away the worlds that nobody has needed again.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::Vm;
use crate::run::Seat;
use crate::script::Loaded;
use crate::threads::logging_as_here;

/// How often worlds that wait are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// The scripts of an orchestrator, and the thread that looks after the worlds that they keep. It is none of the threads
/// that scripts run on: to clear many heaps takes a while.
pub(crate) struct Sweeper<V: Vm> {
    scripts: Arc<Scripts<V>>,
    thread: OnceLock<()>,
}

type Scripts<V> = Mutex<Vec<Weak<Loaded<V>>>>;

impl<V: Vm> Default for Sweeper<V> {
    fn default() -> Self {
        Self { scripts: Arc::default(), thread: OnceLock::new() }
    }
}

impl<V: Vm> Sweeper<V> {
    /// From now on this script's worlds wait for no longer than they may, and a second.
    pub(crate) fn watch(&self, script: &Arc<Loaded<V>>) {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(script));
        self.thread.get_or_init(|| {
            let scripts = Arc::downgrade(&self.scripts);
            let thread = thread::Builder::new().name("mik-script-sweep".into());
            if let Err(error) = thread.spawn(logging_as_here(move || run(&scripts))) {
                tracing::error!("nobody clears away the worlds of scripts: {error}");
            }
        });
    }
}

/// Sweeps until the orchestrator is gone.
fn run<V: Vm>(scripts: &Weak<Scripts<V>>) {
    loop {
        thread::sleep(SWEEP);
        let Some(scripts) = scripts.upgrade() else { return };
        for script in loaded(&scripts) {
            V::Seat::sweep(&script.kept, script.limits.reuse_idle);
        }
    }
}

/// The scripts that are still loaded.
fn loaded<V: Vm>(scripts: &Scripts<V>) -> Vec<Arc<Loaded<V>>> {
    let mut scripts = scripts.lock().unwrap_or_else(PoisonError::into_inner);
    scripts.retain(|script| script.strong_count() > 0);
    scripts.iter().filter_map(Weak::upgrade).collect()
}
