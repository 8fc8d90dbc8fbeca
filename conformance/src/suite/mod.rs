//! The cases, on every subject that they are for.

mod built_in;
mod options;
mod pool;
mod report;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;

pub use built_in::built_in;

use crate::case::{Group, load, standard};
use crate::subject::Subject;
use options::Options;
use pool::Pool;
use report::Report;
use trial::Results;

/// Cases that wait for something leave a processor to others.
const TOGETHER: usize = 6;

/// Proves subjects: the `main` of a test target with `harness = false`. What `cargo test` hands on filters the
/// cases, by names like `subject::group::topic::id`; `--report DIR` writes what came of them to that folder, as
/// `conformance.json` and `conformance.md`.
///
/// The exit code is 101 if something that must pass fails, or passes what must fail.
pub fn run(subjects: impl IntoIterator<Item = Subject>) -> ExitCode {
    run_with(std::env::args(), subjects)
}

/// The same with other arguments, the first of which is the name of the program.
pub fn run_with(
    args: impl IntoIterator<Item = String>,
    subjects: impl IntoIterator<Item = Subject>,
) -> ExitCode {
    let options = match Options::take(args) {
        Ok(options) => options,
        Err(failure) => return complain(&failure),
    };
    // Cases that open hundreds of connections run beside each other. Where there cannot be more, they say so.
    mik::raise_descriptor_limit();
    let folder = options.cases.clone().unwrap_or_else(cases);
    let Group { cases, tables } = match load(&folder) {
        Ok(group) => group,
        Err(broken) => return complain(&broken.to_string()),
    };
    let subjects = subjects.into_iter().map(|subject| Arc::new(subject.tabled(&tables)));
    let subjects: Vec<_> = subjects.collect();
    let cases: Vec<_> = cases.into_iter().map(Arc::new).collect();
    if let Err(failure) = trial::check(&subjects, &cases) {
        return complain(&failure);
    }
    let results = Arc::new(Mutex::new(Results::default()));
    let pool = Arc::new(Pool::default());
    let mut trials = Vec::new();
    for subject in &subjects {
        for case in cases.iter().filter(|case| subject.is_for(case)) {
            trials.push(trial::of(subject, case, &pool, &results));
        }
    }
    conclude(options, &subjects, &cases, trials, &results)
}

fn conclude(
    mut options: Options,
    subjects: &[Arc<Subject>],
    cases: &[Arc<crate::case::Case>],
    trials: Vec<Trial>,
    results: &Mutex<Results>,
) -> ExitCode {
    let all = trials.len();
    options.arguments.test_threads.get_or_insert(TOGETHER);
    let is_listed = options.arguments.list;
    let conclusion = libtest_mimic::run(&options.arguments, trials);
    if is_listed {
        return ExitCode::SUCCESS;
    }
    let results = results.lock().unwrap_or_else(PoisonError::into_inner);
    let report = Report::of(subjects, cases, &results);
    // What reads it may have gone.
    let _ = write!(stdout(), "{}", report.table());
    if let Some(folder) = &options.report {
        let written = if report.covers(all) {
            report.write(folder)
        } else {
            Err("a report is of all cases, not of some".to_owned())
        };
        if let Err(failure) = written {
            return complain(&failure);
        }
    }
    conclusion.exit_code()
}

/// Writes the standard project, which a server must serve to be proven by its address.
///
/// # Errors
/// What is wrong with the cases, or that the folder cannot be written.
pub fn project(folder: &Path) -> Result<(), String> {
    let standard = standard(&cases()).map_err(|broken| broken.to_string())?;
    Subject::mik().write(&standard, folder)
}

/// The rows of the table of inputs and faults, each with the topics (`group::topic`) that have cases of it.
///
/// # Errors
/// What is wrong with the cases.
pub fn rows() -> Result<BTreeMap<u16, BTreeSet<String>>, String> {
    let mut rows = BTreeMap::<u16, BTreeSet<String>>::new();
    for case in load(&cases()).map_err(|broken| broken.to_string())?.cases {
        let topic = case.name.rsplit_once("::").map_or("", |(topic, _)| topic);
        for row in &case.says.row.0 {
            rows.entry(*row).or_default().insert(topic.to_owned());
        }
    }
    Ok(rows)
}

/// The folder of the cases that belong to this crate.
pub fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

fn complain(failure: &str) -> ExitCode {
    let _ = writeln!(stderr(), "error: {failure}");
    ExitCode::from(101)
}
