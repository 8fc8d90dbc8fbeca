//! Named cases: all of them run, and one failure report lists every one that failed.

use crate::raw::{Received, Response};
use crate::wire::Stop;

/// What a case comes to: nothing, or the sentence that says what was wrong.
pub type Outcome = Result<(), String>;

/// The cases of one row.
#[derive(Debug)]
pub struct Cases {
    row: &'static str,
    ran: usize,
    failures: Vec<String>,
}

impl Cases {
    /// A row without cases yet.
    pub fn of(row: &'static str) -> Self {
        Self { row, ran: 0, failures: Vec::new() }
    }

    /// Notes what a case came to.
    pub fn note(&mut self, case: &str, outcome: Outcome) {
        self.ran += 1;
        if let Err(failure) = outcome {
            self.failures.push(format!("- {case}: {failure}"));
        }
    }

    /// Notes that something must hold, and what was found if it does not.
    pub fn check(&mut self, case: &str, holds: bool, found: impl std::fmt::Display) {
        self.note(case, if holds { Ok(()) } else { Err(found.to_string()) });
    }

    /// Fails with all that failed.
    ///
    /// # Panics
    /// If a case failed, or none ran.
    pub fn finish(self) {
        assert!(self.ran > 0, "{}: no case ran", self.row);
        assert!(
            self.failures.is_empty(),
            "{}: {} of {} checks failed\n{}",
            self.row,
            self.failures.len(),
            self.ran,
            self.failures.join("\n")
        );
    }
}

/// An outcome that adds what was sent and received to a failure.
pub fn told_with(outcome: Outcome, sent: &[u8], received: &Received) -> Outcome {
    outcome
        .map_err(|failure| format!("{failure}\n    sent {}\n    received {received}", shown(sent)))
}

/// Bytes as text with escapes, the middle of long ones left out.
pub fn shown(bytes: &[u8]) -> String {
    let escaped = |part: &[u8]| format!("{}", part.escape_ascii());
    match bytes.len() {
        0..=400 => format!("\"{}\"", escaped(bytes)),
        all => format!(
            "\"{}\" … \"{}\" ({all} bytes)",
            escaped(&bytes[..250]),
            escaped(&bytes[all - 100..])
        ),
    }
}

/// One answer with one of these statuses, then the end of the connection.
pub fn refused(received: &Received, statuses: &[u16]) -> Outcome {
    match received.answers.as_slice() {
        [answer] if statuses.contains(&answer.status()) => {
            if !answer.is_whole() {
                return Err(format!("the answer {} breaks off", answer.status()));
            }
            problem(answer)?;
            closed(received)
        }
        [] => Err(format!("expected {statuses:?}, then close; got no answer")),
        [answer] => Err(format!("expected {statuses:?}, got {}", answer.status())),
        answers => Err(format!("expected one answer, {statuses:?}; got {}", answers.len())),
    }
}

/// The connection has ended, and with nothing that is not HTTP.
pub fn closed(received: &Received) -> Outcome {
    match received.end {
        Stop::Closed | Stop::Reset => Ok(()),
        _ => Err("expected the connection to end".to_owned()),
    }
}

/// One whole answer with this status.
pub fn answered(received: &Received, status: u16) -> Outcome {
    match received.answers.as_slice() {
        [answer] if answer.status() == status && answer.is_whole() => Ok(()),
        _ => Err(format!("expected one whole answer with {status}")),
    }
}

/// What holds for each error that the host itself answers: a problem document of RFC 9457 whose kind
/// and status fit the header. An error without `mik-error` is one that the HTTP parser refused.
pub fn problem(answer: &Response) -> Outcome {
    let Some(kind) = answer.kind() else { return Ok(()) };
    let fault = |what: &str| Err(format!("{what} in the error response: {answer}"));
    if answer.field("content-type") != Some("application/problem+json") {
        return fault("no application/problem+json");
    }
    let body = answer.json();
    if body["status"] != answer.status() {
        return fault("another status, or no JSON,");
    }
    if body["type"].as_str().is_none_or(|urn| !urn.ends_with(kind)) {
        return fault("a type that does not end in its kind");
    }
    let strings = ["title", "instance"].iter().all(|key| body[key].is_string());
    if !strings {
        return fault("no title or no instance");
    }
    if !answer.is_whole() {
        return fault("a body that breaks off");
    }
    Ok(())
}

/// The answer is an error of the host of this kind.
pub fn failed_with(answer: &Response, status: u16, kind: &str) -> Outcome {
    if answer.status() != status || answer.kind() != Some(kind) {
        return Err(format!("expected {status} with mik-error {kind}, got {answer}"));
    }
    problem(answer)
}

/// Whether two things are equal.
#[expect(clippy::needless_pass_by_value, reason = "what is compared is mostly made for it")]
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}")) }
}
