//! The fuzz target of this crate (`fuzz/`) over the inputs that are committed for it.

#[path = "../fuzz/src/config.rs"]
mod config;
#[path = "../../conformance/fuzz/replay.rs"]
mod replay;

#[test]
fn config() {
    replay::replay(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/config"), config::check);
}
