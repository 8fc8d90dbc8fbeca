//! The page of metrics, read as strictly as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use mik_conformance::Mik;

/// The samples of a page, by name and labels as they are written.
pub(crate) struct Page {
    text: String,
    samples: BTreeMap<String, f64>,
}

impl Page {
    /// The page of a server as it is now.
    ///
    /// # Panics
    /// If there is none, or it breaks the rules of the format.
    pub(crate) fn of(mik: &Mik) -> Self {
        Self::read(mik.text("/metrics"))
    }

    pub(crate) fn read(text: String) -> Self {
        let samples = samples(&text).unwrap_or_else(|fault| panic!("{fault}\nin:\n{text}"));
        Self { text, samples }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The value of a series; 0 if it is not there.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let mut pairs: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        pairs.sort();
        let series = match pairs.join(",") {
            none if none.is_empty() => name.to_owned(),
            pairs => format!("{name}{{{pairs}}}"),
        };
        self.samples.get(&series).copied().unwrap_or(0.0)
    }

    /// The series of a name.
    pub(crate) fn series(&self, name: &str) -> Vec<&str> {
        let all = self.samples.keys().map(String::as_str);
        all.filter(|series| series.split('{').next() == Some(name)).collect()
    }
}

fn samples(text: &str) -> Result<BTreeMap<String, f64>, String> {
    if !text.ends_with('\n') {
        return Err("it does not end in a newline".to_owned());
    }
    let mut samples = BTreeMap::new();
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeMap::new());
    let mut current = ("", "");
    for line in text.lines() {
        let fault = |what: &str| Err(format!("{what}: {line}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let Some((name, _)) = rest.split_once(' ') else { return fault("no help") };
            if !helped.insert(name) {
                return fault("helped twice");
            }
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = rest.split_once(' ') else { return fault("no type") };
            if !matches!(kind, "counter" | "gauge" | "histogram") {
                return fault("an unknown type");
            }
            if !helped.contains(name) || typed.insert(name, kind).is_some() {
                return fault("no help, or two groups");
            }
            current = (name, kind);
        } else {
            let Some((series, value)) = line.rsplit_once(' ') else { return fault("no value") };
            let (name, labels) = series.split_at(series.find('{').unwrap_or(series.len()));
            if !is_in_group(name, current) {
                return fault("outside of its group");
            }
            if labels_of(labels).is_none() {
                return fault("labels");
            }
            let Ok(value) = value.parse::<f64>() else { return fault("no number") };
            if samples.insert(series.to_owned(), value).is_some() {
                return fault("twice");
            }
        }
    }
    Ok(samples)
}

fn is_in_group(name: &str, (group, kind): (&str, &str)) -> bool {
    let part = name.strip_prefix(group);
    match kind {
        "histogram" => part.is_some_and(|part| ["_bucket", "_sum", "_count"].contains(&part)),
        _ => part == Some(""),
    }
}

/// The names of well-formed labels.
fn labels_of(labels: &str) -> Option<BTreeSet<&str>> {
    let mut names = BTreeSet::new();
    if labels.is_empty() {
        return Some(names);
    }
    let mut rest = labels.strip_prefix('{')?.strip_suffix('}')?;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"")?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !name.bytes().all(plain) || !names.insert(name) {
            return None;
        }
        let end = quote(value.as_bytes())?;
        rest = value[end + 1..].trim_start_matches(',');
    }
    Some(names)
}

/// Where a quoted text ends.
fn quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' if matches!(text.get(at + 1)?, b'\\' | b'"' | b'n') => at += 2,
            b'\\' => return None,
            _ => at += 1,
        }
    }
}
