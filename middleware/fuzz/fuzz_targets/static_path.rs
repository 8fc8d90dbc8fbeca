#![no_main]

#[path = "../src/static_path.rs"]
mod static_path;
#[path = "../src/rig.rs"]
mod rig;

libfuzzer_sys::fuzz_target!(|input: &[u8]| static_path::check(input));
