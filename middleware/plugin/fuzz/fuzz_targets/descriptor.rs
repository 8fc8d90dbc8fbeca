#![no_main]

#[path = "../src/descriptor.rs"]
mod descriptor;

libfuzzer_sys::fuzz_target!(|input: &[u8]| descriptor::check(input));
