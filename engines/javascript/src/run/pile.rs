//! Worlds that wait for their next run.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::natives::Natives;
use crate::script::Loaded;
use crate::{Vm, World};

/// Worlds of one script that may wait. One holds some hundred KiB; to make another in its place takes longer
/// than most runs.
const MOST: usize = 64;

/// The waiting worlds of one script, the last one that was used on top.
pub struct Pile<W>(Mutex<Vec<Kept<W>>>);

/// A world that waits, and the natives that belong to it.
pub(super) struct Kept<W> {
    pub(super) world: W,
    pub(super) natives: Natives,
    /// Runs that it has served since it was new.
    pub(super) used: u32,
    since: Instant,
}

impl<W> Default for Pile<W> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<W> Pile<W> {
    /// A world that has not waited for longer than `patience`.
    pub(super) fn take(&self, patience: Duration) -> Option<Kept<W>> {
        // What lies below has waited longer still. It stays for the sweep: to clear heaps takes a while.
        self.lock().pop_if(|kept| !kept.is_stale(patience))
    }

    /// Keeps a world whose run is over: as it is if it may serve one more, else if it can be made new.
    pub(super) fn put<V: Vm<World = W>>(
        &self,
        script: &Loaded<V>,
        mut world: W,
        natives: Natives,
        used: u32,
    ) where
        W: World,
    {
        natives.end();
        let is_new = used >= script.limits.reuse;
        if is_new && !world.reset() {
            return;
        }
        let used = if is_new { 0 } else { used };
        self.push(Kept { world, natives, used, since: Instant::now() });
    }

    fn push(&self, kept: Kept<W>) {
        let mut worlds = self.lock();
        let surplus = (worlds.len() >= MOST).then(|| worlds.remove(0));
        worlds.push(kept);
        drop(worlds);
        drop(surplus);
    }

    /// Drops what has waited for longer than `patience`.
    pub(super) fn sweep(&self, patience: Duration) {
        let mut worlds = self.lock();
        let count = worlds.partition_point(|kept| kept.is_stale(patience));
        let stale: Vec<_> = worlds.drain(..count).collect();
        drop(worlds);
        drop(stale);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept<W>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Kept<W> {
    fn is_stale(&self, patience: Duration) -> bool {
        self.since.elapsed() > patience
    }
}

#[cfg(test)]
mod tests {
    use mik_core::ModuleName;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn kept(world: usize) -> Kept<usize> {
        let natives = Natives::new(ModuleName::new("test").unwrap());
        Kept { world, natives, used: 0, since: Instant::now() }
    }

    #[test]
    fn the_last_one_is_taken_and_the_first_one_makes_room() {
        let pile = Pile::default();
        (0..=MOST).for_each(|world| pile.push(kept(world)));
        let worlds: Vec<_> =
            std::iter::from_fn(|| pile.take(MINUTE)).map(|kept| kept.world).collect();
        assert_eq!(worlds, (1..=MOST).rev().collect::<Vec<_>>());
    }

    #[test]
    fn what_has_waited_too_long_is_not_taken_and_goes() {
        let pile = Pile::default();
        pile.push(kept(1));
        std::thread::sleep(Duration::from_millis(2));
        assert!(pile.take(Duration::ZERO).is_none());
        // However slow the machine is, this one has not waited yet.
        pile.push(Kept { since: Instant::now() + MINUTE, ..kept(2) });
        pile.sweep(Duration::ZERO);
        assert_eq!(pile.lock().iter().map(|kept| kept.world).collect::<Vec<_>>(), [2]);
        pile.sweep(MINUTE);
        assert_eq!(pile.take(MINUTE).map(|kept| kept.world), Some(2));
    }
}
