//! What is remembered of each key, within bounds.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::StateStore;
use lru::LruCache;

use super::limiter::Monotonic;

/// Keys that one part of the memory has at most, where there are many: as many as a sweep may look at
/// while a request waits.
const SHARD: usize = 4_096;
/// Idle keys that are dropped for each new one, so that they become fewer however many come.
const DROPPED: usize = 2;

/// Keys as hashes, each with the time at which it will be as good as new, in nanoseconds of the clock.
/// Split by the key, so that requests of different clients hardly ever wait for each other.
pub(super) struct Keys {
    shards: Box<[Mutex<Shard>]>,
    clock: Monotonic,
}

type Shard = LruCache<u64, u64>;

impl Keys {
    /// A memory of `max` keys at most.
    pub(super) fn new(max: usize, clock: Monotonic) -> Self {
        let shards = max.div_ceil(SHARD).max(1);
        let capacity = NonZeroUsize::new(max / shards).unwrap_or(NonZeroUsize::MIN);
        let shards = (0..shards).map(|_| Mutex::new(LruCache::sparse(capacity))).collect();
        Self { shards, clock }
    }

    /// Drops what is as good as new, and says how many keys are left.
    pub(super) fn sweep(&self) -> usize {
        let now = self.now();
        let left = self.shards.iter().map(|shard| {
            let mut shard = lock(shard);
            shard.retain(|_, new_at| *new_at > now);
            shard.len()
        });
        left.sum()
    }

    /// How many keys are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, Shard> {
        // The hash is good in all its bits, and the table inside uses others of them.
        let index = (u128::from(key) * self.shards.len() as u128) >> 64;
        lock(&self.shards[index as usize])
    }

    /// The limiter's own time starts a moment later: a key is dropped that moment too early, which is less
    /// than a request takes.
    fn now(&self) -> u64 {
        self.clock.now().as_u64()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StateStore for Keys {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = self.shard(*key);
        // Whoever is refused has been here too: to look is to use.
        if let Some(new_at) = shard.get_mut(key) {
            let (answer, next) = decide(Some((*new_at).into()))?;
            *new_at = next.as_u64();
            return Ok(answer);
        }
        let (answer, next) = decide(None)?;
        for _ in 0..DROPPED {
            match shard.peek_lru() {
                Some((_, new_at)) if *new_at <= self.now() => drop(shard.pop_lru()),
                _ => break,
            }
        }
        shard.put(*key, next.as_u64());
        Ok(answer)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}
