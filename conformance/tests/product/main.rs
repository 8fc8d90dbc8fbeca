//! The whole product over TCP: what issue by issue was promised, and the rows of the table of inputs
//! and faults. The README beside this folder says which test covers which row.

mod bridge;
mod build;
mod cli;
mod dev;
mod docs;
mod everything;
mod guard;
mod guests;
mod host_coverage;
mod houses;
mod metrics;
mod modules;
mod new;
mod outbound;
mod own_middleware;
mod plugins;
mod quickstart;
mod rows;
mod scripts;
mod sdk;
mod shutdown;
mod soak;
mod stale;
mod streaming;
mod timers;
