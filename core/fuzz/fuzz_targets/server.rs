#![no_main]

#[path = "../src/requests.rs"]
mod requests;
#[path = "../src/responses.rs"]
mod responses;
#[path = "../src/server.rs"]
mod server;

libfuzzer_sys::fuzz_target!(|input: &[u8]| server::check(input));
