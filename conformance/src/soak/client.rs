//! A client that judges what it gets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::random::Random;
use crate::{Raw, Response, problem, request};

/// Why a deed went wrong.
#[derive(Debug)]
pub(super) enum Wrong {
    /// A 5xx that the request did not ask for.
    Unexplained(String),
    /// Anything else.
    Other(String),
}

impl From<String> for Wrong {
    fn from(what: String) -> Self {
        Self::Other(what)
    }
}

pub(super) type Done = Result<(), Wrong>;

/// What a client does: once, with as many requests as it takes.
pub(super) struct Deed {
    pub(super) name: &'static str,
    /// How often it is done, compared with the others of its kind.
    pub(super) weight: u64,
    pub(super) run: fn(&mut Client<'_>) -> Done,
}

/// What all clients share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) address: SocketAddr,
    pub(super) origin: SocketAddr,
    pub(super) page: Vec<u8>,
    pub(super) etag: String,
    pub(super) is_over: AtomicBool,
}

/// A request, and which 5xx it asks for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) fields: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
    /// The kinds of errors, by `mik-error`, or statuses of a 5xx without one.
    pub(super) may: &'a [&'a str],
    /// Whether a guest passes the error on, in words of its own.
    pub(super) is_passed_on: bool,
}

/// What came of all that a client did.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) deeds: BTreeMap<&'static str, Count>,
    /// Requests that were answered, and those of which the server may have seen a head and no answer was read.
    pub(super) answered: u64,
    pub(super) left: u64,
    /// 5xx that were asked for.
    pub(super) asked: BTreeMap<String, u64>,
    pub(super) unexplained: u64,
    pub(super) samples: Vec<String>,
}

/// How often something was done, and how often it went wrong.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Count {
    /// How often it was done.
    pub done: u64,
    /// How often it went wrong.
    pub wrong: u64,
}

/// One thread of traffic.
#[derive(Debug)]
pub(super) struct Client<'a> {
    pub(super) world: &'a World,
    pub(super) random: Random,
    pub(super) tally: Tally,
    /// A connection that is open and good for one more request.
    kept: Option<Raw>,
}

/// How many samples of what went wrong a client keeps.
const SAMPLES: usize = 3;

impl<'a> Client<'a> {
    pub(super) fn of(world: &'a World, seed: u64) -> Self {
        Self { world, random: Random::of(seed), tally: Tally::default(), kept: None }
    }

    /// Does one of these, and notes what came of it.
    pub(super) fn one_of(&mut self, deeds: &[Deed]) {
        let all: u64 = deeds.iter().map(|deed| deed.weight).sum();
        let mut drawn = self.random.below(all);
        let deed = deeds.iter().find(|deed| match drawn.checked_sub(deed.weight) {
            Some(left) => {
                drawn = left;
                false
            }
            None => true,
        });
        if let Some(deed) = deed {
            self.act(deed);
        }
    }

    /// Does this, and notes what came of it.
    pub(super) fn act(&mut self, deed: &Deed) {
        let done = (deed.run)(self);
        let count = self.tally.deeds.entry(deed.name).or_default();
        count.done += 1;
        let Err(wrong) = done else { return };
        count.wrong += 1;
        self.kept = None;
        let what = match wrong {
            Wrong::Unexplained(what) => {
                self.tally.unexplained += 1;
                what
            }
            Wrong::Other(what) => what,
        };
        if self.tally.samples.len() < SAMPLES {
            self.tally.samples.push(format!("{}: {what}", deed.name));
        }
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Result<Raw, Wrong> {
        Raw::try_connect(self.world.address)
            .map_err(|error| Wrong::Other(format!("connect: {error}")))
    }

    /// A connection that was used before, most of the time.
    pub(super) fn connection(&mut self) -> Result<Raw, Wrong> {
        match self.kept.take() {
            Some(raw) if !self.random.per_mille(50) => Ok(raw),
            _ => self.connect(),
        }
    }

    /// Gives a connection back for a further request.
    pub(super) fn keep(&mut self, raw: Raw) {
        self.kept = Some(raw);
    }

    /// Sends a request and reads its answer.
    pub(super) fn ask(&mut self, ask: Ask<'_>) -> Result<Response, Wrong> {
        let mut raw = self.connection()?;
        let answer = raw.request(ask.method, ask.target, ask.fields, ask.body);
        self.tally.left += 1;
        let answer = answer.map_err(|stop| format!("{} {}: {stop}", ask.method, ask.target))?;
        self.tally.left -= 1;
        self.judge(&answer, &ask)?;
        let closes =
            answer.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if answer.is_whole() && !closes {
            self.keep(raw);
        }
        Ok(answer)
    }

    /// Counts an answer. A 5xx must be one that was asked for.
    pub(super) fn judge(&mut self, answer: &Response, ask: &Ask<'_>) -> Done {
        self.tally.answered += 1;
        if !ask.is_passed_on {
            problem(answer)?;
        }
        if answer.status() < 500 {
            return Ok(());
        }
        let status = answer.status().to_string();
        let kind = answer.kind().unwrap_or(&status);
        if !ask.may.contains(&kind) {
            return Err(Wrong::Unexplained(format!("{} {}: {answer}", ask.method, ask.target)));
        }
        *self.tally.asked.entry(kind.to_owned()).or_default() += 1;
        Ok(())
    }

    /// A GET that must be answered with 200 and this body.
    pub(super) fn get(&mut self, target: &str, body: &[u8]) -> Done {
        let answer = self.ask(Ask { method: "GET", target, ..Ask::default() })?;
        right(&answer, 200, body)
    }

    /// A POST that must be answered with 200 and this body.
    pub(super) fn post(&mut self, target: &str, sent: &[u8], body: &[u8]) -> Done {
        let answer = self.ask(Ask { method: "POST", target, body: sent, ..Ask::default() })?;
        right(&answer, 200, body)
    }

    /// Sends a request of which the answer is not waited for.
    pub(super) fn begin(&mut self, target: &str) -> Result<Raw, Wrong> {
        let mut raw = self.connect()?;
        self.tally.left += 1;
        raw.send(request("GET", target, &[], b"")).map_err(|error| error.to_string())?;
        Ok(raw)
    }

    /// Whether traffic goes on.
    pub(super) fn goes_on(&self) -> bool {
        !self.world.is_over.load(Ordering::Relaxed)
    }
}

/// The answer has this status and this body, whole.
pub(super) fn right(answer: &Response, status: u16, body: &[u8]) -> Done {
    if answer.status() != status || !answer.is_whole() {
        return Err(Wrong::Other(format!("expected a whole {status}, got {answer}")));
    }
    if answer.body != body {
        let at = answer.body.iter().zip(body).position(|(found, expected)| found != expected);
        let at = at.unwrap_or_else(|| answer.body.len().min(body.len()));
        return Err(Wrong::Other(format!(
            "the body differs at byte {at} of {} ({} expected): {answer}",
            answer.body.len(),
            body.len()
        )));
    }
    Ok(())
}
