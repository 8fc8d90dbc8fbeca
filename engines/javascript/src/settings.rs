//! The keys of `[orchestrator]` that are the orchestrator's own.

use mik_core::units::ByteSize;
use mik_core::{Settings, SettingsError};
use serde::Deserialize;

/// How scripts run. What holds for one run, such as its memory, comes with each script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JavaScriptConfig {
    /// Bytes of a script's stack. Default 512 KiB.
    pub stack: ByteSize,
    /// Threads on which scripts run, at most. Default: 32 for each core. They are started when needed.
    pub threads: Option<usize>,
    /// Steps of scripts that may wait for a thread; one more is answered 503. Default 1,000.
    pub queue: usize,
    /// Whether every script is the operator's own. An orchestrator that cannot hold a script to its limits
    /// starts only with this.
    pub trusted_scripts: bool,
}

impl Default for JavaScriptConfig {
    fn default() -> Self {
        Self { stack: ByteSize::kib(512), threads: None, queue: 1_000, trusted_scripts: false }
    }
}

/// The keys as they are written. The table's other keys are the host's.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Table {
    stack: Option<ByteSize>,
    threads: Option<usize>,
    queue: Option<usize>,
    trusted_scripts: bool,
}

impl JavaScriptConfig {
    /// Reads `[orchestrator]`.
    ///
    /// # Errors
    /// Values of another kind.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingsError> {
        let table: Table = settings.parse()?;
        let default = Self::default();
        Ok(Self {
            stack: table.stack.unwrap_or(default.stack),
            threads: table.threads,
            queue: table.queue.unwrap_or(default.queue),
            trusted_scripts: table.trusted_scripts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_overrides_the_defaults() {
        let text =
            "[orchestrator]\nname = \"x\"\nstack = \"1MiB\"\nthreads = 3\ntrusted_scripts = true";
        let settings = Settings::at(text, &["orchestrator"]);
        let config = JavaScriptConfig::from_settings(&settings).unwrap();
        let expected = JavaScriptConfig {
            stack: ByteSize::mib(1),
            threads: Some(3),
            queue: 1_000,
            trusted_scripts: true,
        };
        assert_eq!(config, expected);
        let settings = Settings::at("[orchestrator]\nqueue = \"x\"", &["orchestrator"]);
        assert!(JavaScriptConfig::from_settings(&settings).is_err());
    }
}
