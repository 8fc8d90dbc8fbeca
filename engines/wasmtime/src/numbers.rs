//! What the engine tells of itself, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mik_core::ModuleName;
use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{BoundHistogram, Counter, Histogram, Meter};

/// Upper bounds of the buckets of instantiations, in seconds: a pooled one takes microseconds.
const SECONDS: [f64; 12] =
    [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1, 1.0];

/// The instruments of one engine.
pub(crate) struct Numbers {
    instantiations: Histogram<f64>,
    compiles: Counter<u64>,
    modules: Arc<Modules>,
}

/// What is counted of each module, also of those that are not loaded any more.
#[derive(Default)]
struct Modules(Mutex<BTreeMap<ModuleName, Arc<ModuleNumbers>>>);

/// What is counted of one module, through all its versions.
pub(crate) struct ModuleNumbers {
    label: KeyValue,
    instantiations: BoundHistogram<f64>,
    peak: AtomicU64,
}

impl Numbers {
    pub(crate) fn new(meter: &Meter) -> Self {
        let instantiations = meter
            .f64_histogram("mik.module.instantiation.duration")
            .with_unit("s")
            .with_description("Time to make an instance of a module")
            .with_boundaries(SECONDS.into())
            .build();
        let compiles = meter
            .u64_counter("mik.module.compiles")
            .with_description("Times that a module was compiled rather than taken from the store")
            .build();
        let modules = Arc::<Modules>::default();
        let observed = Arc::downgrade(&modules);
        meter
            .u64_observable_gauge("mik.module.memory.peak")
            .with_unit("By")
            .with_description("The most memory that an instance of a module has had")
            .with_callback(move |to| {
                let Some(modules) = observed.upgrade() else { return };
                for module in modules.lock().values() {
                    match module.peak.load(Ordering::Relaxed) {
                        0 => {} // Never called.
                        peak => to.observe(peak, std::slice::from_ref(&module.label)),
                    }
                }
            })
            .build();
        Self { instantiations, compiles, modules }
    }

    /// The numbers of a module.
    pub(crate) fn module(&self, name: &ModuleName) -> Arc<ModuleNumbers> {
        let new = || {
            let label = label(name);
            let instantiations = self.instantiations.bind(std::slice::from_ref(&label));
            Arc::new(ModuleNumbers { label, instantiations, peak: AtomicU64::new(0) })
        };
        self.modules.lock().entry(name.clone()).or_insert_with(new).clone()
    }

    pub(crate) fn compiled(&self, name: &ModuleName) {
        self.compiles.add(1, &[label(name)]);
    }
}

fn label(name: &ModuleName) -> KeyValue {
    KeyValue::new("mik.module", Arc::<str>::from(name.as_str()))
}

impl Modules {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ModuleName, Arc<ModuleNumbers>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModuleNumbers {
    pub(crate) fn instantiated(&self, took: Duration) {
        self.instantiations.record(took.as_secs_f64());
    }

    /// An instance has `bytes` of memory.
    pub(crate) fn has_memory(&self, bytes: u64) {
        // Nearly always it is no news, and a load is cheaper.
        if bytes > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(bytes, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for ModuleNumbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModuleNumbers").field("peak", &self.peak).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mik_core::opentelemetry::metrics::MeterProvider;
    use mik_core::opentelemetry::metrics::noop::NoopMeterProvider;

    use super::*;

    #[test]
    fn the_peak_of_a_module_outlives_its_versions() {
        let numbers = Numbers::new(&NoopMeterProvider::new().meter("test"));
        let of = |name: &str| numbers.module(&ModuleName::new(name).unwrap());
        of("a").has_memory(2);
        of("a").has_memory(3);
        of("a").has_memory(1);
        let peak = |name: &str| of(name).peak.load(Ordering::Relaxed);
        assert_eq!((peak("a"), peak("b")), (3, 0));
    }
}
