//! Checking what a client sent.
