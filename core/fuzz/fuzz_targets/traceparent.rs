#![no_main]

#[path = "../src/traceparent.rs"]
mod traceparent;

libfuzzer_sys::fuzz_target!(|input: &[u8]| traceparent::check(input));
