//! Where a world stays between two events.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::effect::Effect;
use super::natives::Natives;
use super::pile::Pile;
use crate::script::Loaded;
use crate::threads::{Refused, Watch};
use crate::{Broken, Event, Vm, World};

/// What a world has come to after some events.
#[derive(Debug)]
pub struct Step {
    pub(crate) effects: Vec<Effect>,
    pub(crate) result: Result<(), Broken>,
}

/// Where the world of one run stays, and how events reach it.
pub trait Seat<V: Vm>: Send + Sized + 'static {
    /// Worlds that wait for another run.
    type Kept: Default + Send + Sync;

    /// Drops the worlds that have waited for so long.
    fn sweep(kept: &Self::Kept, patience: Duration);

    /// A seat for one run.
    fn new(script: Arc<Loaded<V>>, watch: Arc<Watch>) -> Self;

    /// The natives of its world.
    fn natives(&self) -> &Natives;

    /// Hands events to the world, which must be here. The first step makes the world.
    ///
    /// # Errors
    /// When no thread has room for it.
    fn step(&mut self, events: Vec<Event>) -> Result<(), Refused>;

    /// Whether the world is at work.
    fn is_out(&self) -> bool;

    /// What it has come to. Only while it is at work.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step>;
}

/// The seat of a world that any thread may run: between two events it holds no thread.
pub struct Roaming<V: Vm<Seat = Self, World: Send>> {
    script: Arc<Loaded<V>>,
    natives: Natives,
    watch: Arc<Watch>,
    /// Runs that the world has served.
    used: u32,
    place: Place<V::World>,
}

enum Place<W> {
    Unmade,
    Here(W),
    Out(oneshot::Receiver<(Option<W>, Step)>),
}

impl<V: Vm<Seat = Self, World: Send>> Seat<V> for Roaming<V> {
    type Kept = Pile<V::World>;

    fn sweep(kept: &Self::Kept, patience: Duration) {
        kept.sweep(patience);
    }

    fn new(script: Arc<Loaded<V>>, watch: Arc<Watch>) -> Self {
        let (natives, used, place) = match script.kept.take(script.limits.reuse_idle) {
            Some(kept) => (kept.natives, kept.used, Place::Here(kept.world)),
            None => (Natives::new(script.name.clone()), 0, Place::Unmade),
        };
        Self { script, natives, watch, used, place }
    }

    fn natives(&self) -> &Natives {
        &self.natives
    }

    fn step(&mut self, events: Vec<Event>) -> Result<(), Refused> {
        let (back, comes_back) = oneshot::channel();
        let world = match std::mem::replace(&mut self.place, Place::Out(comes_back)) {
            Place::Here(world) => Some(world),
            _ => None,
        };
        let (script, natives, watch) =
            (self.script.clone(), self.natives.clone(), self.watch.clone());
        let used = self.used + 1;
        self.script.threads.submit(self.watch.clone(), move || {
            if back.is_closed() {
                return;
            }
            let (world, step) = perform(&script, world, &natives, &watch, events);
            let is_over = step.result.is_err()
                || step.effects.iter().any(|effect| matches!(effect, Effect::Done));
            match world {
                Some(world) if is_over => {
                    let is_sound = step.result.is_ok();
                    // The answer first.
                    let _ = back.send((None, step));
                    if is_sound {
                        script.kept.put(&script, world, natives, used);
                    }
                }
                world => drop(back.send((world, step))),
            }
        })
    }

    fn is_out(&self) -> bool {
        matches!(self.place, Place::Out(_))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let Place::Out(comes_back) = &mut self.place else { return Poll::Pending };
        let back = std::task::ready!(comes_back.poll_unpin(cx));
        self.place = Place::Unmade;
        Poll::Ready(match back {
            Ok((world, step)) => {
                if let Some(world) = world {
                    self.place = Place::Here(world);
                }
                step
            }
            Err(_) => panicked(),
        })
    }
}

impl<V: Vm<Seat = Self, World: Send>> Drop for Roaming<V> {
    fn drop(&mut self) {
        self.watch.stop();
        self.natives.release(&self.watch);
        // To clear a heap takes a while: not on a thread that serves connections.
        if let Place::Here(world) = std::mem::replace(&mut self.place, Place::Unmade) {
            let (script, natives) = (self.script.clone(), self.natives.clone());
            let _ = self.script.threads.submit(self.watch.clone(), move || {
                script.kept.put(&script, world, natives, script.limits.reuse);
            });
        }
    }
}

/// The seat of a world that belongs to one thread: it holds that thread until the run is over.
pub struct Pinned<V: Vm> {
    script: Arc<Loaded<V>>,
    natives: Natives,
    watch: Arc<Watch>,
    line: Option<Line>,
    is_out: bool,
}

/// The two ends that are here of what joins a run to its thread.
struct Line {
    events: std::sync::mpsc::Sender<Vec<Event>>,
    steps: mpsc::UnboundedReceiver<Step>,
}

impl<V: Vm<Seat = Self>> Seat<V> for Pinned<V> {
    type Kept = ();

    fn sweep((): &(), _patience: Duration) {}

    fn new(script: Arc<Loaded<V>>, watch: Arc<Watch>) -> Self {
        let natives = Natives::new(script.name.clone());
        Self { script, natives, watch, line: None, is_out: false }
    }

    fn natives(&self) -> &Natives {
        &self.natives
    }

    fn step(&mut self, events: Vec<Event>) -> Result<(), Refused> {
        self.is_out = true;
        if let Some(line) = &self.line {
            // Where the thread is gone, `poll` says so.
            let _ = line.events.send(events);
            return Ok(());
        }
        let (to_world, further) = std::sync::mpsc::channel();
        let (back, steps) = mpsc::unbounded_channel();
        self.line = Some(Line { events: to_world, steps });
        let (script, natives, watch) =
            (self.script.clone(), self.natives.clone(), self.watch.clone());
        self.script.threads.submit(self.watch.clone(), move || {
            let mut next = Some(events);
            let mut world = None;
            while let Some(events) = next {
                let (after, step) = perform(&script, world, &natives, &watch, events);
                world = after;
                let is_over = step.result.is_err()
                    || step.effects.iter().any(|effect| matches!(effect, Effect::Done));
                if back.send(step).is_err() || is_over {
                    return;
                }
                next = further.recv().ok();
            }
        })
    }

    fn is_out(&self) -> bool {
        self.is_out
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let Some(line) = &mut self.line else { return Poll::Pending };
        let step = std::task::ready!(line.steps.poll_recv(cx));
        self.is_out = false;
        Poll::Ready(step.unwrap_or_else(panicked))
    }
}

impl<V: Vm> Drop for Pinned<V> {
    fn drop(&mut self) {
        self.watch.stop();
        self.natives.release(&self.watch);
    }
}

/// One step, on a thread of scripts: makes the world where there is none yet.
fn perform<V: Vm>(
    script: &Loaded<V>,
    world: Option<V::World>,
    natives: &Natives,
    watch: &Watch,
    events: Vec<Event>,
) -> (Option<V::World>, Step) {
    watch.begin();
    let made = match world {
        Some(world) => Ok(world),
        None => script.vm.open(&script.program, &script.world, natives),
    };
    let (world, result) = match made {
        Ok(mut world) => {
            let result = events.into_iter().try_for_each(|event| world.deliver(event));
            (Some(world), result)
        }
        Err(broken) => (None, Err(broken)),
    };
    watch.end();
    (world, Step { effects: natives.take(), result })
}

/// What a step comes to whose thread has broken off.
fn panicked() -> Step {
    Step { effects: Vec::new(), result: Err(Broken::threw("the engine panicked")) }
}
