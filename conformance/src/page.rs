//! The page of metrics, as cases and the soak read it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::raw::{Raw, told};

/// The numbers of `/metrics`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// All series, by name and labels as they are written.
    pub(crate) series: BTreeMap<String, f64>,
    /// The names of those that are gauges.
    pub(crate) gauges: Vec<String>,
}

impl Page {
    /// The page as it is now.
    pub(crate) fn of(address: SocketAddr) -> Result<Self, String> {
        let mut raw = Raw::try_connect(address).map_err(|error| error.to_string())?;
        let answer = raw.get("/metrics");
        match &answer {
            Ok(response) if response.status() == 200 => Ok(Self::parse(&response.text())),
            _ => Err(format!("/metrics: {}", told(&answer))),
        }
    }

    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix('#') {
                let gauge =
                    comment.strip_prefix(" TYPE ").and_then(|rest| rest.strip_suffix(" gauge"));
                page.gauges.extend(gauge.map(ToOwned::to_owned));
            } else if let Some((series, number)) = line.rsplit_once(' ')
                && let Ok(number) = number.parse()
            {
                page.series.insert(series.to_owned(), number);
            }
        }
        page
    }

    /// The sum of the series that have this name and, among others, these labels: `name{a="b"}`.
    pub(crate) fn sum(&self, wanted: &str) -> f64 {
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
        self.series.iter().filter(|(series, _)| has(series)).map(|(_, number)| number).sum()
    }
}
