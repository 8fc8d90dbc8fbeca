pub use mik_sdk::bindings::*;
