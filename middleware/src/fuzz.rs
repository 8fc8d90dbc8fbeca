//! The fuzz targets of this crate (`fuzz/`) over the inputs that are committed for them.

#[path = "../fuzz/src/coding.rs"]
mod coding;
#[path = "../fuzz/src/inflate.rs"]
mod inflate;
#[path = "../fuzz/src/range.rs"]
mod range;
#[path = "../../conformance/fuzz/replay.rs"]
mod replay;
#[path = "../fuzz/src/rig.rs"]
mod rig;
#[path = "../fuzz/src/static_path.rs"]
mod static_path;
#[path = "../fuzz/src/trace.rs"]
mod trace;
#[path = "../../core/fuzz/src/traceparent.rs"]
#[allow(dead_code, reason = "the target of the header alone is run where it is read")]
mod traceparent;

/// One test for each target.
macro_rules! targets {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/", stringify!($target));
                replay::replay(corpus, $target::check);
            }
        )*
    };
}

targets! { coding inflate range static_path trace }
