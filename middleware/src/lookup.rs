//! A table that is read without a lock.

#![allow(dead_code, reason = "each feature alone uses only some of it")]

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;

/// Values by key, made when they are first asked for, up to a number. Reading takes no lock; adding copies
/// the table, which is why it is for keys of bounded variety.
pub(crate) struct Lookup<K, V> {
    table: ArcSwap<HashMap<K, Arc<V>, RandomState>>,
    most: usize,
}

impl<K: Hash + Eq + Clone, V> Lookup<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { table: ArcSwap::default(), most }
    }

    /// The value of `key`; `None` if it has none and there is no place for one more.
    pub(crate) fn find(&self, key: &K, make: impl FnOnce() -> V) -> Option<Arc<V>> {
        if let Some(value) = self.table.load().get(key) {
            return Some(value.clone());
        }
        let is_full = self.table.load().len() >= self.most;
        if is_full { None } else { self.add(key, &Arc::new(make())) }
    }

    /// The value of `key`; one of its own, which is not kept, if there is no place for one more.
    pub(crate) fn of(&self, key: &K, make: impl FnOnce() -> V) -> Arc<V> {
        if let Some(value) = self.table.load().get(key) {
            return value.clone();
        }
        let new = Arc::new(make());
        self.add(key, &new).unwrap_or(new)
    }

    /// What `key` has now: `new`, or what another thread has added meanwhile.
    fn add(&self, key: &K, new: &Arc<V>) -> Option<Arc<V>> {
        let mut found = None;
        self.table.rcu(|table| {
            found = table.get(key).cloned();
            if found.is_some() || table.len() >= self.most {
                return table.clone();
            }
            found = Some(new.clone());
            let mut larger = HashMap::clone(table);
            larger.insert(key.clone(), new.clone());
            Arc::new(larger)
        });
        found
    }

    /// Shows each key with its value.
    pub(crate) fn each(&self, mut show: impl FnMut(&K, &V)) {
        self.table.load().iter().for_each(|(key, value)| show(key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_keeps_its_value_and_the_number_is_bounded() {
        let lookup = Lookup::new(2);
        let find = |key: u32, value: &'static str| lookup.find(&key, || value).map(|value| *value);
        assert_eq!(find(1, "a"), Some("a"));
        assert_eq!(find(2, "b"), Some("b"));
        assert_eq!(find(1, "c"), Some("a"));
        assert_eq!(find(3, "d"), None);
        assert_eq!(find(2, "e"), Some("b"));
    }

    #[test]
    fn threads_that_race_get_one_value() {
        let lookup = Lookup::new(8);
        let found = std::thread::scope(|scope| {
            let find = || (0..8_u32).map(|key| lookup.find(&key, || key).unwrap()).collect();
            let all: Vec<_> = (0..4).map(|_| scope.spawn(find)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<Vec<_>>>()
        });
        for other in &found[1..] {
            assert!(found[0].iter().zip(other).all(|(a, b)| Arc::ptr_eq(a, b)));
        }
    }
}
