//! Which loaded modules stay: the most recently used ones, within a number and a sum of bytes.

use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use opentelemetry::metrics::Counter;

use super::entry::Entry;
use crate::ModuleName;
use crate::limits::CacheLimits;

/// Bookkeeping of what is loaded. A call does not come here: it stamps its entry with the time, and the
/// order is brought up to date when something must go.
pub(super) struct Cache {
    limits: CacheLimits,
    held: Mutex<Held>,
    evictions: Counter<u64>,
}

struct Held {
    /// The entries with what each was charged.
    order: LruCache<ModuleName, (Arc<Entry>, usize)>,
    bytes: usize,
}

impl Cache {
    pub(super) fn new(limits: CacheLimits, evictions: Counter<u64>) -> Self {
        let held = Held { order: LruCache::unbounded(), bytes: 0 };
        Self { limits, held: Mutex::new(held), evictions }
    }

    /// Bytes of everything that is loaded.
    pub(super) fn bytes(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Takes a freshly loaded entry in and unloads what no longer fits. The entry itself always stays:
    /// one that alone is past the bounds would otherwise be loaded for each call. `publish` runs when there
    /// is room, and before anything else can be loaded or unloaded.
    pub(super) fn insert(&self, entry: &Arc<Entry>, footprint: usize, publish: impl FnOnce()) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(entry);
        if let Some((_, (replaced, charge))) =
            held.order.push(entry.name().clone(), (entry.clone(), footprint))
        {
            held.bytes -= charge;
            replaced.unload();
        }
        held.bytes += footprint;
        if footprint > self.limits.bytes.as_usize() {
            let (module, script) = entry.labels();
            tracing::warn!(
                module,
                script,
                footprint,
                "it alone is larger than cache.bytes = {}: raise that",
                self.limits.bytes
            );
        }
        if self.is_full(&held) {
            held.sort();
        }
        while self.is_full(&held) && held.order.len() > 1 {
            let Some((name, (evicted, charge))) = held.order.pop_lru() else { break };
            if Arc::ptr_eq(&evicted, entry) {
                held.order.push(name, (evicted, charge));
                continue;
            }
            held.bytes -= charge;
            evicted.unload();
            self.evictions.add(1, &[]);
            let (module, script) = evicted.labels();
            tracing::debug!(module, script, "unloaded: least recently used");
        }
        publish();
    }

    pub(super) fn remove(&self, entry: &Arc<Entry>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(entry);
    }

    fn is_full(&self, held: &Held) -> bool {
        held.order.len() > self.limits.entries || held.bytes > self.limits.bytes.as_usize()
    }
}

impl Held {
    /// Takes out what is noted for this very entry; another one may bear its name by now.
    fn remove(&mut self, entry: &Arc<Entry>) {
        let noted = self.order.peek(entry.name());
        if noted.is_some_and(|(noted, _)| Arc::ptr_eq(noted, entry))
            && let Some((_, charge)) = self.order.pop(entry.name())
        {
            self.bytes -= charge;
        }
    }

    /// Brings the order up to date with the stamps that calls have left.
    fn sort(&mut self) {
        let mut stamps: Vec<_> =
            self.order.iter().map(|(name, (entry, _))| (entry.last_used(), name.clone())).collect();
        stamps.sort();
        for (_, name) in stamps {
            self.order.promote(&name);
        }
    }
}
