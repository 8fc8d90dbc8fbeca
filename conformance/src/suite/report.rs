//! What came of a run, for people, programs and the documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::trial::{Results, Verdict};
use crate::case::Case;
use crate::subject::Subject;

/// All results, in order.
pub(super) struct Report<'a> {
    subjects: Vec<&'a str>,
    groups: BTreeSet<&'a str>,
    cases: &'a [Arc<Case>],
    results: &'a Results,
}

/// How many of a subject's cases in a group came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    skipped: usize,
    known: usize,
    failed: usize,
}

impl<'a> Report<'a> {
    pub(super) fn of(
        subjects: &'a [Arc<Subject>],
        cases: &'a [Arc<Case>],
        results: &'a Results,
    ) -> Self {
        Self {
            subjects: subjects.iter().map(|subject| subject.name()).collect(),
            groups: cases.iter().map(|case| case.group()).collect(),
            cases,
            results,
        }
    }

    /// Whether so many cases ran.
    pub(super) fn covers(&self, all: usize) -> bool {
        self.results.0.len() == all
    }

    fn count(&self, subject: &str, group: Option<&str>) -> Count {
        let mut count = Count::default();
        for result in &self.results.0 {
            let is_in = group.is_none_or(|group| result.case.split("::").next() == Some(group));
            if result.subject != subject || !is_in {
                continue;
            }
            match result.verdict {
                Verdict::Passed => count.passed += 1,
                Verdict::Skipped(_) => count.skipped += 1,
                Verdict::Known(_) => count.known += 1,
                Verdict::Failed(_) => count.failed += 1,
            }
        }
        count
    }

    /// Subjects and groups, for a terminal.
    pub(super) fn table(&self) -> String {
        let mut rows = vec![self.head()];
        rows.extend(self.subjects.iter().map(|subject| self.row(subject)));
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|at| rows.iter().map(|row| row[at].len()).max().unwrap_or(0))
            .collect();
        let mut out = String::from("\npassed, -skipped, ~known to fail, !failed\n");
        for row in rows {
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(out, "{cell:width$}  ");
            }
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
        for (reason, number) in self.skips() {
            let _ = writeln!(out, "skipped {number}: {reason}");
        }
        for result in self.results.0.iter().filter(|result| result.again) {
            let name = format!("{}::{}", result.subject, result.case);
            let _ = writeln!(out, "failed beside others, passed alone: {name}");
        }
        out + "\n"
    }

    fn head(&self) -> Vec<String> {
        let groups = self.groups.iter().map(ToString::to_string);
        std::iter::once("subject".to_owned()).chain(groups).chain(["all".to_owned()]).collect()
    }

    fn row(&self, subject: &str) -> Vec<String> {
        let groups = self.groups.iter().map(|group| self.count(subject, Some(group)).to_string());
        let all = self.count(subject, None).to_string();
        std::iter::once(subject.to_owned()).chain(groups).chain([all]).collect()
    }

    /// Why how many were skipped, by subject.
    fn skips(&self) -> BTreeMap<String, usize> {
        let mut skips = BTreeMap::new();
        for result in &self.results.0 {
            if let Verdict::Skipped(reason) = &result.verdict {
                *skips.entry(format!("{}: {reason}", result.subject)).or_default() += 1;
            }
        }
        skips
    }

    /// Writes `conformance.json` and `conformance.md`.
    pub(super) fn write(&self, folder: &Path) -> Result<(), String> {
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(told)?;
        let json = serde_json::to_string_pretty(&self.json()).map_err(|error| error.to_string())?;
        fs::write(folder.join("conformance.json"), json + "\n").map_err(told)?;
        fs::write(folder.join("conformance.md"), self.markdown()).map_err(told)
    }

    fn json(&self) -> Value {
        let mut results: Vec<_> = self.results.0.iter().collect();
        results.sort_by_key(|result| (&result.subject, &result.case));
        let results = results.into_iter().map(|result| {
            let (verdict, why) = match &result.verdict {
                Verdict::Passed => ("passed", None),
                Verdict::Skipped(why) => ("skipped", Some(why)),
                Verdict::Known(why) => ("known", Some(why)),
                Verdict::Failed(why) => ("failed", Some(why)),
            };
            json!({
                "subject": result.subject,
                "case": result.case,
                "verdict": verdict,
                "why": why,
                "again": result.again,
                "milliseconds": result.took.as_millis() as u64,
            })
        });
        json!({ "version": env!("CARGO_PKG_VERSION"), "results": results.collect::<Vec<_>>() })
    }

    /// The page of the documentation.
    fn markdown(&self) -> String {
        let mut out = String::from(include_str!("report.md"));
        let mut line = |cells: &[String]| {
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        };
        let head = self.head();
        line(&head);
        line(&vec!["---".to_owned(); head.len()]);
        for subject in &self.subjects {
            let mut row = self.row(subject);
            row[0] = format!("`{subject}`");
            line(&row);
        }
        out += "\n## What was skipped, and why\n\n";
        let skips = self.skips();
        for (reason, number) in &skips {
            let _ = writeln!(out, "- {reason}: {number}");
        }
        if skips.is_empty() {
            out += "Nothing.\n";
        }
        out += "\n## Known failures\n\n";
        let mut known: Vec<_> = self
            .results
            .0
            .iter()
            .filter_map(|result| match &result.verdict {
                Verdict::Known(reason) => {
                    Some(format!("- `{}::{}`: {reason}\n", result.subject, result.case))
                }
                _ => None,
            })
            .collect();
        known.sort();
        out += &if known.is_empty() { "None.\n".to_owned() } else { known.concat() };
        out + &self.rows()
    }

    /// The cases of each row of the table of inputs and faults.
    fn rows(&self) -> String {
        let mut rows = BTreeMap::<u16, Vec<&str>>::new();
        for case in self.cases {
            for row in &case.says.row.0 {
                rows.entry(*row).or_default().push(&case.name);
            }
        }
        let mut out = String::from(
            "\n## Rows of the table of inputs and faults\n\n| row | cases | the first of them |\n|---|---|---|\n",
        );
        for (row, cases) in rows {
            let first = cases.first().copied().unwrap_or_default();
            let _ = writeln!(out, "| {row} | {} | `{first}` |", cases.len());
        }
        out
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if *self == Self::default() {
            return f.write_str("");
        }
        write!(f, "{}", self.passed)?;
        for (sign, number) in [('-', self.skipped), ('~', self.known), ('!', self.failed)] {
            if number > 0 {
                write!(f, " {sign}{number}")?;
            }
        }
        Ok(())
    }
}
