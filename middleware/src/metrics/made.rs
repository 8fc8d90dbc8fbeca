//! What is told of the calls that scripts make.

use std::sync::{Arc, OnceLock};

use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{BoundCounter, Counter, Meter};
use mik_core::{Call, ModuleName, Target};

use super::page::SERIES;
use crate::lookup::Lookup;

/// The numbers of calls by the script that makes them.
pub(super) struct Made {
    calls: Counter<u64>,
    pairs: Lookup<(ModuleName, ModuleName), Pair>,
}

/// A script and a module that it calls, with the series that were needed so far.
pub(super) struct Pair {
    calls: Counter<u64>,
    script: KeyValue,
    module: KeyValue,
    /// The outcome `ok`. Others are too rare to be kept at hand.
    ok: OnceLock<BoundCounter<u64>>,
}

impl Made {
    pub(super) fn new(meter: &Meter) -> Self {
        let calls = meter
            .u64_counter("mik.script.calls")
            .with_unit("{call}")
            .with_description("Calls that scripts have made, once they ended")
            .build();
        Self { calls, pairs: Lookup::new(SERIES) }
    }

    /// `None` where no script calls, or no module is called.
    pub(super) fn begin(&self, call: &Call) -> Option<Arc<Pair>> {
        let (Target::Script(script), Target::Module(module)) =
            (&call.parent()?.target, &call.matched().target)
        else {
            return None;
        };
        let label = |key: &'static str, name: &ModuleName| {
            KeyValue::new(key, Arc::<str>::from(name.as_str()))
        };
        let make = || Pair {
            calls: self.calls.clone(),
            script: label("mik.script", script),
            module: label("mik.module", module),
            ok: OnceLock::new(),
        };
        Some(self.pairs.of(&(script.clone(), module.clone()), make))
    }
}

impl Pair {
    pub(super) fn ended(&self, outcome: Option<&'static str>) {
        let labels = |outcome: &'static str| {
            [KeyValue::new("mik.outcome", outcome), self.module.clone(), self.script.clone()]
        };
        match outcome {
            None => self.ok.get_or_init(|| self.calls.bind(&labels("ok"))).add(1),
            Some(outcome) => self.calls.add(1, &labels(outcome)),
        }
    }
}
