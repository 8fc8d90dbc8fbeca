//! Reads the page as strictly as Prometheus does.

use std::collections::{BTreeMap, BTreeSet};

/// Samples by name and labels, as written.
pub(super) struct Exposition {
    samples: BTreeMap<String, f64>,
}

impl Exposition {
    /// Reads a page of the text format.
    ///
    /// # Panics
    /// Where the page breaks its rules.
    pub(super) fn read(page: &str) -> Self {
        let mut samples = BTreeMap::new();
        let mut types: BTreeMap<&str, &str> = BTreeMap::new();
        let mut helped = BTreeSet::new();
        let mut done = BTreeSet::new();
        let mut current = "";
        assert!(page.is_empty() || page.ends_with('\n'), "no newline at the end");
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(helped.insert(name) && !help.is_empty(), "{line}");
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
                assert!(done.insert(name), "two groups: {line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                types.insert(name, kind);
                current = name;
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            assert!(is_name(name, true), "{line}");
            let family = match types[current] {
                "histogram" => ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|suffix| name.strip_suffix(suffix))
                    .unwrap(),
                _ => name,
            };
            assert_eq!(family, current, "outside of its group: {line}");
            check_labels(&series[name.len()..]);
            let value: f64 = value.parse().unwrap();
            assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
        let this = Self { samples };
        this.check_buckets();
        this
    }

    /// The value of a series; 0 if it is not there. Labels in any order.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples.get(&series(name, labels)).copied().unwrap_or(0.0)
    }

    /// The series of a name.
    pub(super) fn series(&self, name: &str) -> Vec<&str> {
        let of_name = |series: &&str| series.split('{').next() == Some(name);
        self.samples.keys().map(String::as_str).filter(of_name).collect()
    }

    /// Cumulative counts only grow, and the last of them counts all.
    fn check_buckets(&self) {
        let mut groups: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (series, value) in &self.samples {
            let Some((name, rest)) = series.split_once("_bucket") else { continue };
            let (before, bound) = rest.rsplit_once("le=\"").unwrap();
            let bound = bound.strip_suffix("\"}").unwrap().parse().unwrap();
            let labels = before.trim_end_matches(',');
            let labels = if labels == "{" { String::new() } else { format!("{labels}}}") };
            groups.entry(format!("{name}_count{labels}")).or_default().push((bound, *value));
        }
        for (count, mut buckets) in groups {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{count}");
            let (bound, all) = *buckets.last().unwrap();
            assert!(bound.is_infinite(), "{count}");
            assert_eq!(all, self.samples[&count], "{count}");
        }
    }
}

/// A series as the page writes it: labels in the order of their names.
fn series(name: &str, labels: &[(&str, &str)]) -> String {
    let mut labels: Vec<_> =
        labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
    labels.sort();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

fn is_name(name: &str, colon: bool) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || colon && b == b':';
    name.bytes().all(plain) && !name.is_empty() && !name.as_bytes()[0].is_ascii_digit()
}

fn check_labels(labels: &str) {
    if labels.is_empty() {
        return;
    }
    let mut rest = labels.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    let mut names = BTreeSet::new();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        assert!(is_name(name, false) && names.insert(name), "{labels}");
        let mut end = None;
        let mut bytes = value.bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    let escaped = bytes.next().map(|(_, byte)| byte);
                    assert!(matches!(escaped, Some(b'\\' | b'"' | b'n')), "{labels}");
                }
                b'"' => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
        }
        rest = &value[end.unwrap() + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}
