#![no_main]

#[path = "../src/range.rs"]
mod range;
#[path = "../src/rig.rs"]
mod rig;

libfuzzer_sys::fuzz_target!(|input: &[u8]| range::check(input));
