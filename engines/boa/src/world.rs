//! A world: a realm on a thread of its own.
//!
//! What Boa collects as garbage belongs to a thread, and not all of it is ever found: a module whose namespace
//! was asked for keeps its realm alive for good. With the thread everything goes. To start one costs little
//! beside what a realm does.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use mik_javascript::{Broken, Event, Natives, World, WorldLimits, logging_as_here};

use crate::limits::STACK;
use crate::realm::Realm;
use crate::vm::Program;

/// A realm in which a script runs.
pub struct BoaWorld {
    /// `None` once it must not be used any more: that ends the thread.
    events: Option<Sender<Event>>,
    results: Receiver<Result<(), Broken>>,
    thread: Option<JoinHandle<()>>,
}

impl BoaWorld {
    pub(crate) fn open(
        program: &Arc<Program>,
        limits: &WorldLimits,
        natives: &Natives,
    ) -> Result<Self, Broken> {
        let (program, limits, natives) = (program.clone(), *limits, natives.clone());
        let (events, next) = channel();
        let (back, results) = channel();
        let thread = builder("mik-boa").spawn(logging_as_here(move || {
            let mut realm = match Realm::open(&program, &limits, &natives) {
                Ok(realm) => realm,
                Err(broken) => return drop(back.send(Err(broken))),
            };
            let _ = back.send(Ok(()));
            for event in next {
                let _ = back.send(realm.deliver(event));
            }
        }));
        let thread = thread.map_err(|error| no_thread(&error))?;
        let mut world = Self { events: Some(events), results, thread: Some(thread) };
        world.result()?;
        Ok(world)
    }

    /// What the thread says, which is at work.
    fn result(&mut self) -> Result<(), Broken> {
        let result = self.results.recv();
        let result = result.unwrap_or_else(|_| Err(Broken::threw("the engine panicked")));
        if result.is_err() {
            self.events = None;
        }
        result
    }
}

impl World for BoaWorld {
    fn deliver(&mut self, event: Event) -> Result<(), Broken> {
        if let Some(events) = &self.events {
            // Where the thread is gone, so is the result.
            let _ = events.send(event);
        }
        self.result()
    }
}

impl Drop for BoaWorld {
    fn drop(&mut self) {
        self.events = None;
        // There are never more threads than worlds.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A thread with room for the deepest script, and for the parser of Boa.
pub(crate) fn builder(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.into()).stack_size(STACK)
}

pub(crate) fn no_thread(error: &io::Error) -> Broken {
    Broken::threw(format!("no thread for a script: {error}"))
}
