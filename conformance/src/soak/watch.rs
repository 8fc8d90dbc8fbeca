//! What the operating system and the page of metrics say of the process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Mik;
use crate::page::Page;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// What the process held at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Since watching began.
    pub(super) at: Duration,
    /// KiB.
    pub(super) memory: u64,
    pub(super) descriptors: usize,
    pub(super) threads: usize,
}

impl Sample {
    pub(super) fn of(mik: &Mik, since: Instant) -> Self {
        Self {
            at: since.elapsed(),
            memory: mik.memory(),
            descriptors: mik.descriptors(),
            threads: mik.threads().values().sum(),
        }
    }
}

/// Looks again and again until told to stop, or until the process ends.
pub(super) fn watch(mik: &Mik, stop: &AtomicBool) -> Vec<Sample> {
    let began = Instant::now();
    let mut samples = Vec::new();
    while !stop.load(Ordering::Relaxed) && mik.lives() {
        samples.push(Sample::of(mik, began));
        // As Prometheus does.
        if samples.len() % 20 == 0 {
            let _ = page(mik);
        }
        thread::sleep(PAUSE);
    }
    samples
}

/// How memory grows, in KiB a minute: the median of the slopes between all pairs of moments (Theil and Sen), which
/// a peak here and there does not move.
pub(super) fn slope(samples: &[Sample]) -> f64 {
    // A minute of samples has 28,000 pairs; more of them say no more.
    let step = samples.len() / 250 + 1;
    let samples: Vec<_> = samples.iter().step_by(step).collect();
    let mut slopes = Vec::new();
    for (index, first) in samples.iter().enumerate() {
        for second in &samples[index + 1..] {
            let minutes = (second.at - first.at).as_secs_f64() / 60.0;
            slopes.push((second.memory as f64 - first.memory as f64) / minutes);
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or_default()
}

/// The page of metrics as it is now; empty if there is none.
pub(super) fn page(mik: &Mik) -> Page {
    Page::of(mik.address()).unwrap_or_default()
}

/// The gauges that are not what they were, in words. Those that only grow, and the circuit that the traffic opens on
/// purpose, are left out.
pub(super) fn differs(now: &Page, before: &Page) -> Vec<String> {
    let is_level = |series: &&String| {
        let name = series.split('{').next().unwrap_or_default();
        now.gauges.iter().any(|gauge| gauge == name)
            && name != "mik_module_memory_peak_bytes"
            && !(name == "mik_breaker_state" && series.contains("\"guarded\""))
    };
    let mut all: Vec<_> = now.series.keys().chain(before.series.keys()).filter(is_level).collect();
    all.sort();
    all.dedup();
    let value = |page: &Page, series: &str| page.series.get(series).copied().unwrap_or_default();
    let changed = all.into_iter().filter(|series| value(now, series) != value(before, series));
    changed
        .map(|series| format!("{series} is {}, was {}", value(now, series), value(before, series)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(memory: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample = |second| Sample {
            at: Duration::from_secs(second),
            memory: memory(second),
            descriptors: 0,
            threads: 0,
        };
        (0..600).map(sample).collect()
    }

    #[test]
    fn a_slope_is_that_of_a_leak_and_not_of_a_peak() {
        let leak = slope(&samples(|second| 50_000 + second * 10 + second % 7 * 100));
        assert!((leak - 600.0).abs() < 20.0, "{leak}");
        let peaks =
            slope(&samples(|second| if second > 500 && second % 3 == 0 { 90_000 } else { 50_000 }));
        assert!(peaks.abs() < 1.0, "{peaks}");
        assert!(slope(&[]).abs() < f64::EPSILON);
    }
}
