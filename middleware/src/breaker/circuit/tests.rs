//! The state machine against a model of it, and what must hold whatever happens.

use proptest::prelude::*;

use super::*;

const OPEN: Duration = Duration::from_millis(1_000);
const MAX_OPEN: Duration = Duration::from_millis(5_500);
const CONSECUTIVE: u32 = 3;

fn policy() -> Policy {
    Policy { consecutive: CONSECUTIVE, rate: None, open: OPEN, max_open: MAX_OPEN, factor: 2.0 }
}

fn circuit(policy: Policy, seed: u64) -> (Circuit, Instant) {
    let now = Instant::now();
    (Circuit::new(policy, now, fastrand::Rng::with_seed(seed)), now)
}

/// What may happen to a circuit.
#[derive(Debug, Clone, Copy)]
enum Event {
    Wait(u64),
    Call,
    /// The head of one of the calls on their way is fine.
    Head(usize),
    /// One of the calls on their way ends.
    End(usize, Verdict),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let verdict = prop_oneof![
        1 => Just(Verdict::Success),
        3 => Just(Verdict::Failure),
        1 => Just(Verdict::Neither),
    ];
    let event = prop_oneof![
        2 => (0_u64..1_500).prop_map(Event::Wait),
        1 => Just(Event::Wait(5_500)),
        5 => Just(Event::Call),
        1 => any::<usize>().prop_map(Event::Head),
        5 => (any::<usize>(), verdict).prop_map(|(which, verdict)| Event::End(which, verdict)),
    ];
    prop::collection::vec(event, 1..300)
}

/// What a circuit is meant to be, told by the calls themselves instead of by generations.
struct Model {
    phase: Phase,
    /// The calls on their way that may still change something, each with what it was let through as.
    counting: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Closed {
        failures: u32,
    },
    /// After so many probes in a row that failed.
    Open {
        since: Instant,
        before: u32,
    },
    Probing {
        probe: Option<u64>,
        fine_since: Option<Instant>,
        before: u32,
    },
}

impl Model {
    /// Whether a call may pass now, as the probe or not; `None` where chance decides.
    fn expects(&self, now: Instant) -> Option<Result<bool, ()>> {
        Some(match self.phase {
            Phase::Closed { .. } => Ok(false),
            Phase::Open { since, before } => {
                let (least, most) = bounds(before);
                match now - since {
                    time if time < least => Err(()),
                    time if time >= most => Ok(true),
                    _ => return None,
                }
            }
            Phase::Probing { probe: None, .. } => Ok(true),
            Phase::Probing { fine_since: Some(at), .. } if now - at >= OPEN => Ok(false),
            Phase::Probing { .. } => Err(()),
        })
    }

    fn passed(&mut self, call: u64, is_probe: bool) {
        match (self.phase, is_probe) {
            (Phase::Open { before, .. } | Phase::Probing { before, .. }, true) => {
                let probe = Some(call);
                self.turn(Phase::Probing { probe, fine_since: None, before });
            }
            // The probe before had shown enough.
            (Phase::Probing { .. }, false) => self.turn(Phase::Closed { failures: 0 }),
            _ => {}
        }
        self.counting.push(call);
    }

    fn ended(&mut self, call: u64, verdict: Verdict, now: Instant) {
        if !self.counting.contains(&call) {
            return;
        }
        self.counting.retain(|other| *other != call);
        let closed = Phase::Closed { failures: 0 };
        match (&mut self.phase, verdict) {
            (Phase::Closed { failures }, Verdict::Failure) => {
                *failures += 1;
                if *failures == CONSECUTIVE {
                    self.turn(Phase::Open { since: now, before: 0 });
                }
            }
            (Phase::Closed { failures }, Verdict::Success) => *failures = 0,
            (Phase::Probing { .. }, Verdict::Success) => self.turn(closed),
            (Phase::Probing { before, .. }, Verdict::Failure) => {
                let before = *before + 1;
                self.turn(Phase::Open { since: now, before });
            }
            (Phase::Probing { before, .. }, Verdict::Neither) => {
                let before = *before;
                self.turn(Phase::Probing { probe: None, fine_since: None, before });
            }
            _ => {}
        }
    }

    fn answered(&mut self, call: u64, now: Instant) {
        if let Phase::Probing { probe, fine_since, .. } = &mut self.phase
            && *probe == Some(call)
        {
            *fine_since = Some(now);
        }
    }

    /// What began before does not count any more.
    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.counting.clear();
    }
}

/// The least and the most that it may stay open, after so many probes that failed.
fn bounds(before: u32) -> (Duration, Duration) {
    let mut nominal = OPEN;
    for _ in 0..before {
        nominal = MAX_OPEN.min(nominal * 2);
    }
    ((nominal * 9 / 10).max(OPEN), (nominal * 11 / 10).min(MAX_OPEN))
}

/// The calls that were let through and have not ended.
type OnTheirWay = Vec<(u64, Admission)>;

fn pick(calls: &OnTheirWay, which: usize) -> Option<usize> {
    (!calls.is_empty()).then(|| which % calls.len())
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(events in events(), seed: u64) {
        let (mut circuit, mut now) = circuit(policy(), seed);
        let phase = Phase::Closed { failures: 0 };
        let mut model = Model { phase, counting: Vec::new() };
        let mut calls = OnTheirWay::new();
        for (id, event) in (0_u64..).zip(events) {
            match event {
                Event::Wait(ms) => now += Duration::from_millis(ms),
                Event::Call => {
                    let expected = model.expects(now);
                    let admitted = circuit.admit(now);
                    if let Some(expected) = expected {
                        let is_probe = admitted.map(|admission| admission.is_probe);
                        prop_assert_eq!(is_probe.map_err(|_| ()), expected);
                    }
                    match admitted {
                        Ok(admission) => {
                            model.passed(id, admission.is_probe);
                            calls.push((id, admission));
                        }
                        Err(retry_after) => {
                            prop_assert!(retry_after > Duration::ZERO && retry_after <= MAX_OPEN);
                        }
                    }
                }
                Event::Head(which) => {
                    let Some(index) = pick(&calls, which) else { continue };
                    let (id, admission) = calls[index];
                    model.answered(id, now);
                    if admission.is_probe {
                        circuit.answered(admission.generation, now);
                    }
                }
                Event::End(which, verdict) => {
                    let Some(index) = pick(&calls, which) else { continue };
                    let (id, admission) = calls.swap_remove(index);
                    model.ended(id, verdict, now);
                    circuit.settle(admission.generation, verdict, now);
                }
            }
            let kind = match model.phase {
                Phase::Closed { .. } => Kind::Closed,
                Phase::Open { .. } => Kind::Open,
                Phase::Probing { .. } => Kind::HalfOpen,
            };
            prop_assert_eq!(circuit.kind(), kind);
        }
    }

    #[test]
    fn never_more_than_one_probe_is_out(events in events(), seed: u64) {
        let (mut circuit, mut now) = circuit(policy(), seed);
        let mut calls = OnTheirWay::new();
        // The probe, and since when its head was fine.
        let mut probe: Option<(u64, Option<Instant>)> = None;
        for (id, event) in (0_u64..).zip(events) {
            match event {
                Event::Wait(ms) => now += Duration::from_millis(ms),
                Event::Call => {
                    let Ok(admission) = circuit.admit(now) else { continue };
                    if let Some((_, fine_since)) = probe {
                        let shown = fine_since.is_some_and(|at| now - at >= OPEN);
                        prop_assert!(shown, "a call passed while the probe was out");
                        prop_assert!(!admission.is_probe, "a second probe");
                        probe = None;
                    }
                    if admission.is_probe {
                        probe = Some((id, None));
                    }
                    calls.push((id, admission));
                }
                Event::Head(which) => {
                    let Some(index) = pick(&calls, which) else { continue };
                    let (id, admission) = calls[index];
                    circuit.answered(admission.generation, now);
                    if let Some((out, fine_since)) = &mut probe && *out == id {
                        *fine_since = Some(now);
                    }
                }
                Event::End(which, verdict) => {
                    let Some(index) = pick(&calls, which) else { continue };
                    let (id, admission) = calls.swap_remove(index);
                    circuit.settle(admission.generation, verdict, now);
                    probe = probe.filter(|(out, _)| *out != id);
                }
            }
        }
    }

    #[test]
    fn a_verdict_of_an_earlier_state_changes_nothing(events in events(), seed: u64) {
        let (mut circuit, mut now) = circuit(policy(), seed);
        let mut calls = OnTheirWay::new();
        for event in events {
            match event {
                Event::Wait(ms) => now += Duration::from_millis(ms),
                Event::Call => calls.extend(circuit.admit(now).map(|admission| (0, admission))),
                Event::Head(_) => {}
                Event::End(which, verdict) => {
                    let Some(index) = pick(&calls, which) else { continue };
                    let (_, admission) = calls.swap_remove(index);
                    let before = format!("{circuit:?}");
                    let is_late = admission.generation != circuit.generation();
                    circuit.settle(admission.generation, verdict, now);
                    let after = format!("{circuit:?}");
                    prop_assert!(!is_late || after == before);
                }
            }
        }
    }

    /// Whatever has happened: when all calls have gone and the longest open time has passed, one call
    /// that succeeds closes it.
    #[test]
    fn it_always_recovers(events in events(), seed: u64, patient: bool) {
        let (mut circuit, mut now) = circuit(policy(), seed);
        let mut calls = OnTheirWay::new();
        for event in events {
            match event {
                Event::Wait(ms) => now += Duration::from_millis(ms),
                Event::Call => calls.extend(circuit.admit(now).map(|admission| (0, admission))),
                Event::Head(which) => {
                    if let Some(index) = pick(&calls, which) {
                        circuit.answered(calls[index].1.generation, now);
                    }
                }
                Event::End(which, verdict) => {
                    if let Some(index) = pick(&calls, which) {
                        circuit.settle(calls.swap_remove(index).1.generation, verdict, now);
                    }
                }
            }
        }
        for (_, admission) in calls {
            match patient {
                // Answers that never end.
                true => circuit.answered(admission.generation, now),
                false => circuit.settle(admission.generation, Verdict::Neither, now),
            }
        }
        now += MAX_OPEN;
        let admission = circuit.admit(now);
        prop_assert!(admission.is_ok());
        circuit.settle(admission.unwrap().generation, Verdict::Success, now);
        prop_assert_eq!(circuit.kind(), Kind::Closed);
        for _ in 0..3 {
            let admission = circuit.admit(now);
            prop_assert!(admission.is_ok_and(|admission| !admission.is_probe));
        }
    }

    #[test]
    fn it_is_open_for_no_less_than_the_base_and_no_more_than_the_cap(
        open_ms in 1_u64..100_000,
        more_ms in 0_u64..1_000_000,
        factor in 1.0_f64..10.0,
        before: u32,
        luck in 0.0_f64..1.0,
    ) {
        let open = Duration::from_millis(open_ms);
        let max_open = open + Duration::from_millis(more_ms);
        let policy = Policy { consecutive: 1, rate: None, open, max_open, factor };
        let time = policy.open_time(before, luck);
        prop_assert!((open..=max_open).contains(&time), "{time:?} not in {open:?}..={max_open:?}");
    }

    #[test]
    fn a_probe_that_fails_opens_it_for_longer(before in 0_u32..40, earlier: f64, later: f64) {
        let luck = |luck: f64| luck.abs().fract();
        prop_assume!(earlier.is_finite() && later.is_finite());
        let policy = Policy { max_open: OPEN * 1_000_000, ..policy() };
        let times = (policy.open_time(before, luck(earlier)), policy.open_time(before + 1, luck(later)));
        prop_assert!(times.0 < times.1 || times.1 >= policy.max_open.mul_f64(0.9), "{times:?}");
    }
}

#[test]
fn chance_spreads_the_open_times() {
    let times: std::collections::BTreeSet<_> = (0..100)
        .map(|seed| {
            let (mut circuit, now) = circuit(policy(), seed);
            for _ in 0..CONSECUTIVE {
                circuit.settle(0, Verdict::Failure, now);
            }
            circuit.open_for(now)
        })
        .collect();
    assert!(times.len() > 90, "{times:?}");
    assert!(*times.last().unwrap() - *times.first().unwrap() > OPEN / 20);
}

#[test]
fn successes_in_between_keep_it_closed() {
    let (mut circuit, now) = circuit(policy(), 0);
    for _ in 0..100 {
        circuit.settle(0, Verdict::Failure, now);
        circuit.settle(0, Verdict::Failure, now);
        circuit.settle(0, Verdict::Neither, now);
        circuit.settle(0, Verdict::Success, now);
    }
    assert_eq!((circuit.kind(), circuit.generation()), (Kind::Closed, 0));
}

#[test]
fn a_failure_rate_opens_it_within_its_window_only() {
    let rate = Rate { share: 0.5, window: Duration::from_secs(10), min_calls: 10 };
    let policy = Policy { consecutive: 0, rate: Some(rate), ..policy() };
    let calls = |circuit: &mut Circuit, verdict, count, at| {
        (0..count).for_each(|_| circuit.settle(0, verdict, at));
    };
    // Half of the calls, but too few.
    let (mut few, now) = circuit(policy, 0);
    calls(&mut few, Verdict::Success, 4, now);
    calls(&mut few, Verdict::Failure, 5, now);
    assert_eq!(few.kind(), Kind::Closed);
    calls(&mut few, Verdict::Failure, 1, now);
    assert_eq!(few.kind(), Kind::Open);
    // Enough of them, but most are fine.
    let (mut fine, now) = circuit(policy, 0);
    calls(&mut fine, Verdict::Success, 20, now);
    calls(&mut fine, Verdict::Failure, 19, now);
    assert_eq!(fine.kind(), Kind::Closed);
    calls(&mut fine, Verdict::Failure, 1, now);
    assert_eq!(fine.kind(), Kind::Open);
    // Those of before have left the window.
    let (mut old, now) = circuit(policy, 0);
    calls(&mut old, Verdict::Failure, 9, now);
    calls(&mut old, Verdict::Failure, 1, now + Duration::from_secs(10));
    assert_eq!(old.kind(), Kind::Closed);
}
