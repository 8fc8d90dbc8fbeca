#![no_main]

#[path = "../src/inflate.rs"]
mod inflate;
#[path = "../src/rig.rs"]
mod rig;

libfuzzer_sys::fuzz_target!(|input: &[u8]| inflate::check(input));
