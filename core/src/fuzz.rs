//! The fuzz targets of this crate (`fuzz/`) over the inputs that are committed for them.

#[path = "../../conformance/fuzz/replay.rs"]
mod replay;
#[path = "../fuzz/src/requests.rs"]
mod requests;
#[path = "../fuzz/src/responses.rs"]
mod responses;
#[path = "../fuzz/src/server.rs"]
mod server;
#[path = "../fuzz/src/traceparent.rs"]
mod traceparent;

use replay::replay;

#[test]
fn server() {
    replay(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/server"), server::check);
}

#[test]
fn traceparent() {
    replay(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/traceparent"), traceparent::check);
}
