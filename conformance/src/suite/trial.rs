//! One case on one subject, as libtest sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

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
        let verdict = verdict(&subject, &case, &pool);
        let result = Result {
            subject: subject.name().to_owned(),
            case: case.name.clone(),
            verdict: verdict.clone(),
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

fn verdict(subject: &Subject, case: &Case, pool: &Pool) -> Verdict {
    if let Some(missing) = subject.lacks(case) {
        return Verdict::Skipped(missing);
    }
    // The harness panics where a server does not start.
    let outcome = catch_unwind(AssertUnwindSafe(|| attempt(subject, case, pool)));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_default())
    });
    let known = subject.known().iter().find(|known| known.case == case.name);
    match (outcome, known) {
        (Ok(()), None) => Verdict::Passed,
        (Err(_), Some(known)) => Verdict::Known(known.reason.clone()),
        (Err(failure), None) => Verdict::Failed(failure),
        (Ok(()), Some(known)) => Verdict::Failed(format!(
            "it passes, but it is expected to fail ({}): take it out of the expectations",
            known.reason
        )),
    }
}

fn attempt(subject: &Subject, case: &Case, pool: &Pool) -> Outcome {
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
