//! What the JavaScript orchestrators of mik share: sources and TypeScript, the prelude, native primitives,
//! threads, and the driver of a run. An engine beside this crate supplies a [`Vm`] and gets an
//! [`Orchestrator`](mik_core::Orchestrator), [`JavaScript`].

mod natives;
mod orchestrator;
mod position;
pub mod prelude;
mod run;
mod script;
mod settings;
mod sources;
mod sweeper;
mod threads;
mod value;
mod vm;

pub use orchestrator::JavaScript;
pub use position::Position;
pub use run::{Natives, Pinned, Roaming, Seat, Step};
pub use script::Loaded;
pub use settings::JavaScriptConfig;
pub use sources::{Report, Source, SourceError, Sources};
pub use threads::{Refused, Watch, logging_as_here};
pub use value::{ErrorClass, Thrown, Value};
pub use vm::{Broken, Event, Vm, World, WorldLimits};

/// What scripts see, as TypeScript declarations: `mik.d.ts`.
pub const TYPES: &str = include_str!("../types/mik.d.ts");
