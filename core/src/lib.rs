//! The contract of mik and the host that drives it.
//!
//! mik serves WASI HTTP components the way a good gateway serves upstreams. This crate defines the
//! parts that can be exchanged, an [`Engine`] that compiles components, an [`Orchestrator`] that runs
//! scripts, and [`Middleware`] around both, and the [`Host`] that puts them together behind a
//! [`Server`].
//!
//! ```no_run
//! # async fn example(engine: impl mik_core::Engine + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! use mik_core::{Host, Server};
//!
//! let host = Host::builder().engine(engine).modules_dir("modules/").build()?;
//! let server = Server::new(host).bind("127.0.0.1:3000").await?;
//! println!("listening on http://{}", server.local_addr());
//! server.serve_until(async { tokio::signal::ctrl_c().await.unwrap_or(()) }).await;
//! # Ok(()) }
//! ```

mod body;
mod call;
mod caller;
mod capabilities;
mod catalogue;
mod client_fault;
mod engine;
mod error;
mod escape;
mod framing;
#[cfg(test)]
mod fuzz;
mod grants;
mod host;
mod limits;
mod middleware;
mod names;
mod orchestrator;
mod outbound;
mod registry;
mod server;
mod settings;
mod trace;
pub mod units;
pub mod values;

#[cfg(test)]
extern crate self as mik_core;

use std::future::Future;
use std::pin::Pin;

pub use body::{Body, End, Outcome};
pub use call::{Call, Matched, RequestId, Span, Target};
pub use caller::{Caller, SendOptions};
pub use capabilities::Capabilities;
pub use catalogue::{
    FilesByName, FilesError, ModuleSettings, list_modules, list_scripts, script_root,
};
pub use client_fault::ClientFault;
pub use engine::{Engine, LoadError, Module, ModuleSource};
pub use error::{CallError, ErrorKind, MIK_ERROR, UpstreamError};
pub use escape::{escape, moves_cursor};
pub use grants::{Grants, ModuleGrant};
pub use host::{BuildError, Host, HostBuilder};
pub use limits::{CacheLimits, InstanceLimits, ServerLimits};
pub use middleware::{
    After, BarePrefix, Endpoint, Middleware, Next, RestOfChain, Ring, Rings, Step, TowerLayer,
};
pub use names::{InvalidName, ModuleName, RoutePath};
/// The vocabulary in which parts report numbers; see [`Middleware::meter`].
pub use opentelemetry;
pub use orchestrator::{Orchestrator, Script, ScriptSource};
pub use outbound::{AllowedHost, AllowedHosts, InvalidAllowedHost};
pub use registry::{EngineContext, MiddlewareEntry, Registry, Unknown};
pub use server::{BoundServer, Drained, Server, drop_after_flush};
pub use settings::{ByTarget, Settings, SettingsError};
pub use trace::TraceContext;

/// An HTTP request with a mik [`Body`].
pub type Request = http::Request<Body>;
/// An HTTP response with a mik [`Body`].
pub type Response = http::Response<Body>;
/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
