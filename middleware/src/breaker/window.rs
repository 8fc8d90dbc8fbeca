//! How many calls of the last while failed.

use std::time::Duration;

use tokio::time::Instant;

/// Parts of a window. It slides by one of them at a time.
const SLOTS: u64 = 10;

/// Counts the calls of a sliding window of time.
#[derive(Debug, Clone)]
pub(super) struct Window {
    began: Instant,
    /// Nanoseconds of one slot.
    width: u64,
    slots: [Tally; SLOTS as usize],
    /// The slot of the last call, counted from the beginning.
    newest: u64,
}

/// Calls, and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u32,
    pub(super) failures: u32,
}

impl Window {
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        let width = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX) / SLOTS;
        Self { began: now, width: width.max(1), slots: Default::default(), newest: 0 }
    }

    /// Counts one call.
    pub(super) fn add(&mut self, now: Instant, failed: bool) {
        self.slide(now);
        let tally = &mut self.slots[(self.newest % SLOTS) as usize];
        tally.calls = tally.calls.saturating_add(1);
        tally.failures = tally.failures.saturating_add(u32::from(failed));
    }

    /// The calls of the window that ends now.
    pub(super) fn tally(&mut self, now: Instant) -> Tally {
        self.slide(now);
        self.slots.iter().fold(Tally::default(), |sum, slot| Tally {
            calls: sum.calls.saturating_add(slot.calls),
            failures: sum.failures.saturating_add(slot.failures),
        })
    }

    /// Empties the slots that time has passed.
    fn slide(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.began).as_nanos();
        let slot = u64::try_from(age).unwrap_or(u64::MAX) / self.width;
        let passed = slot.saturating_sub(self.newest).min(SLOTS);
        for step in 1..=passed {
            self.slots[((slot - passed + step) % SLOTS) as usize] = Tally::default();
        }
        self.newest = self.newest.max(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list of all calls: what counts are those of the newest ten slots.
        #[test]
        fn it_counts_what_a_list_of_all_calls_counts(
            steps in prop::collection::vec((0_u64..3_000, any::<bool>()), 1..200),
        ) {
            let began = Instant::now();
            let mut window = Window::new(Duration::from_secs(10), began);
            let mut all = Vec::new();
            let mut ms = 0;
            for (step, failed) in steps {
                ms += step;
                let now = began + Duration::from_millis(ms);
                window.add(now, failed);
                all.push((ms / 1_000, failed));
                let held = |slot: u64| slot + 10 > ms / 1_000;
                let recent = || all.iter().filter(|(slot, _)| held(*slot));
                let expected = Tally {
                    calls: recent().count() as u32,
                    failures: recent().filter(|(_, failed)| *failed).count() as u32,
                };
                prop_assert_eq!(window.tally(now), expected);
            }
        }
    }

    #[test]
    fn a_long_pause_empties_it() {
        let began = Instant::now();
        let mut window = Window::new(Duration::from_secs(1), began);
        window.add(began, true);
        let later = began + Duration::from_secs(3_600 * 24 * 365);
        assert_eq!(window.tally(later), Tally::default());
        window.add(later, true);
        assert_eq!(window.tally(later), Tally { calls: 1, failures: 1 });
    }
}
