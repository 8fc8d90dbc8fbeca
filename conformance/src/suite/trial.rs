//! One case on one subject, as libtest sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed, Trial};

use super::pool::Pool;
use crate::case::Case;
use crate::cases::Outcome;
use crate::run;
use crate::subject::Subject;

/// What all came to.
#[derive(Debug, Default)]
pub(super) struct Results(pub(super) Vec<Result>);

/// What one came to.
#[derive(Debug)]
pub(super) struct Result {
    pub(super) subject: String,
    pub(super) case: String,
    pub(super) verdict: Verdict,
    /// It failed beside others, and passed alone.
    pub(super) again: bool,
    /// Beside others, and the second time alone where there was one.
    pub(super) took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// What it lacks.
    Skipped(String),
    /// It failed as is known, for this reason.
    Known(String),
    /// What was wrong.
    Failed(String),
}

/// Makes the trial.
pub(super) fn of(
    subject: &Arc<Subject>,
    case: &Arc<Case>,
    pool: &Arc<Pool>,
    results: &Arc<Mutex<Results>>,
) -> Trial {
    let name = format!("{}::{}", subject.name(), case.name);
    let (subject, case) = (subject.clone(), case.clone());
    let (pool, results) = (pool.clone(), results.clone());
    Trial::ignorable_test(name, move || {
        let began = Instant::now();
        let (verdict, again) = verdict(&subject, &case, &pool);
        let result = Result {
            subject: subject.name().to_owned(),
            case: case.name.clone(),
            verdict: verdict.clone(),
            again,
            took: began.elapsed(),
        };
        results.lock().unwrap_or_else(PoisonError::into_inner).0.push(result);
        match verdict {
            Verdict::Passed | Verdict::Known(_) => Ok(Completion::Completed),
            Verdict::Skipped(reason) => Ok(Completion::ignored_with(reason)),
            Verdict::Failed(failure) => {
                Err(Failed::from(format!("{}\n{}\n{failure}", case.place, case.spec)))
            }
        }
    })
}

/// What it came to, and whether that was only when it was alone.
fn verdict(subject: &Subject, case: &Case, pool: &Pool) -> (Verdict, bool) {
    if let Some(missing) = subject.lacks(case) {
        return (Verdict::Skipped(missing), false);
    }
    let (outcome, again) = tried(subject, case, pool);
    let known = subject.known().iter().find(|known| known.case == case.name);
    let verdict = match (outcome, known) {
        (Ok(()), None) => Verdict::Passed,
        (Err(_), Some(known)) => Verdict::Known(known.reason.clone()),
        (Err(failure), None) => Verdict::Failed(failure),
        (Ok(()), Some(known)) => Verdict::Failed(format!(
            "it passes, but it is expected to fail ({}): take it out of the expectations",
            known.reason
        )),
    };
    (verdict, again)
}

/// Once, and if it fails again while nothing else runs: bounds in time are for a machine that is not busy with
/// other cases. How often that was is told at the end.
fn tried(subject: &Subject, case: &Case, pool: &Pool) -> (Outcome, bool) {
    let first = {
        let _beside = ALONE.read().unwrap_or_else(PoisonError::into_inner);
        attempt(subject, case, pool)
    };
    if first.is_ok() || subject.known().iter().any(|known| known.case == case.name) {
        return (first, false);
    }
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    let second = attempt(subject, case, pool);
    let failed_twice = second.is_err();
    (second, !failed_twice)
}

/// Written to by who must have the machine for itself.
static ALONE: RwLock<()> = RwLock::new(());

fn attempt(subject: &Subject, case: &Case, pool: &Pool) -> Outcome {
    // The harness panics where a server does not start.
    let outcome = catch_unwind(AssertUnwindSafe(|| attempt_or_panic(subject, case, pool)));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_default())
    })
}

fn attempt_or_panic(subject: &Subject, case: &Case, pool: &Pool) -> Outcome {
    let running = pool.take(subject, case)?;
    run::run(case, subject, &running)?;
    pool.give_back(subject, case, running);
    Ok(())
}

/// Finds what cannot be meant: two subjects of one name, a known failure of no case.
pub(super) fn check(
    subjects: &[Arc<Subject>],
    cases: &[Arc<Case>],
) -> std::result::Result<(), String> {
    for (index, subject) in subjects.iter().enumerate() {
        if subjects[..index].iter().any(|other| other.name() == subject.name()) {
            return Err(format!("there are two subjects {}", subject.name()));
        }
        for known in subject.known() {
            if !cases.iter().any(|case| case.name == known.case) {
                return Err(format!(
                    "the expectations of {} name no case: {}",
                    subject.name(),
                    known.case
                ));
            }
        }
    }
    Ok(())
}
