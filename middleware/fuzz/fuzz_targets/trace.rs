#![no_main]

#[path = "../src/trace.rs"]
mod trace;
#[path = "../../../core/fuzz/src/traceparent.rs"]
mod traceparent;
#[path = "../src/rig.rs"]
mod rig;

libfuzzer_sys::fuzz_target!(|input: &[u8]| trace::check(input));
