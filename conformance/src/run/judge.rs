//! Whether what came is what must come.

use std::time::Duration;

use super::rules::{bytes, fields};
use crate::case::{Expect, Fate, Filled, Wholeness};
use crate::cases::{Outcome, problem};
use crate::raw::Response;
use crate::wire::Stop;

/// What came of a step.
#[derive(Debug, Default)]
pub(super) struct Came {
    /// The answers, as far as they were waited for.
    pub(super) answers: Vec<Response>,
    /// How it ended, if it did, or was waited for.
    pub(super) end: Option<Stop>,
    /// What a further request on the connection came to.
    pub(super) further: Option<Outcome>,
    /// Only a part was read.
    pub(super) is_part: bool,
    /// How long it took.
    pub(super) took: Duration,
}

impl Came {
    /// One more answer. With one that breaks off, all ends.
    pub(super) fn answer(&mut self, answer: Response) {
        self.end.clone_from(&answer.broken);
        self.answers.push(answer);
    }
}

/// Judges it.
pub(super) fn judge(expect: &Expect, came: &Came, with: &Filled) -> Outcome {
    all(expect, came, with, expect.any.is_empty())?;
    if expect.any.is_empty() {
        return Ok(());
    }
    let mut failures = Vec::new();
    for one in &expect.any {
        match all(one, came, with, true) {
            Ok(()) => return Ok(()),
            Err(failure) => failures.push(failure),
        }
    }
    Err(format!("none of what may come: {}", failures.join("; or ")))
}

/// `demands`: an answer must be there and be right, even if nothing is said of it.
fn all(expect: &Expect, came: &Came, with: &Filled, demands: bool) -> Outcome {
    if expect.nothing {
        if !came.answers.is_empty() {
            return Err("an answer came".to_owned());
        }
        ended(came)?;
    } else if demands || expect.says_of_answers() {
        let wanted = expect.wanted();
        if came.answers.len() < wanted || (came.end.is_some() && came.answers.len() > wanted) {
            return Err(format!("{} answers, not {wanted}", came.answers.len()));
        }
        for (index, answer) in came.answers.iter().enumerate() {
            let rule = match index {
                0 => expect,
                next => expect.then.get(next - 1).unwrap_or(expect),
            };
            answered(rule, answer, came.is_part, with).map_err(|failure| {
                if wanted > 1 { format!("answer {}: {failure}", index + 1) } else { failure }
            })?;
        }
    }
    match (expect.connection, &came.further) {
        (Fate::Any, _) => {}
        (Fate::Closed, _) => ended(came)?,
        (Fate::Open, Some(further)) => further.clone()?,
        (Fate::Open, None) => return Err("the connection has ended".to_owned()),
    }
    match expect.within {
        Some(within) if came.took > within => return Err(format!("it took {:?}", came.took)),
        _ => {}
    }
    match expect.not_before {
        Some(earliest) if came.took < earliest => Err(format!("it took {:?} only", came.took)),
        _ => Ok(()),
    }
}

fn ended(came: &Came) -> Outcome {
    match came.end {
        Some(Stop::Closed | Stop::Reset) => Ok(()),
        _ => Err("the connection does not end".to_owned()),
    }
}

fn answered(expect: &Expect, answer: &Response, is_part: bool, with: &Filled) -> Outcome {
    let status = answer.status();
    match (&expect.status, &expect.kind) {
        (Some(statuses), _) if !statuses.0.contains(&status) => {
            return Err(format!("the status is {status}, not {:?}", statuses.0));
        }
        (None, None) if status != 200 => return Err(format!("the status is {status}, not 200")),
        _ => {}
    }
    if let Some(interim) =
        expect.interim.as_ref().filter(|interim| **interim != answer.head.interim)
    {
        return Err(format!("the interim answers are {:?}, not {interim:?}", answer.head.interim));
    }
    if let Some(kinds) = &expect.kind {
        let found = answer.kind().unwrap_or("none");
        // A guest may hand on what it was answered, so only an expected error must be a problem document.
        if !is_part && answer.may_have_body() {
            problem(answer)?;
        }
        if !kinds.0.iter().any(|kind| kind == found) {
            return Err(format!("the error is {found}, not {:?}", kinds.0));
        }
    }
    match expect.whole {
        _ if is_part => {}
        Wholeness::Whole if !answer.is_whole() => return Err("the body breaks off".to_owned()),
        Wholeness::Broken if answer.is_whole() => {
            return Err("the body ends as if it were whole".to_owned());
        }
        _ => {}
    }
    fields("field", &expect.headers, &answer.head.fields, with)?;
    fields("trailer", &expect.trailers, &answer.trailers, with)?;
    expect.body.as_ref().map_or(Ok(()), |rule| bytes("the body", rule, &answer.body, with))
}

impl Expect {
    /// How many answers come.
    pub(super) fn wanted(&self) -> usize {
        if self.nothing { 0 } else { self.answers.unwrap_or(1 + self.then.len()) }
    }

    /// Whether the end of the connection must be waited for.
    pub(super) fn waits_for_end(&self) -> bool {
        self.nothing || self.connection == Fate::Closed || self.any.iter().any(Self::waits_for_end)
    }

    /// Whether what may come is something without the end of the connection, too.
    pub(super) fn may_do_without_end(&self) -> bool {
        self.any.iter().any(|one| !one.waits_for_end())
    }

    /// Whether a further request shows that the connection is open.
    pub(super) fn asks_further(&self) -> bool {
        self.connection == Fate::Open || self.any.iter().any(Self::asks_further)
    }

    fn says_of_answers(&self) -> bool {
        self.status.is_some()
            || self.kind.is_some()
            || self.answers.is_some()
            || self.body.is_some()
            || !self.headers.is_empty()
            || !self.then.is_empty()
    }
}
