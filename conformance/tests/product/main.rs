//! The whole product over TCP: what issue by issue was promised, and the rows of the table of inputs
//! and faults. The README beside this folder says which test covers which row.

mod bridge;
mod build;
mod capacity;
mod cli;
mod clock;
mod coding;
mod config;
mod dev;
mod docs;
mod edge;
mod everything;
mod guard;
mod guests;
mod houses;
mod identity;
mod metrics;
mod modules;
mod new;
mod outbound;
mod own_middleware;
mod plugins;
mod quickstart;
mod reliability;
mod reuse;
mod routing;
mod scripts;
mod sdk;
mod shutdown;
mod stale;
mod streaming;
mod timers;

use mik_conformance::{Cases, Mik, Outcome, Received, told_with};

/// Sends these bytes on a connection of their own, reads all that comes, and judges it, as a case of a
/// row.
fn exchange(
    mik: &Mik,
    cases: &mut Cases,
    name: &str,
    sent: &[u8],
    judge: impl FnOnce(&Received) -> Outcome,
) {
    mik.case(cases, name, || {
        let mut raw = mik.connect();
        // The answer may come, and the connection end, before all is sent.
        let _ = raw.send(sent);
        let received = raw.collect();
        told_with(judge(&received), sent, &received)
    });
}
