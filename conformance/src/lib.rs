//! What the conformance suite stands on: the real binary `mik` in a project of its own, a client that
//! sends any bytes, an origin server for what guests call, and the checks that every row shares.
//!
//! ```no_run
//! use mik_conformance::{Cases, Mik, request, told_with, refused};
//!
//! let mik = Mik::run(&["hello"], "[server.limits]\ntarget_bytes = 100\n");
//! let mut cases = Cases::of("row 15: long targets");
//! for length in [101, 10_000] {
//!     mik.case(&mut cases, &format!("{length} bytes"), || {
//!         let sent = request("GET", &format!("/run/hello/{}", "a".repeat(length)), &[], b"");
//!         let mut raw = mik.connect();
//!         let _ = raw.send(&sent);
//!         let received = raw.collect();
//!         told_with(refused(&received, &[414]), &sent, &received)
//!     });
//! }
//! cases.finish();
//! ```
//!
//! Everything here panics where a test should fail: it is for tests only.

mod binary;
mod case;
mod cases;
mod clock;
mod log;
mod mik;
mod origin;
mod page;
mod process;
mod raw;
mod row;
mod run;
mod setup;
pub mod soak;
mod subject;
mod suite;
#[cfg(test)]
mod tests;
mod toolchain;
mod wire;

use std::time::Duration;

pub use binary::{build, built, guest, mik, mik_with_maintenance, orchestrators, repository};
pub use cases::{
    Cases, Outcome, answered, closed, failed_with, problem, refused, same, shown, told_with,
};
pub use log::Log;
pub use mik::{Mik, eventually};
pub use origin::{Origin, Seen};
pub use process::cpu;
pub use raw::{Answer, Head, Raw, Received, Response, request, told};
pub use row::{BASELINE, HELLO, INNOCENT};
pub use setup::{Finished, SECRET, Setup};
pub use subject::{Known, Subject};
pub use suite::{built_in, cases, project, rows, run, run_with};
pub use toolchain::{folders, toolchain};
pub use wire::{Fields, Framing, Stop, Wire};

/// How long a client waits for something that has no time of its own.
pub const PATIENCE: Duration = Duration::from_secs(20);
