//! The arithmetic and its memory against a model that is plain enough to be believed.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use proptest::prelude::*;
use tokio::time::{Instant, advance};

use crate::rate_limit::limiter::{Limiter, Verdict};

/// One step: time passes, then a request of that key comes.
#[derive(Debug, Clone)]
struct Step {
    pause: Duration,
    key: u64,
}

fn quota(interval: Duration, burst: u32) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap();
    Quota::with_period(interval).unwrap().allow_burst(burst)
}

/// Runs within stopped time.
fn paused<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(test)
}

/// A bucket that fills with time, in nanoseconds of credit.
struct Bucket {
    credit: u128,
    at: Instant,
}

/// What a bucket for each key says, one that holds `burst` requests and earns one in each `interval`.
struct Model {
    interval: u128,
    burst: u32,
    buckets: HashMap<u64, Bucket>,
}

impl Model {
    /// How many are left, or how long to wait.
    fn check(&mut self, key: u64) -> Result<u32, Duration> {
        let (now, full) = (Instant::now(), self.interval * u128::from(self.burst));
        let bucket = self.buckets.entry(key).or_insert(Bucket { credit: full, at: now });
        bucket.credit = full.min(bucket.credit + (now - bucket.at).as_nanos());
        bucket.at = now;
        match bucket.credit.checked_sub(self.interval) {
            Some(rest) => {
                bucket.credit = rest;
                Ok((rest / self.interval) as u32)
            }
            None => {
                let missing = self.interval - bucket.credit;
                Err(Duration::from_nanos(u64::try_from(missing).unwrap()))
            }
        }
    }
}

fn steps(interval: Duration) -> impl Strategy<Value = Vec<Step>> {
    let whole = interval.as_nanos() as u64;
    let pause = prop_oneof![
        3 => Just(0),
        1 => Just(1),
        2 => 0..=whole,
        1 => (whole.saturating_sub(1))..=(whole + 1),
        1 => 0..=whole * 8,
    ];
    let step =
        (pause, 0..3_u64).prop_map(|(pause, key)| Step { pause: Duration::from_nanos(pause), key });
    proptest::collection::vec(step, 1..120)
}

/// Rates from a billion a second to one an hour, with steps that fit them.
fn cases() -> impl Strategy<Value = (Duration, u32, Vec<Step>)> {
    let interval =
        prop_oneof![1..1_000_u64, 1_000..1_000_000_000_u64, 1_000_000_000..3_600_000_000_000_u64];
    (interval.prop_map(Duration::from_nanos), 1..12_u32)
        .prop_flat_map(|(interval, burst)| (Just(interval), Just(burst), steps(interval)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// It says what the model says, to the nanosecond.
    #[test]
    fn it_is_a_bucket_for_each_key((interval, burst, steps) in cases()) {
        paused(async move {
            let limiter = Limiter::new(quota(interval, burst), 100);
            let mut model = Model { interval: interval.as_nanos(), burst, buckets: HashMap::new() };
            for Step { pause, key } in steps {
                advance(pause).await;
                let expected = model.check(key);
                let said = match limiter.check(key) {
                    Verdict::Admitted { left, more } => {
                        prop_assert_eq!(more, interval);
                        Ok(left)
                    }
                    Verdict::Refused(wait) => Err(wait),
                };
                prop_assert_eq!(said, expected);
            }
            Ok(())
        })?;
    }

    /// In no window of any length does it admit more than the burst and what that time earns; and whoever
    /// waits as long as it was told to is let in, but not a nanosecond earlier.
    #[test]
    fn no_window_has_more_than_burst_and_rate((interval, burst, steps) in cases()) {
        paused(async move {
            let limiter = Limiter::new(quota(interval, burst), 100);
            let mut admitted: HashMap<u64, Vec<Instant>> = HashMap::new();
            for Step { pause, key } in steps {
                advance(pause).await;
                if let Verdict::Refused(wait) = limiter.check(key) {
                    prop_assert!(wait > Duration::ZERO);
                    advance(wait - Duration::from_nanos(1)).await;
                    prop_assert_eq!(limiter.check(key), Verdict::Refused(Duration::from_nanos(1)));
                    advance(Duration::from_nanos(1)).await;
                    let is_admitted = matches!(limiter.check(key), Verdict::Admitted { .. });
                    prop_assert!(is_admitted, "refused after {wait:?}");
                }
                admitted.entry(key).or_default().push(Instant::now());
            }
            for times in admitted.values() {
                for (i, from) in times.iter().enumerate() {
                    for (j, to) in times.iter().enumerate().skip(i) {
                        let earned = (*to - *from).as_nanos() / interval.as_nanos();
                        prop_assert!((j - i + 1) as u128 <= u128::from(burst) + earned);
                    }
                }
            }
            Ok(())
        })?;
    }

    /// However many keys come, no more than allowed are remembered; idle ones go.
    #[test]
    fn memory_is_bounded(max in 1..300_usize, keys in proptest::collection::vec(any::<u64>(), 1..600)) {
        paused(async move {
            let limiter = Limiter::new(quota(Duration::from_secs(1), 2), max);
            let remembered = limiter.keys().upgrade().unwrap();
            for key in keys {
                limiter.check(key);
                prop_assert!(remembered.len() <= max);
            }
            prop_assert!(remembered.sweep() > 0);
            advance(Duration::from_secs(1)).await;
            prop_assert_eq!(remembered.sweep(), 0);
            Ok(())
        })?;
    }
}

/// A key for each number, spread like a hash.
fn spread(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[tokio::test(start_paused = true)]
async fn a_million_keys_are_not_a_million_entries() {
    let limiter = Limiter::new(quota(Duration::from_secs(60), 10), 10_000);
    let keys = limiter.keys().upgrade().unwrap();
    for n in 0..1_000_000 {
        assert!(matches!(limiter.check(spread(n)), Verdict::Admitted { left: 9, .. }));
        if n % 1_000 == 0 {
            assert!(keys.len() <= 10_000);
        }
    }
    let kept = keys.len();
    assert!((9_000..=10_000).contains(&kept), "{kept} of at most 10,000 keys are used");
    // The last ones are those that are still known.
    assert!(matches!(limiter.check(spread(999_999)), Verdict::Admitted { left: 8, .. }));
    assert!(matches!(limiter.check(spread(0)), Verdict::Admitted { left: 9, .. }));
}

#[tokio::test(start_paused = true)]
async fn idle_keys_go_as_new_ones_come() {
    let limiter = Limiter::new(quota(Duration::from_secs(1), 1), 1_000);
    let keys = limiter.keys().upgrade().unwrap();
    for n in 0..1_000 {
        limiter.check(spread(n));
    }
    advance(Duration::from_secs(1)).await;
    for n in 1_000..1_600 {
        limiter.check(spread(n));
    }
    assert_eq!(keys.len(), 600, "two old ones went for each new one, until none was left");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_refused_is_not_forgotten_for_it() {
    let limiter = Limiter::new(quota(Duration::from_secs(60), 1), 3);
    assert!(matches!(limiter.check(spread(1)), Verdict::Admitted { .. }));
    for n in 2..50 {
        limiter.check(spread(n));
        assert!(matches!(limiter.check(spread(1)), Verdict::Refused(_)), "after {n} other keys");
    }
}
