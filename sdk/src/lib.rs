//! Write HTTP handlers for mik: routes, typed input, JSON, and OpenAPI, without a dependency.

// The macros name everything from `::mik_sdk`, here as well.
extern crate self as mik_sdk;

pub mod json;
pub mod schema;
pub mod text;
pub mod validate;

/// What a handler's file uses: `use mik_sdk::prelude::*;`.
pub mod prelude {}

/// What the macros expand to: no interface.
#[doc(hidden)]
pub mod __private {}
