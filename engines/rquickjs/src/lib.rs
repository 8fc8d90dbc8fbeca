//! Runs the scripts of mik in QuickJS.
//!
//! Each request gets a runtime that no request has used before: one that was made from bytecode when it was first
//! needed, and whose whole memory is as it was then.
//! Memory, stack and time of a script are capped by QuickJS itself; what it cannot cap, a builtin that runs
//! for an hour, is noticed from outside (see `mik-javascript`).
//!
//! ```no_run
//! # fn example(engine: impl mik_core::Engine + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! use mik_rquickjs::{JavaScriptConfig, QuickJs};
//!
//! let host = mik_core::Host::builder()
//!     .engine(engine)
//!     .modules_dir("modules/")
//!     .orchestrator(QuickJs::orchestrator(&JavaScriptConfig::default())?)
//!     .scripts_dir("scripts/")
//!     .build()?;
//! # Ok(()) }
//! ```

mod bytecode;
mod convert;
mod failure;
mod heap;
mod imports;
mod memory;
mod native;
mod random;
mod stack;
mod vm;
mod world;

use std::sync::Arc;

use mik_core::{Registry, Settings, SettingsError};
use mik_javascript::JavaScript;

pub use mik_javascript::JavaScriptConfig;
pub use vm::QuickJs;

/// The name by which it is chosen, and the cargo feature that brings it.
pub const NAME: &str = "rquickjs";

/// Registers `rquickjs`.
pub fn register(registry: &mut Registry) {
    registry.orchestrator(NAME, |settings: &Settings| {
        let config = JavaScriptConfig::from_settings(settings)?;
        let orchestrator = QuickJs::orchestrator(&config)
            .map_err(|error| SettingsError::new(format!("orchestrator {NAME}: {error}")))?;
        Ok(Arc::new(orchestrator))
    });
}

impl QuickJs {
    /// An orchestrator on QuickJS.
    ///
    /// # Errors
    /// When there is no memory for its prelude.
    pub fn orchestrator(
        config: &JavaScriptConfig,
    ) -> Result<JavaScript<Self>, mik_javascript::Broken> {
        Ok(JavaScript::new(Self::new()?, config))
    }
}
