//! How the engine is set up.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mik_core::units::{ByteSize, parse_duration};
use mik_core::{EngineContext, Settings, SettingsError};
use serde::Deserialize;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

/// What one component may need at most; the pool is cut to it.
pub(crate) const MEMORIES: u32 = 4;
const TABLES: u32 = 4;
const CORE_INSTANCES: u32 = 32;
/// Elements of one table.
const TABLE_ELEMENTS: usize = 20_000;
/// Pages of a memory that stay with its slot between two calls, at most: clearing them is cheaper than
/// giving them back and faulting them in again.
const KEEP_RESIDENT: u64 = 4 << 20;
/// What a memory's slot reserves of the address space. With all 4 GiB of it no access needs a bounds
/// check.
const SLOT: u64 = 4 << 30;

/// What turns a component into something that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compiler {
    /// The optimising compiler; the default.
    #[default]
    Cranelift,
    /// The baseline compiler (feature `winch`): compiles fast, runs slower. For trusted guests only.
    Winch,
    /// The portable interpreter (feature `pulley`).
    Pulley,
}

/// How the engine is set up. The defaults fit a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// What compiles.
    pub compiler: Compiler,
    /// Calls in flight at once; the pool holds as many instances, and a quarter more that wait for
    /// reuse. Default 1,000.
    pub in_flight: usize,
    /// Memory of all guests together. Default: half of what the machine or the control group has.
    pub total_memory: ByteSize,
    /// Where compiled components are kept between runs; `None` keeps none. Default:
    /// `$XDG_CACHE_HOME/mik` or `~/.cache/mik`.
    pub cache_dir: Option<PathBuf>,
    /// How often a running guest is made to yield, and its deadline is looked at. Default 10 ms.
    pub tick: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            compiler: Compiler::default(),
            in_flight: 1_000,
            total_memory: ByteSize::bytes(machine_memory() / 2),
            cache_dir: default_cache_dir(),
            tick: Duration::from_millis(10),
        }
    }
}

/// The engine's own keys of the table `[engine]`. The table's other keys are the host's.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Table {
    total_memory: Option<ByteSize>,
    cache_dir: Option<PathBuf>,
    tick: Option<String>,
}

impl EngineConfig {
    /// Reads `[engine]`.
    ///
    /// `cache_dir = ""` switches the store of compiled components off.
    pub fn from_settings(
        settings: &Settings,
        context: &EngineContext,
        compiler: Compiler,
    ) -> Result<Self, SettingsError> {
        let table: Table = settings.parse()?;
        let mut config = Self { compiler, in_flight: context.in_flight, ..Self::default() };
        if let Some(total) = table.total_memory {
            config.total_memory = total;
        }
        if let Some(dir) = table.cache_dir {
            config.cache_dir = Some(dir).filter(|dir| !dir.as_os_str().is_empty());
        }
        if let Some(tick) = table.tick {
            config.tick = parse_duration(&tick).map_err(|e| SettingsError::new(e.to_string()))?;
        }
        Ok(config)
    }

    /// Instances that may wait for their next call, beside those that serve one.
    pub(crate) fn idle(&self) -> usize {
        (self.in_flight / 4).max(1)
    }

    fn instances(&self) -> u32 {
        u32::try_from(self.in_flight.saturating_add(self.idle())).unwrap_or(u32::MAX).max(2)
    }

    pub(crate) fn to_wasmtime(&self) -> wasmtime::Result<Config> {
        let mut config = Config::new();
        match self.compiler {
            Compiler::Cranelift => config.strategy(Strategy::Cranelift),
            Compiler::Winch => config.strategy(Strategy::Winch),
            Compiler::Pulley => config.target("pulley64")?,
        };
        // WASI 0.2 needs no concurrency inside a store, and instances start faster without.
        config.concurrency_support(false);
        config.epoch_interruption(true);
        config.gc_support(false);
        config.memory_reservation(SLOT);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(self.pool()));
        Ok(config)
    }

    fn pool(&self) -> PoolingAllocationConfig {
        let instances = self.instances();
        // A slot keeps its pages for good: on a small machine they must not add up to all of it.
        let share = self.total_memory.get() / u64::from(instances);
        let keep_resident = usize::try_from(share.min(KEEP_RESIDENT)).unwrap_or_default();
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(instances)
            .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
            .total_memories(instances.saturating_mul(MEMORIES))
            .total_tables(instances.saturating_mul(TABLES))
            // A store keeps the stack of its last call until it is dropped.
            .total_stacks(instances)
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(MEMORIES)
            .max_tables_per_component(TABLES)
            .max_memory_size(usize::try_from(SLOT).unwrap_or(usize::MAX))
            .table_elements(TABLE_ELEMENTS)
            .linear_memory_keep_resident(keep_resident)
            .table_keep_resident(64 << 10);
        let scan = pagemap_scan();
        tracing::debug!(pagemap_scan = scan, keep_resident, instances, "instance pool");
        if scan {
            pool.pagemap_scan(Enabled::Yes);
        }
        pool
    }
}

/// Whether the kernel can tell which pages a guest has touched (Linux 6.7). Not where there is swap: a
/// page that was swapped out while dirty would be taken for untouched, and leak to the next guest.
fn pagemap_scan() -> bool {
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_else(|_| "unknown\nunknown".into());
    swaps.lines().count() <= 1 && PoolingAllocationConfig::is_pagemap_scan_available()
}

fn default_cache_dir() -> Option<PathBuf> {
    let given =
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    given.or_else(home).map(|dir| dir.join("mik"))
}

/// The memory of the control group, or else of the machine, in bytes.
fn machine_memory() -> u64 {
    let number = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = number(Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let group = own_group()
        .ancestors()
        .filter_map(|dir| number(&dir.join("memory.max")))
        .chain(group)
        .min();
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let line = info.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib << 10)
    });
    let unknown = 4 << 30;
    match (group, machine) {
        (Some(group), Some(machine)) => group.min(machine),
        (one, other) => one.or(other).unwrap_or(unknown),
    }
}

/// The folder of this process's control group (cgroup v2); the limits of those above hold as well.
fn own_group() -> PathBuf {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    Path::new("/sys/fs/cgroup").join(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str) -> Result<EngineConfig, SettingsError> {
        let context = EngineContext { in_flight: 7 };
        let settings = Settings::at(format!("[engine]\n{table}"), &["engine"]);
        EngineConfig::from_settings(&settings, &context, Compiler::Cranelift)
    }

    #[test]
    fn the_table_overrides_the_defaults() {
        let config = read("memory = \"1MiB\"\ntotal_memory = \"1GiB\"\ncache_dir = \"\"").unwrap();
        assert_eq!(config.in_flight, 7);
        assert_eq!(config.total_memory, ByteSize::gib(1));
        assert_eq!(config.cache_dir, None);
        assert_eq!(config.tick, Duration::from_millis(10));
        assert!(read("tick = \"soon\"").is_err());
    }

    #[test]
    fn the_machine_has_memory() {
        assert!(machine_memory() > 64 << 20);
    }
}
