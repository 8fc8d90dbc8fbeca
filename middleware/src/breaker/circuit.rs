//! The state machine of one circuit: no clock, no lock, no task. It is told the time.

use std::time::Duration;

use tokio::time::Instant;

use super::window::Window;

/// How far an open time may lie from the nominal one, as a share of it.
const JITTER: f64 = 0.1;
/// When to come back while a probe is out: how long it takes is not known.
const PROBING: Duration = Duration::from_secs(1);

/// When a circuit opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Policy {
    /// Failures in a row that open it; 0 for "however many".
    pub(super) consecutive: u32,
    /// The failure rate that opens it.
    pub(super) rate: Option<Rate>,
    /// How long it stays open the first time.
    pub(super) open: Duration,
    /// The longest that it stays open.
    pub(super) max_open: Duration,
    /// How much longer it stays open each further time.
    pub(super) factor: f64,
}

/// A failure rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    /// Failures, as a share of all calls.
    pub(super) share: f64,
    /// The time within which they are counted.
    pub(super) window: Duration,
    /// Fewer calls than these say nothing.
    pub(super) min_calls: u32,
}

/// What the end of a call says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    Failure,
    /// Nothing about the health of what was called.
    Neither,
}

/// A call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admission {
    /// Verdicts count for the generation in which their call began, and for no other.
    pub(super) generation: u64,
    /// It is the one that decides.
    pub(super) is_probe: bool,
}

/// Where a circuit stands; the numbers are those of the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Closed = 0,
    HalfOpen = 1,
    Open = 2,
}

/// One circuit.
#[derive(Debug)]
pub(super) struct Circuit {
    policy: Policy,
    state: State,
    /// Grows with each change of the state.
    generation: u64,
    /// Times that it opened since it was last closed.
    openings: u32,
    random: fastrand::Rng,
}

#[derive(Debug)]
enum State {
    Closed { in_a_row: u32, window: Option<Window> },
    Open { until: Instant },
    HalfOpen(Probe),
}

/// The one call that a half-open circuit lets through.
#[derive(Debug, Clone, Copy)]
enum Probe {
    /// The next call is the probe.
    Due,
    /// On its way.
    Out,
    /// Its response head was fine; its body still comes.
    Answered(Instant),
}

impl Circuit {
    pub(super) fn new(policy: Policy, now: Instant, random: fastrand::Rng) -> Self {
        let state = State::Closed { in_a_row: 0, window: policy.window(now) };
        Self { policy, state, generation: 0, openings: 0, random }
    }

    /// Lets a call through, or says when to come back.
    ///
    /// A probe whose head was fine and whose body has come for as long as the circuit opens at first has
    /// shown enough: an answer without end must not keep all others out.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Admission, Duration> {
        match self.state {
            State::Closed { .. } => return Ok(self.admission(false)),
            State::Open { until } if now < until => return Err(until - now),
            State::HalfOpen(Probe::Out) => return Err(PROBING),
            State::HalfOpen(Probe::Answered(at)) => {
                let enough = at + self.policy.open;
                if now < enough {
                    return Err(enough - now);
                }
                self.close(now);
                return Ok(self.admission(false));
            }
            State::Open { .. } | State::HalfOpen(Probe::Due) => {}
        }
        self.enter(State::HalfOpen(Probe::Out));
        Ok(self.admission(true))
    }

    /// Takes note that the response head of a call was fine.
    pub(super) fn answered(&mut self, generation: u64, now: Instant) {
        if generation == self.generation
            && let State::HalfOpen(probe) = &mut self.state
        {
            *probe = Probe::Answered(now);
        }
    }

    /// Takes note of how a call ended.
    pub(super) fn settle(&mut self, generation: u64, verdict: Verdict, now: Instant) {
        if generation != self.generation {
            return;
        }
        match (&mut self.state, verdict) {
            (State::Closed { in_a_row, window }, Verdict::Success) => {
                *in_a_row = 0;
                if let Some(window) = window {
                    window.add(now, false);
                }
            }
            (State::Closed { in_a_row, window }, Verdict::Failure) => {
                *in_a_row = in_a_row.saturating_add(1);
                if self.policy.is_too_much(*in_a_row, window.as_mut(), now) {
                    self.open(now);
                }
            }
            (State::HalfOpen(_), Verdict::Success) => self.close(now),
            (State::HalfOpen(_), Verdict::Failure) => self.open(now),
            (State::HalfOpen(_), Verdict::Neither) => self.enter(State::HalfOpen(Probe::Due)),
            (State::Closed { .. }, Verdict::Neither) | (State::Open { .. }, _) => {}
        }
    }

    /// Where the last call left it.
    pub(super) fn kind(&self) -> Kind {
        match self.state {
            State::Closed { .. } => Kind::Closed,
            State::Open { .. } => Kind::Open,
            State::HalfOpen(_) => Kind::HalfOpen,
        }
    }

    /// Where it stands for the next call.
    pub(super) fn kind_at(&self, now: Instant) -> Kind {
        match self.state {
            State::Open { until } if until <= now => Kind::HalfOpen,
            _ => self.kind(),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether one more success would change nothing.
    pub(super) fn is_unstained(&self) -> bool {
        matches!(self.state, State::Closed { in_a_row: 0, window: None })
    }

    /// How long it is open from now.
    pub(super) fn open_for(&self, now: Instant) -> Duration {
        match self.state {
            State::Open { until } => until.saturating_duration_since(now),
            State::Closed { .. } | State::HalfOpen(_) => Duration::ZERO,
        }
    }

    fn admission(&self, is_probe: bool) -> Admission {
        Admission { generation: self.generation, is_probe }
    }

    fn enter(&mut self, state: State) {
        self.generation += 1;
        self.state = state;
    }

    fn close(&mut self, now: Instant) {
        self.openings = 0;
        self.enter(State::Closed { in_a_row: 0, window: self.policy.window(now) });
    }

    fn open(&mut self, now: Instant) {
        let time = self.policy.open_time(self.openings, self.random.f64());
        self.openings = self.openings.saturating_add(1);
        self.enter(State::Open { until: now + time });
    }
}

impl Policy {
    fn window(&self, now: Instant) -> Option<Window> {
        self.rate.map(|rate| Window::new(rate.window, now))
    }

    /// Whether this failure is one too many.
    fn is_too_much(&self, in_a_row: u32, window: Option<&mut Window>, now: Instant) -> bool {
        let too_often = match (self.rate, window) {
            (Some(rate), Some(window)) => {
                window.add(now, true);
                let tally = window.tally(now);
                let share = f64::from(tally.failures) / f64::from(tally.calls);
                tally.calls >= rate.min_calls && share >= rate.share
            }
            _ => false,
        };
        too_often || (self.consecutive > 0 && in_a_row >= self.consecutive)
    }

    /// How long it stays open after it has opened `before` times without being closed. `luck`, from 0 to
    /// 1, spreads it, so that many circuits do not probe at the same moment.
    fn open_time(&self, before: u32, luck: f64) -> Duration {
        let [base, cap] = [self.open, self.max_open].map(|time| time.as_secs_f64());
        let exponent = i32::try_from(before).unwrap_or(i32::MAX);
        let nominal = (base * self.factor.powi(exponent)).min(cap);
        let (least, most) = (nominal * (1.0 - JITTER), nominal * (1.0 + JITTER));
        let (least, most) = (least.max(base), most.min(cap));
        let time = least + (most - least) * luck;
        Duration::from_secs_f64(time).clamp(self.open, self.max_open)
    }
}

#[cfg(test)]
mod tests;
