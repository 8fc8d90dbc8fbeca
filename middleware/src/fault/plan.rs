//! Which fault befalls which call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use mik_core::{CallError, Ring};

/// Spreads the numbers of calls over all seeds: the fraction of the golden ratio, as is usual.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The faults of one target.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) ring: Ring,
    pub(super) seed: u64,
    pub(super) delay: Option<(f64, Duration)>,
    pub(super) error: Option<(f64, Failure)>,
    pub(super) abort: Option<(f64, u64)>,
    pub(super) panic: Option<f64>,
    calls: Arc<AtomicU64>,
}

/// What is answered in place of the target.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Status(StatusCode),
    Kind(CallError),
}

/// The faults of one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    pub(super) delay: Option<Duration>,
    pub(super) error: Option<Failure>,
    pub(super) abort: Option<u64>,
    pub(super) panic: bool,
}

impl Plan {
    /// No faults.
    pub(super) fn new(ring: Ring, seed: u64) -> Self {
        let (delay, error, abort, panic) = (None, None, None, None);
        Self { ring, seed, delay, error, abort, panic, calls: Arc::default() }
    }

    /// Whether it never does anything.
    pub(super) fn is_harmless(&self) -> bool {
        self.delay.is_none() && self.error.is_none() && self.abort.is_none() && self.panic.is_none()
    }

    /// The faults of the next call. The n-th call always meets the same, whatever others do meanwhile.
    pub(super) fn next(&self) -> Faults {
        self.of(self.calls.fetch_add(1, Ordering::Relaxed))
    }

    fn of(&self, call: u64) -> Faults {
        let seed = self.seed.wrapping_add(call.wrapping_mul(SPREAD));
        let mut random = fastrand::Rng::with_seed(seed);
        // Drawn for each kind, so that one more kind does not change the others.
        let [delay, error, abort, panic] = [(); 4].map(|()| random.f64());
        let hits = |drawn: f64, rate: f64| drawn < rate;
        Faults {
            delay: self.delay.filter(|(rate, _)| hits(delay, *rate)).map(|(_, time)| time),
            error: self
                .error
                .as_ref()
                .filter(|(rate, _)| hits(error, *rate))
                .map(|it| it.1.clone()),
            abort: self.abort.filter(|(rate, _)| hits(abort, *rate)).map(|(_, bytes)| bytes),
            panic: self.panic.is_some_and(|rate| hits(panic, rate)),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates = [
            ("delay", self.delay.map(|(rate, _)| rate)),
            ("error", self.error.as_ref().map(|(rate, _)| *rate)),
            ("abort", self.abort.map(|(rate, _)| rate)),
            ("panic", self.panic),
        ];
        let mut separator = "";
        for (name, rate) in rates {
            if let Some(rate) = rate {
                write!(f, "{separator}{name} at a rate of {rate}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

impl Faults {
    /// Whether nothing befalls the call.
    pub(super) fn is_none(&self) -> bool {
        self.names().next().is_none()
    }

    /// What they are called.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("delay", self.delay.is_some()),
            ("error", self.error.is_some()),
            ("abort", self.abort.is_some()),
            ("panic", self.panic),
        ];
        all.into_iter().filter_map(|(name, hits)| hits.then_some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(seed: u64, rate: f64) -> Plan {
        Plan {
            delay: Some((rate, Duration::from_secs(1))),
            error: Some((rate, Failure::Status(StatusCode::SERVICE_UNAVAILABLE))),
            abort: Some((rate, 0)),
            panic: Some(rate),
            ..Plan::new(Ring::Call, seed)
        }
    }

    fn drawn(plan: &Plan, calls: u64) -> Vec<[bool; 4]> {
        let hits = |faults: Faults| {
            [faults.delay.is_some(), faults.error.is_some(), faults.abort.is_some(), faults.panic]
        };
        (0..calls).map(|_| hits(plan.next())).collect()
    }

    proptest! {
        #[test]
        fn the_same_seed_gives_the_same_faults(seed: u64, rate in 0.0_f64..1.0) {
            prop_assert_eq!(drawn(&plan(seed, rate), 50), drawn(&plan(seed, rate), 50));
        }

        #[test]
        fn one_kind_more_does_not_change_the_others(seed: u64, rate in 0.0_f64..1.0) {
            let fewer = Plan { delay: None, ..plan(seed, rate) };
            for (all, fewer) in drawn(&plan(seed, rate), 50).iter().zip(drawn(&fewer, 50)) {
                prop_assert_eq!(&all[1..], &fewer[1..]);
            }
        }

        #[test]
        fn a_rate_is_kept(seed: u64, rate in 0.05_f64..0.95) {
            let all = drawn(&plan(seed, rate), 2_000);
            for kind in 0..4 {
                let hits = all.iter().filter(|hits| hits[kind]).count() as f64 / 2_000.0;
                // Six standard deviations, at least.
                prop_assert!((hits - rate).abs() < 0.07, "{} instead of {}", hits, rate);
            }
        }

        #[test]
        fn never_and_always_are_just_that(seed: u64) {
            prop_assert!(drawn(&plan(seed, 0.0), 200).iter().all(|hits| hits == &[false; 4]));
            prop_assert!(drawn(&plan(seed, 1.0), 200).iter().all(|hits| hits == &[true; 4]));
        }
    }

    #[test]
    fn another_seed_gives_other_faults() {
        assert_ne!(drawn(&plan(1, 0.5), 50), drawn(&plan(2, 0.5), 50));
        // One seed is not another one a call later.
        let (first, second) = (drawn(&plan(7, 0.5), 51), drawn(&plan(8, 0.5), 50));
        assert_ne!(first[1..], second[..]);
    }
}
