//! What an engine supplies: a JavaScript virtual machine.

use std::sync::Arc;

use mik_core::Capabilities;

use crate::run::{Natives, Seat};
use crate::{Position, Sources, Value};

/// A JavaScript virtual machine.
pub trait Vm: Send + Sync + Sized + 'static {
    /// A script that is compiled, with everything that it imports.
    type Program: Send + Sync + 'static;
    /// The world of one run: a realm of its own.
    type World: World;
    /// Where a world stays between two events: [`Roaming`](crate::Roaming) where any thread may run it,
    /// [`Pinned`](crate::Pinned) where only the one that made it.
    type Seat: Seat<Self>;

    /// The name that selects it.
    fn name(&self) -> &'static str;

    /// What it can promise. What threads and the driver add is added elsewhere.
    fn capabilities(&self) -> Capabilities;

    /// Compiles the entry and what it imports, without running any of it.
    ///
    /// # Errors
    /// [`Broken::Threw`] with the place of a syntax error; the words of an import that fails.
    fn compile(
        &self,
        sources: &Arc<Sources>,
        limits: &WorldLimits,
    ) -> Result<Self::Program, Broken>;

    /// Makes a world: the prelude, then the program up to its default export, which it hands to the prelude.
    ///
    /// # Errors
    /// What the top level of a module throws, and an export that the prelude does not take.
    fn open(
        &self,
        program: &Arc<Self::Program>,
        limits: &WorldLimits,
        natives: &Natives,
    ) -> Result<Self::World, Broken>;
}

/// A realm in which a script runs. It is used by one thread at a time.
pub trait World {
    /// Tells the prelude, then runs every job that is pending, and those that they make.
    ///
    /// # Errors
    /// What no script can catch; the world must not be used again.
    fn deliver(&mut self, event: Event) -> Result<(), Broken>;

    /// Makes it what it was before the first line of the program ran, to the last bit, and runs that again with
    /// the next event. False where that cannot be: the world must not be used again.
    fn reset(&mut self) -> bool {
        false
    }
}

/// What one world may use.
#[derive(Debug, Clone, Copy)]
pub struct WorldLimits {
    /// Bytes of its heap.
    pub memory: usize,
    /// Bytes of its stack.
    pub stack: usize,
}

/// What the host tells the prelude.
#[derive(Debug)]
pub enum Event {
    /// A request to answer.
    Start(Vec<Value>),
    /// An effect has succeeded.
    Settle(u32, Value),
    /// An effect has failed: its code, and a message.
    Reject(u32, &'static str, String),
}

impl Event {
    /// The arguments of the prelude's `deliver`.
    pub fn into_arguments(self) -> Vec<Value> {
        match self {
            Self::Start(mut facts) => {
                facts.insert(0, "start".into());
                facts
            }
            Self::Settle(op, value) => vec!["settle".into(), f64::from(op).into(), value],
            Self::Reject(op, code, message) => {
                vec!["reject".into(), f64::from(op).into(), code.into(), message.into()]
            }
        }
    }
}

/// Why a world cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The heap is full.
    #[error("out of memory")]
    Memory,
    /// Its time is over: [`Natives::is_over`] has said so.
    #[error("interrupted")]
    Stopped,
    /// An exception that nobody caught, of the top level or of the prelude itself; a syntax error.
    #[error("{message}")]
    Threw {
        /// Class and message.
        message: String,
        /// The stack in the engine's form; may be empty.
        stack: String,
        /// Where, as far as it is known.
        at: Option<Position>,
    },
}

impl Broken {
    /// An exception without a place.
    pub fn threw(message: impl Into<String>) -> Self {
        Self::Threw { message: message.into(), stack: String::new(), at: None }
    }
}
