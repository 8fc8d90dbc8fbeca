//! Admission: how many calls are in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Host;
use crate::CallError;
use crate::catalogue::{Catalogue, Entry};

/// One call in flight. The place that it takes goes back when it is dropped.
pub(crate) struct Ticket {
    host: Host,
    entry: Arc<Entry>,
    /// Where the entry comes from; the host may have another one by the time it is loaded.
    catalogue: Arc<Catalogue>,
}

impl Ticket {
    /// Takes a place in the host, or says that it is overloaded.
    pub(crate) fn admit(
        host: &Host,
        entry: &Arc<Entry>,
        catalogue: &Arc<Catalogue>,
    ) -> Result<Self, CallError> {
        if !take(&host.0.in_flight, host.0.limits.in_flight) {
            return Err(CallError::Overloaded("too many requests in flight"));
        }
        Ok(Self { host: host.clone(), entry: entry.clone(), catalogue: catalogue.clone() })
    }

    pub(crate) fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    pub(crate) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.host.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn take(places: &AtomicUsize, limit: usize) -> bool {
    let fits = places.fetch_add(1, Ordering::Relaxed) < limit;
    if !fits {
        places.fetch_sub(1, Ordering::Relaxed);
    }
    fits
}
