//! Runs the scripts of mik in Boa, a JavaScript engine that is Rust throughout.
//!
//! Each request gets a realm of its own, on a thread of its own. Boa can neither be
//! interrupted nor held to an amount of memory, so it takes only scripts that the operator vouches for, with
//! `trusted_scripts = true`. What it does instead: a script that calls the host, or lets promises settle, is
//! stopped when its time is over; one that does neither is answered for at its deadline, and its thread is
//! replaced until the instructions that one realm may run are used up.
//!
//! ```no_run
//! # fn example(engine: impl mik_core::Engine + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! use mik_boa::{Boa, JavaScriptConfig};
//!
//! let config = JavaScriptConfig { trusted_scripts: true, ..JavaScriptConfig::default() };
//! let host = mik_core::Host::builder()
//!     .engine(engine)
//!     .modules_dir("modules/")
//!     .orchestrator(Boa::orchestrator(&config)?)
//!     .scripts_dir("scripts/")
//!     .build()?;
//! # Ok(()) }
//! ```

mod convert;
mod dialect;
mod failure;
mod globals;
mod imports;
mod jobs;
mod limits;
mod native;
mod realm;
mod vm;
mod world;

use std::sync::Arc;

use mik_core::{Registry, Settings, SettingsError};
use mik_javascript::JavaScript;

pub use mik_javascript::JavaScriptConfig;
pub use vm::{Boa, Program};
pub use world::BoaWorld;

/// The name by which it is chosen, and the cargo feature that brings it.
pub const NAME: &str = "boa";

/// Registers `boa`.
pub fn register(registry: &mut Registry) {
    registry.orchestrator(NAME, |settings: &Settings| {
        let config = JavaScriptConfig::from_settings(settings)?;
        let orchestrator = Boa::orchestrator(&config)
            .map_err(|untrusted| SettingsError::new(untrusted.to_string()))?;
        Ok(Arc::new(orchestrator))
    });
}

/// Boa was asked to run scripts that nobody vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "boa cannot stop a script that never yields, nor cap its memory: set trusted_scripts = true under \
     [orchestrator] if every script is your own, or use rquickjs"
)]
pub struct Untrusted;

impl Boa {
    /// An orchestrator on Boa.
    ///
    /// # Errors
    /// Unless the configuration says that every script is trusted.
    pub fn orchestrator(config: &JavaScriptConfig) -> Result<JavaScript<Self>, Untrusted> {
        if !config.trusted_scripts {
            return Err(Untrusted);
        }
        Ok(JavaScript::new(Self, config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(document: &str) -> Result<String, String> {
        let mut registry = Registry::new();
        register(&mut registry);
        let settings = Settings::at(document, &["orchestrator"]);
        let made = registry.make_orchestrator(NAME, &settings);
        made.map(|scripts| scripts.name().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn it_starts_for_trusted_scripts_only() {
        for document in ["", "[orchestrator]\ntrusted_scripts = false"] {
            let refusal = make(document).unwrap_err();
            assert!(
                refusal.contains("set trusted_scripts = true under [orchestrator]"),
                "{refusal}"
            );
        }
        assert_eq!(make("[orchestrator]\ntrusted_scripts = true"), Ok("boa".to_owned()));
        assert!(Boa::orchestrator(&JavaScriptConfig::default()).is_err());
    }
}
