//! What a soak came to, for people and for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::client::{Count, Tally};

/// How many samples of what went wrong are told.
const SAMPLES: usize = 10;

/// What a soak came to.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How long it was measured.
    pub seconds: f64,
    /// With which seed.
    pub seed: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// What clients did, by name.
    pub deeds: BTreeMap<&'static str, Count>,
    /// 5xx that were asked for, by kind.
    pub asked: BTreeMap<String, u64>,
    /// 5xx that were not.
    pub unexplained: u64,
    /// Some of what went wrong, in words.
    pub samples: Vec<String>,
    /// Resident memory in KiB.
    pub memory: Level,
    /// How it grew in the second half of what was measured, in KiB a minute.
    pub slope: f64,
    /// By how many KiB it may grow in all.
    pub growth_bound: f64,
    /// Open descriptors.
    pub descriptors: Level,
    /// Threads.
    pub threads: Level,
    /// How long it took until all was back at the baseline, in seconds.
    pub back_after: f64,
    /// What was wrong, in sentences: nothing, if it passed.
    pub failures: Vec<String>,
}

/// A level before, during and after.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Level {
    /// With nothing to do, after the warm-up.
    pub before: u64,
    /// The most while it was measured.
    pub most: u64,
    /// With nothing to do, at the end.
    pub after: u64,
}

impl Report {
    /// Whether nothing was wrong.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// Adds what a client did.
    pub(super) fn add(&mut self, tally: Tally) {
        self.requests += tally.answered;
        self.unexplained += tally.unexplained;
        self.samples.extend(tally.samples);
        self.samples.truncate(SAMPLES);
        for (name, count) in tally.deeds {
            let sum = self.deeds.entry(name).or_default();
            sum.done += count.done;
            sum.wrong += count.wrong;
        }
        for (kind, count) in tally.asked {
            *self.asked.entry(kind).or_default() += count;
        }
    }

    /// Notes that something must hold, and what was found if it does not.
    pub(super) fn check(&mut self, holds: bool, found: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(found());
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.requests as f64 / self.seconds.max(1.0);
        writeln!(
            f,
            "{} requests in {:.0} s, {rate:.0} a second, seed {}",
            self.requests, self.seconds, self.seed
        )?;
        writeln!(f, "\n  {:28} {:>9} {:>7}", "what clients did", "times", "wrong")?;
        for (name, count) in &self.deeds {
            writeln!(f, "  {name:28} {:>9} {:>7}", count.done, count.wrong)?;
        }
        writeln!(f, "\n  {:28} {:>9}", "5xx that were asked for", "times")?;
        for (kind, count) in &self.asked {
            writeln!(f, "  {kind:28} {count:>9}")?;
        }
        writeln!(f, "  {:28} {:>9}", "others", self.unexplained)?;
        writeln!(f, "\n  {:28} {:>9} {:>9} {:>9}", "what mik held", "before", "most", "after")?;
        for (name, level) in [
            ("memory, KiB", self.memory),
            ("descriptors", self.descriptors),
            ("threads", self.threads),
        ] {
            writeln!(f, "  {name:28} {:>9} {:>9} {:>9}", level.before, level.most, level.after)?;
        }
        writeln!(
            f,
            "\nin the second half memory grew by {:.0} KiB a minute; in all it may by {:.0} KiB",
            self.slope, self.growth_bound
        )?;
        writeln!(f, "all was back {:.1} s after the end", self.back_after)?;
        if self.passed() {
            return writeln!(f, "nothing was wrong");
        }
        for failure in &self.failures {
            writeln!(f, "WRONG: {failure}")?;
        }
        self.samples.iter().try_for_each(|sample| writeln!(f, "  {sample}"))
    }
}
