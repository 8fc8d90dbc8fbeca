//! The fuzz target of this crate (`fuzz/`) over the inputs that are committed for it.

#[path = "../fuzz/src/descriptor.rs"]
mod descriptor;
#[path = "../../../conformance/fuzz/replay.rs"]
mod replay;

#[test]
fn descriptor() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/descriptor");
    replay::replay(corpus, descriptor::check);
}
