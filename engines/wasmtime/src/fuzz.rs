//! The fuzz target of this crate (`fuzz/`) over the inputs that are committed for it.

#[path = "../fuzz/src/load.rs"]
mod load;
#[path = "../../../conformance/fuzz/replay.rs"]
mod replay;

#[test]
fn load() {
    replay::replay(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/load"), load::check);
}
