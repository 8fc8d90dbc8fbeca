//! Series of a `/metrics` page.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::case::Number;
use crate::cases::Outcome;
use crate::mik::eventually;
use crate::raw::{Raw, told};

/// How long counters may take to catch up: a call is counted when its body has ended.
const LATE: Duration = Duration::from_secs(10);

/// The numbers of a page.
#[derive(Debug, Clone, Default)]
pub(super) struct Page(Vec<(String, f64)>);

impl Page {
    pub(super) fn of(address: SocketAddr) -> Result<Self, String> {
        let mut raw = Raw::try_connect(address).map_err(|error| error.to_string())?;
        let answer = raw.get("/metrics");
        match &answer {
            Ok(response) if response.status() == 200 => Ok(Self::parse(&response.text())),
            _ => Err(format!("/metrics: {}", told(&answer))),
        }
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            lines
                .filter_map(|line| {
                    let (series, number) = line.rsplit_once(' ')?;
                    Some((series.to_owned(), number.parse().ok()?))
                })
                .collect(),
        )
    }

    /// The sum of the series that have this name and, among others, these labels: `name{a="b"}`.
    fn sum(&self, wanted: &str) -> f64 {
        let (name, labels) = wanted.split_once('{').unwrap_or((wanted, ""));
        let labels: Vec<_> = labels
            .trim_end_matches('}')
            .split(',')
            .map(str::trim)
            .filter(|label| !label.is_empty())
            .collect();
        let has = |series: &str| {
            let (found, all) = series.split_once('{').unwrap_or((series, ""));
            found == name && labels.iter().all(|label| all.contains(label))
        };
        self.0.iter().filter(|(series, _)| has(series)).map(|(_, number)| number).sum()
    }

    /// Waits until the series have changed as they must.
    pub(super) fn changes(
        &self,
        address: SocketAddr,
        wanted: &BTreeMap<String, Number>,
    ) -> Outcome {
        let mut outcome = Ok(());
        eventually(LATE, || {
            outcome = Self::of(address).and_then(|now| {
                wanted.iter().try_for_each(|(series, number)| {
                    let by = now.sum(series) - self.sum(series);
                    if number.holds(by) {
                        Ok(())
                    } else {
                        Err(format!("{series} changed by {by}, not {number}"))
                    }
                })
            });
            outcome.is_ok()
        });
        outcome
    }
}
