#![no_main]

#[path = "../src/coding.rs"]
mod coding;
#[path = "../src/rig.rs"]
mod rig;

libfuzzer_sys::fuzz_target!(|input: &[u8]| coding::check(input));
