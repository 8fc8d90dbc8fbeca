//! The macros of `mik-sdk`, which is where they are to be used from.
//!
//! Written against the compiler's own `proc_macro` alone: a handler builds offline, and in seconds.

mod tokens;
