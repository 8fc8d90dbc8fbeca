//! What holds in every row of the table of inputs and faults, whatever else the row says.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::cases::{Cases, Outcome};
use crate::mik::{Mik, eventually};
use crate::raw::{Raw, told};

/// An innocent request is answered within 250 ms: as a bound on hanging, ten times that.
pub const INNOCENT: Duration = Duration::from_millis(2_500);
/// Gauges are back within 5 s: as a bound on hanging, ten times that.
pub const BASELINE: Duration = Duration::from_secs(50);
/// The innocent request of most rows.
pub const HELLO: (&str, &str) = ("/run/hello/", "Hello from mik!\n");

impl Mik {
    /// Runs one case of a row: the fault, and while it goes on an innocent request again and again on
    /// a connection that was open before. Afterwards the process lives and nothing is in flight.
    ///
    /// The project needs the guest `hello`. Cases of one `Mik` run one after the other.
    pub fn case(&self, cases: &mut Cases, name: &str, fault: impl FnOnce() -> Outcome) {
        self.case_beside(cases, name, &[HELLO], fault);
    }

    /// The same with other innocent requests: targets, and the bodies that they are answered with.
    pub fn case_beside(
        &self,
        cases: &mut Cases,
        name: &str,
        innocents: &[(&str, &str)],
        fault: impl FnOnce() -> Outcome,
    ) {
        let _alone = self.row.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = beside(self.address(), innocents, fault);
        cases.note(name, outcome);
        cases.note(name, self.is_back());
    }

    /// The same without the innocent request: for rows about the number of connections.
    pub fn lone_case(&self, cases: &mut Cases, name: &str, fault: impl FnOnce() -> Outcome) {
        let _alone = self.row.lock().unwrap_or_else(PoisonError::into_inner);
        cases.note(name, fault());
        cases.note(name, self.is_back());
    }

    /// Whether it lives and has nothing in flight.
    pub(crate) fn is_back(&self) -> Outcome {
        if !self.lives() {
            return Err(format!("mik has ended; stderr:\n{}", self.stderr()));
        }
        settled(|| self.in_flight())
    }
}

/// Nothing is in flight any more, if not yet then soon.
pub(crate) fn settled(in_flight: impl Fn() -> Option<u64>) -> Outcome {
    let mut last = None;
    let is_settled = eventually(BASELINE, || {
        last = in_flight();
        last == Some(0)
    });
    if is_settled {
        Ok(())
    } else {
        Err(format!("{last:?} calls are still in flight {BASELINE:?} later"))
    }
}

/// Does something, and while it goes on asks these innocent requests again and again on a connection that was
/// open before: targets, and the bodies that they are answered with.
pub(crate) fn beside<T: AsRef<str> + Sync>(
    address: SocketAddr,
    innocents: &[(T, T)],
    fault: impl FnOnce() -> Outcome,
) -> Outcome {
    if innocents.is_empty() {
        return fault();
    }
    let mut connection = Raw::try_connect(address).map_err(|error| error.to_string())?;
    let mut all = move || {
        let mut each = innocents.iter();
        each.try_for_each(|(target, text)| {
            innocent(&mut connection, target.as_ref(), text.as_ref())
        })
    };
    all()?;
    let (over, is_over) = channel::<()>();
    let (outcome, harm) = thread::scope(|scope| {
        let bystander = scope.spawn(move || {
            loop {
                all()?;
                match is_over.recv_timeout(Duration::from_millis(25)) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return Ok(()),
                }
            }
        });
        let outcome = fault();
        drop(over);
        let harm = bystander.join();
        (outcome, harm.unwrap_or_else(|_| Err("the innocent request panicked".to_owned())))
    });
    outcome.and(harm)
}

/// One request that must be answered so, and in time.
fn innocent(connection: &mut Raw, target: &str, text: &str) -> Outcome {
    let started = Instant::now();
    let answer = connection.patience(PATIENCE.max(INNOCENT)).get(target);
    let took = started.elapsed();
    let what = format!("an innocent request to {target} on an open connection");
    match &answer {
        Ok(response) if response.status() == 200 && response.text() == text => {}
        _ => return Err(format!("{what} got {}", told(&answer))),
    }
    if took > INNOCENT {
        return Err(format!("{what} took {took:?}"));
    }
    Ok(())
}
