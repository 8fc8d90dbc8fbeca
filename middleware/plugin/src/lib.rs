//! Middleware for mik as a dynamic library: the C ABI, and the SDK for Rust.
//!
//! A plugin is a type that implements [`Plugin`], in a crate of the type `cdylib`, and one line:
//!
//! ```
//! use mik_plugin::{Action, Host, Outcome, Plugin, Reply, RequestHead};
//!
//! struct Closed;
//!
//! impl Plugin for Closed {
//!     type State = ();
//!
//!     fn new(_config: &str, _host: &Host) -> Outcome<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn on_request(&self, request: &mut RequestHead<'_>, _: &mut ()) -> Outcome<Action> {
//!         if request.path().starts_with("/run/orders/") {
//!             return Ok(Reply::new(503).header("retry-after", "3600").body("closed\n").into());
//!         }
//!         Ok(Action::Continue)
//!     }
//! }
//!
//! mik_plugin::export!(Closed, name = "closed");
//! # fn main() {}
//! ```
//!
//! ```toml
//! # Cargo.toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! # mik.toml
//! [[plugin]]
//! path = "plugins/libclosed.so"
//! ```
//!
//! Whoever writes in another language uses `include/mik_plugin.h`. `ABI.md` has the rules for both.

pub mod abi;
mod exchange;
#[cfg(test)]
mod fuzz;
mod glue;
mod headers;
mod host;
mod plugin;

#[cfg(test)]
extern crate self as mik_plugin;

pub use exchange::{Chunk, Exchange, RequestHead, ResponseHead};
#[doc(hidden)]
pub use glue::table;
pub use headers::{Headers, Refused};
pub use host::{Host, Level};
pub use plugin::{Action, Asks, BoxError, End, Ended, Outcome, Plugin, Reply};

/// Makes a dynamic library of a [`Plugin`]: defines the one symbol that mik looks for.
///
/// `export!(ApiKey);` gives it the name of its package; `export!(ApiKey, name = "api-key");` another one.
/// A name is 1 to 64 of `a-z 0-9 -` and begins with a letter. The version is that of the package.
///
/// No panic leaves the library: the request that a hook panics in is answered with 500. That takes
/// `panic = "unwind"`, the default, which the macro insists on.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        $crate::export!($plugin, name = ::core::env!("CARGO_PKG_NAME"));
    };
    ($plugin:ty, name = $name:expr) => {
        #[cfg(panic = "abort")]
        ::core::compile_error!(
            "a plugin must not be built with panic = \"abort\": a panic in it would end mik"
        );

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, unreachable_pub)]
        pub extern "C" fn mik_plugin_query(
            _: *const $crate::abi::HostTable,
        ) -> *const $crate::abi::PluginTable {
            static TABLE: $crate::abi::PluginTable =
                $crate::table::<$plugin>($name, ::core::env!("CARGO_PKG_VERSION"));
            &TABLE
        }
    };
}
