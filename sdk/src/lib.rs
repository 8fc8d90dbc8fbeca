//! Write HTTP handlers for mik: routes, typed input, JSON, and OpenAPI, without a dependency.

// The macros name everything from `::mik_sdk`, here as well.
#[allow(unused_extern_crates)]
extern crate self as mik_sdk;

#[allow(warnings, unsafe_code, clippy::all, clippy::undocumented_unsafe_blocks)]
pub mod bindings;
pub mod body;
pub mod client;
mod early;
mod headers;
mod integers;
pub mod json;
pub mod log;
mod percent;
pub mod random;
pub mod request;
pub mod response;
mod router;
mod routes;
#[doc(hidden)]
pub mod rt;
pub mod schema;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod text;
pub mod time;
pub mod validate;

pub use headers::Headers;
pub use request::Request;
pub use response::{Response, ResponseBody};

/// What a handler's file uses: `use mik_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{Request, Response};
    pub use mik_sdk_macros::{
        accepted, created, ensure, error, guard, json, no_content, ok, redirect,
    };
    pub use mik_sdk_macros::{call, fetch, log, request, routes};
    pub use mik_sdk_macros::{Path, Query, Type};
}

/// What the macros expand to: no interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::early::{Early, Ensure};
    pub use crate::json::{choice, member, member_or, object};
    pub use crate::router::{respond, Route, Segment};
    pub use crate::routes::{form, handle, joined, json, length, misfit, query};
    pub use crate::text::{pair, pair_or, param};
    pub use crate::validate::{checked_member, checked_parameter};
    pub use mik_sdk_macros::json;
}
