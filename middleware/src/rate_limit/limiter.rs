//! The arithmetic of a rate: governor's, by tokio's clock.

use std::sync::{Arc, Weak};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::keys::Keys;

/// One rate and burst for each of many keys.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: RateLimiter<u64, Shared, Monotonic, StateInformationMiddleware>,
    clock: Monotonic,
    keys: Arc<Keys>,
    interval: Duration,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may go on.
    Admitted {
        /// How many more may follow at once.
        left: u32,
        /// The time in which one more than that is surely earned.
        more: Duration,
    },
    /// It is one too many; in that time the next may come.
    Refused(Duration),
}

impl Limiter {
    pub(super) fn new(quota: Quota, max_keys: usize) -> Self {
        let clock = Monotonic { origin: Instant::now() };
        let keys = Arc::new(Keys::new(max_keys, clock));
        let rate = RateLimiter::new(quota, Shared(keys.clone()), clock);
        Self { rate, clock, keys, interval: quota.replenish_interval() }
    }

    /// Counts one request of a key.
    pub(super) fn check(&self, key: u64) -> Verdict {
        match self.rate.check_key(&key) {
            Ok(state) => {
                Verdict::Admitted { left: state.remaining_burst_capacity(), more: self.interval }
            }
            Err(refused) => Verdict::Refused(refused.wait_time_from(self.clock.now())),
        }
    }

    /// What it remembers, for as long as it lives.
    pub(super) fn keys(&self) -> Weak<Keys> {
        Arc::downgrade(&self.keys)
    }
}

/// Seconds as HTTP writes them, rounded up: never to invite a client back too early.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// tokio's time since the limiter was made. It never jumps, and tests can stop it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Monotonic {
    origin: Instant,
}

impl Clock for Monotonic {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.origin.elapsed().into()
    }
}

/// The keys as governor wants to own them.
#[derive(Debug)]
struct Shared(Arc<Keys>);

impl StateStore for Shared {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, decide)
    }
}
