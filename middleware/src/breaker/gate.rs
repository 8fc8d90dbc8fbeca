//! One circuit as all calls of its target share it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::Counter;
use mik_core::units::format_duration;
use mik_core::{Call, Target};
use tokio::time::Instant;

use super::circuit::{Admission, Circuit, Kind, Policy, Verdict};
use super::pass::Pass;
use super::verdict::Counted;
use crate::label::label;

/// The counter of transitions, once there is a meter.
pub(super) type Transitions = Arc<OnceLock<Counter<u64>>>;

/// A circuit behind a lock that healthy calls do not take.
#[derive(Debug)]
pub(super) struct Gate {
    target: Target,
    pub(super) counted: Counted,
    circuit: Mutex<Circuit>,
    /// What a healthy call must know of the circuit; written under the lock.
    glance: AtomicU64,
    transitions: Transitions,
}

/// Bits of the glance: the circuit is closed; one more success would change nothing. Above them stands
/// the generation.
const CLOSED: u64 = 1;
const UNSTAINED: u64 = 2;
const SHIFT: u32 = 2;

impl Gate {
    pub(super) fn new(
        target: Target,
        policy: Policy,
        counted: Counted,
        transitions: Transitions,
    ) -> Self {
        let circuit = Circuit::new(policy, Instant::now(), fastrand::Rng::new());
        let glance = AtomicU64::new(glance(&circuit));
        Self { target, counted, circuit: Mutex::new(circuit), glance, transitions }
    }

    /// Lets a call through, or says when to come back.
    pub(super) fn enter(self: &Arc<Self>, call: &Call) -> Result<Pass, Duration> {
        let glance = self.glance.load(Ordering::Acquire);
        let admission = match glance & CLOSED {
            CLOSED => Admission { generation: glance >> SHIFT, is_probe: false },
            _ => self.change(Circuit::admit)?,
        };
        Ok(Pass::new(self.clone(), admission, call.deadline()))
    }

    /// Takes note that the head of a probe was fine.
    pub(super) fn answered(&self, admission: Admission) {
        if admission.is_probe {
            self.change(|circuit, now| circuit.answered(admission.generation, now));
        }
    }

    /// Takes note of how a call ended.
    pub(super) fn settle(&self, admission: Admission, verdict: Verdict) {
        let glance = self.glance.load(Ordering::Acquire);
        let changes_nothing = match verdict {
            Verdict::Success => glance & UNSTAINED != 0 && glance >> SHIFT == admission.generation,
            Verdict::Failure => false,
            Verdict::Neither => !admission.is_probe,
        };
        if !changes_nothing {
            self.change(|circuit, now| circuit.settle(admission.generation, verdict, now));
        }
    }

    pub(super) fn kind(&self) -> Kind {
        let circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        circuit.kind_at(Instant::now())
    }

    /// Works on the circuit, and tells if that has changed where it stands.
    fn change<T>(&self, work: impl FnOnce(&mut Circuit, Instant) -> T) -> T {
        let now = Instant::now();
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        let before = circuit.kind();
        let result = work(&mut circuit, now);
        self.glance.store(glance(&circuit), Ordering::Release);
        let (kind, open_for) = (circuit.kind(), circuit.open_for(now));
        drop(circuit);
        if kind != before {
            self.tell(kind, open_for);
        }
        result
    }

    fn tell(&self, kind: Kind, open_for: Duration) {
        let circuit = &self.target;
        let to = match kind {
            Kind::Open => {
                let time = format_duration(open_for);
                tracing::warn!(%circuit, "circuit open: calls are refused for {time}");
                "open"
            }
            Kind::HalfOpen => {
                tracing::debug!(%circuit, "circuit half open: one call is let through");
                "half_open"
            }
            Kind::Closed => {
                tracing::info!(%circuit, "circuit closed");
                "closed"
            }
        };
        if let Some(transitions) = self.transitions.get() {
            transitions.add(1, &[label(circuit), KeyValue::new("to", to)]);
        }
    }
}

fn glance(circuit: &Circuit) -> u64 {
    let closed = if circuit.kind() == Kind::Closed { CLOSED } else { 0 };
    let unstained = if circuit.is_unstained() { UNSTAINED } else { 0 };
    circuit.generation() << SHIFT | unstained | closed
}
