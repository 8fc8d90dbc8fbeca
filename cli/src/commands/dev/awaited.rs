//! What is answered while the first build is not there yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use mik_core::{Call, CallError, Middleware, Request, Ring, Rings, Step, Target};

use crate::plan::Placed;

/// How it stands with the module that is built. All clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Awaited(Arc<AtomicU8>);

/// Nothing is waited for.
const THERE: u8 = 0;
const BUILDING: u8 = 1;
const FAILED: u8 = 2;

impl Awaited {
    /// What leads nowhere may lead to what is being built: it is answered 503, to be asked again.
    pub(super) fn middleware(&self) -> Placed {
        Placed {
            name: "dev".to_owned(),
            origin: "mik dev".to_owned(),
            middleware: Arc::new(self.clone()),
        }
    }

    pub(super) fn is_there(&self) {
        self.0.store(THERE, Ordering::Relaxed);
    }

    pub(super) fn is_building(&self) {
        self.0.store(BUILDING, Ordering::Relaxed);
    }

    pub(super) fn has_failed(&self) {
        self.0.store(FAILED, Ordering::Relaxed);
    }
}

impl Middleware for Awaited {
    fn name(&self) -> &str {
        "dev"
    }

    fn rings(&self) -> Rings {
        Rings::EDGE
    }

    fn begin<'a>(&'a self, _: Ring, _: &mut Request, call: &mut Call) -> Step<'a> {
        if call.matched().target != Target::Nothing {
            return Step::Pass;
        }
        let reason = match self.0.load(Ordering::Relaxed) {
            BUILDING => "the module is still being built",
            FAILED => "the module does not build",
            _ => return Step::Pass,
        };
        Step::Answer(Err(CallError::Overloaded(reason)))
    }
}
