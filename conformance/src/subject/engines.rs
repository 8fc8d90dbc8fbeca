//! Engines that hosts in this process share: each reserves address space for all guests that may run at once, and
//! there is not enough of it for an engine a host.

use std::sync::{Arc, Mutex, PoisonError};

use mik::{Failure, Plan};
use mik_core::{Engine, Registry};

/// The most that are kept for hosts to come.
const KEPT: usize = 2;

static ENGINES: Mutex<Vec<(String, Arc<dyn Engine>)>> = Mutex::new(Vec::new());

/// The engine of a plan; one that another host of the same subject has, where it would be the same.
pub(super) fn engine(
    subject: &str,
    plan: &Plan,
    registry: &Registry,
) -> Result<Arc<dyn Engine>, Failure> {
    let table = &plan.config.engine;
    let key = format!(
        "{subject} {} {} {:?} {:?}",
        plan.engine.value, plan.limits.in_flight, table.total_memory, table.tick
    );
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = engines.iter().position(|(other, _)| *other == key);
    let (key, engine) = match found {
        Some(at) => engines.remove(at),
        None => {
            let keep = engines.len().saturating_sub(KEPT - 1);
            engines.drain(..keep);
            (key, plan.make_engine(registry)?)
        }
    };
    engines.push((key, engine.clone()));
    Ok(engine)
}
