//! How many retries a target may cost.

use std::time::Duration;

use tokio::time::Instant;

/// One retry, in the unit that a budget is kept in.
const RETRY: u64 = 1_000_000_000;
/// The most that is saved up: what this time brings, or as many retries.
const SAVED_SECONDS: u64 = 10;

/// What a budget grows by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Income {
    /// Retries a call: 0.2 for one in five.
    pub(super) share: f64,
    /// Retries a second, whatever the number of calls.
    pub(super) per_second: u32,
}

/// A token bucket that calls and time fill, and retries empty: when all calls fail, retries add no more
/// than their share.
#[derive(Debug)]
pub(super) struct Budget {
    income: Income,
    balance: u64,
    filled: Instant,
}

impl Budget {
    /// Begins with what a second brings.
    pub(super) fn new(income: Income, now: Instant) -> Self {
        Self { income, balance: u64::from(income.per_second) * RETRY, filled: now }
    }

    /// Takes note of a call.
    pub(super) fn call(&mut self, now: Instant) {
        self.fill(now);
        let share = (self.income.share * RETRY as f64) as u64;
        self.balance = self.balance.saturating_add(share).min(self.income.most());
    }

    /// Takes what a retry costs, if it is there.
    pub(super) fn retry(&mut self, now: Instant) -> bool {
        self.fill(now);
        let left = self.balance.checked_sub(RETRY);
        self.balance = left.unwrap_or(self.balance);
        left.is_some()
    }

    /// Retries that are there.
    pub(super) fn left(&mut self, now: Instant) -> u64 {
        self.fill(now);
        self.balance / RETRY
    }

    fn fill(&mut self, now: Instant) {
        // What is past the time to fill it makes no difference.
        let longest = Duration::from_secs(SAVED_SECONDS);
        let passed = now.saturating_duration_since(self.filled).min(longest).as_nanos() as u64;
        let brought = passed.saturating_mul(u64::from(self.income.per_second));
        self.balance = self.balance.saturating_add(brought).min(self.income.most());
        self.filled = self.filled.max(now);
    }
}

impl Income {
    fn most(self) -> u64 {
        u64::from(self.per_second.max(1)) * SAVED_SECONDS * RETRY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Call,
        Retry,
        Wait(u64),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            3 => Just(Event::Call),
            3 => Just(Event::Retry),
            1 => (0_u64..5_000).prop_map(Event::Wait),
        ];
        prop::collection::vec(event, 0..500)
    }

    proptest! {
        /// Within any stretch of time, retries are at most what calls and time have brought in it, and
        /// what was saved before.
        #[test]
        fn retries_are_a_share_of_the_calls(
            events in events(),
            percent in 0_u32..100,
            per_second in 0_u32..20,
        ) {
            let share = f64::from(percent) / 100.0;
            let income = Income { share, per_second };
            let mut now = Instant::now();
            let mut budget = Budget::new(income, now);
            // Calls, retries and the time so far, after each event.
            let mut sums = vec![(0_u32, 0_u32, Duration::ZERO)];
            let begun = now;
            for event in events {
                let (mut calls, mut retries, _) = sums[sums.len() - 1];
                match event {
                    Event::Call => { budget.call(now); calls += 1 }
                    Event::Retry => retries += u32::from(budget.retry(now)),
                    Event::Wait(ms) => now += Duration::from_millis(ms),
                }
                sums.push((calls, retries, now - begun));
            }
            let most = f64::from(per_second.max(1)) * 10.0;
            for (index, from) in sums.iter().enumerate() {
                let saved = if index == 0 { f64::from(per_second) } else { most };
                for to in &sums[index..] {
                    let brought = f64::from(to.0 - from.0) * share
                        + (to.2 - from.2).as_secs_f64() * f64::from(per_second);
                    prop_assert!(f64::from(to.1 - from.1) <= saved + brought + 1e-6);
                }
            }
        }

        /// What was brought is there to be spent, to the last retry.
        #[test]
        fn nothing_is_lost(calls in 0_u64..50, ms in 0_u64..9_000, per_second in 1_u32..20) {
            let income = Income { share: 0.2, per_second };
            let now = Instant::now();
            let mut budget = Budget::new(income, now);
            let later = now + Duration::from_millis(ms);
            (0..calls).for_each(|_| budget.call(later));
            let all = u64::from(per_second) * (1_000 + ms) + 200 * calls;
            let expected = all.min(u64::from(per_second) * 10_000) / 1_000;
            let spent = (0..1_000).filter(|_| budget.retry(later)).count() as u64;
            prop_assert_eq!(spent, expected);
        }
    }

    #[test]
    fn an_idle_year_saves_ten_seconds() {
        let now = Instant::now();
        let mut budget = Budget::new(Income { share: 0.0, per_second: 3 }, now);
        let later = now + Duration::from_secs(365 * 24 * 3_600);
        assert_eq!((0..1_000).filter(|_| budget.retry(later)).count(), 30);
    }
}
