//! What a middleware keeps for each module, script or outgoing host that calls reach.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use mik_core::Target;

use crate::lookup::Lookup;

/// Parts into which outgoing hosts are divided, each with a lock of its own.
const SHARDS: usize = 16;
/// Hosts of one part that are remembered: 1,024 in all.
const HOSTS: usize = 64;

/// One `T` for each target, made when the target is first called.
///
/// To read that of a module or script takes no lock. Their number needs no bound: calls reach only those
/// that have a file. Outgoing hosts are named by guests, so the least recently used are forgotten.
pub(crate) struct PerTarget<T> {
    named: Lookup<Target, T>,
    hosts: [Mutex<LruCache<Target, Arc<T>>>; SHARDS],
    hasher: RandomState,
}

impl<T> PerTarget<T> {
    /// That of `target`.
    pub(crate) fn of(&self, target: &Target, make: impl FnOnce() -> T) -> Arc<T> {
        if matches!(target, Target::Upstream(_)) {
            return self.of_host(target, make);
        }
        self.named.of(target, make)
    }

    fn of_host(&self, target: &Target, make: impl FnOnce() -> T) -> Arc<T> {
        let shard = self.hasher.hash_one(target) as usize % SHARDS;
        let mut hosts = self.hosts[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let found = hosts.get_or_insert_ref(target, || Arc::new(make())).clone();
        if hosts.len() > HOSTS {
            hosts.pop_lru();
        }
        found
    }

    /// Shows each module and script with what is kept for it.
    pub(crate) fn each_named(&self, show: impl FnMut(&Target, &T)) {
        self.named.each(show);
    }
}

impl<T> Default for PerTarget<T> {
    fn default() -> Self {
        Self {
            named: Lookup::new(usize::MAX),
            // Without a capacity, which would be allocated at once.
            hosts: std::array::from_fn(|_| Mutex::new(LruCache::unbounded())),
            hasher: RandomState::new(),
        }
    }
}

impl<T> fmt::Debug for PerTarget<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut targets = f.debug_set();
        self.named.each(|target, _| {
            targets.entry(target);
        });
        targets.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mik_core::ModuleName;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn module(name: &str) -> Target {
        Target::Module(ModuleName::new(name).unwrap())
    }

    fn host(number: usize) -> Target {
        Target::Upstream(format!("{number}.example").into())
    }

    #[test]
    fn each_target_has_one_of_its_own_for_good() {
        let kept = PerTarget::default();
        let script = Target::Script(ModuleName::new("a").unwrap());
        let all = [module("a"), module("b"), script, host(1)];
        for (number, target) in all.iter().enumerate() {
            assert_eq!(*kept.of(target, || number), number);
        }
        for (number, target) in all.iter().enumerate() {
            assert_eq!(*kept.of(target, || unreachable!("made before")), number);
        }
        let mut named = Vec::new();
        kept.each_named(|_, number| named.push(*number));
        named.sort_unstable();
        assert_eq!(named, [0, 1, 2], "hosts are not shown");
    }

    #[test]
    fn threads_that_come_first_together_get_the_same() {
        let kept = PerTarget::default();
        let made = AtomicUsize::new(0);
        let all: Vec<_> = std::thread::scope(|scope| {
            let ask = || kept.of(&module("a"), || made.fetch_add(1, Ordering::SeqCst));
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|one| Arc::ptr_eq(one, &all[0])));
    }

    #[test]
    fn hosts_are_bounded_and_the_recent_ones_stay() {
        let kept = PerTarget::default();
        for number in 0..100_000 {
            kept.of(&host(0), || 0);
            kept.of(&host(number), || number);
        }
        assert_eq!(*kept.of(&host(0), || unreachable!("in use all the time")), 0);
        assert_eq!(*kept.of(&host(99_999), || unreachable!("just used")), 99_999);
        let held: usize = kept.hosts.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= SHARDS * HOSTS, "{held}");
        assert_eq!(*kept.of(&host(1), || 7), 7, "forgotten long ago");
    }
}
