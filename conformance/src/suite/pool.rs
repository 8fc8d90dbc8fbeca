//! Subjects that run and wait for the next case of their project.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::case::Case;
use crate::subject::{Running, Subject};

/// The most that wait at once: a host reserves much address space for its guests.
const IDLE: usize = 6;

/// Those that wait, the one that was used last at the end.
#[derive(Default)]
pub(super) struct Pool(Mutex<VecDeque<Idle>>);

struct Idle {
    subject: String,
    project: u64,
    running: Running,
}

impl Pool {
    /// One that runs the project of the case, for nobody else.
    pub(super) fn take(&self, subject: &Subject, case: &Case) -> Result<Running, String> {
        let project = case.project.key();
        if !case.is_alone() && case.is_served() {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = |idle: &Idle| idle.project == project && idle.subject == subject.name();
            if let Some(idle) = all.iter().rposition(fits).and_then(|at| all.remove(at)) {
                return Ok(idle.running);
            }
        }
        Running::start(subject, &case.project, case.is_served())
    }

    /// Takes back one on which a case has passed.
    pub(super) fn give_back(&self, subject: &Subject, case: &Case, running: Running) {
        if case.is_alone() || !case.is_served() {
            return;
        }
        let idle =
            Idle { subject: subject.name().to_owned(), project: case.project.key(), running };
        let oldest = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.push_back(idle);
            if all.len() > IDLE { all.pop_front() } else { None }
        };
        // Ended without the lock.
        drop(oldest);
    }
}
