//! Every limit with its default. Each one is a key of `mik.toml`.

use std::time::Duration;

use crate::units::ByteSize;

/// What the server and the host as a whole allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Header fields of a request head; one more is answered 431. Default 100.
    pub head_fields: usize,
    /// Bytes of a request head; one more is answered 431. Default 64 KiB.
    pub head_bytes: ByteSize,
    /// Bytes of a request target; one more is answered 414. Default 8,192.
    pub target_bytes: usize,
    /// Bytes of a request body; one more is answered 413. Default 10 MiB.
    pub body_bytes: ByteSize,
    /// Time from the first byte of a head to its last. Default 10 s.
    pub head_time: Duration,
    /// Time for a whole request body. Default 30 s.
    pub body_time: Duration,
    /// How long a kept connection may stay idle. Default 60 s.
    pub idle_time: Duration,
    /// How long a write may make no progress. Default 30 s.
    pub write_time: Duration,
    /// Open connections. Past it the oldest idle one is closed, else accepting pauses. Default 10,000.
    pub connections: usize,
    /// Module and script calls in flight, nested ones too; one more is answered 503. Default 1,000.
    pub in_flight: usize,
    /// How deep calls may nest (a module that calls a module); one more is answered 508. Default 8.
    pub depth: u8,
    /// Bytes of a module file. Default 64 MiB.
    pub module_bytes: ByteSize,
    /// How long a shutdown waits for requests that are under way. Default 30 s.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            head_fields: 100,
            head_bytes: ByteSize::kib(64),
            target_bytes: 8_192,
            body_bytes: ByteSize::mib(10),
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(60),
            write_time: Duration::from_secs(30),
            connections: 10_000,
            in_flight: 1_000,
            depth: 8,
            module_bytes: ByteSize::mib(64),
            drain: Duration::from_secs(30),
        }
    }
}

/// What one call of a module may use. An engine enforces these; the host enforces the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceLimits {
    /// Linear memory of one instance, all its memories together. Default 128 MiB.
    pub memory: ByteSize,
    /// CPU time of one call, before and after the response head. Default 30 s.
    pub cpu: Duration,
    /// How long a body may stay silent after the response head. Default 60 s.
    pub silence: Duration,
    /// Bytes that one host call may carry out of the guest. The host may keep them as long as the call
    /// lives, for each resource: this times `resources` bounds what a guest can make it hold. Body
    /// writes and header fields need 128 KiB at most. Default 256 KiB.
    pub host_bytes: ByteSize,
    /// Resource handles (streams, fields, pollables …) that one call may hold. Default 4,000.
    pub resources: usize,
    /// Bytes of one set of header fields. Default 128 KiB.
    pub fields: ByteSize,
    /// Random bytes that one host call may ask for. Default 64 KiB.
    pub random: ByteSize,
    /// Bytes of standard output and error that one call may log; the rest is dropped and counted.
    /// Default 64 KiB.
    pub log: ByteSize,
    /// How many calls one instance may serve, one after another. 1 (the default) gives every call a
    /// fresh instance; more lets a guest see what an earlier call left in its memory.
    pub reuse: u32,
    /// How long an instance kept for reuse may stay idle. Default 10 s.
    pub reuse_idle: Duration,
}

impl Default for InstanceLimits {
    fn default() -> Self {
        Self {
            memory: ByteSize::mib(128),
            cpu: Duration::from_secs(30),
            silence: Duration::from_secs(60),
            host_bytes: ByteSize::kib(256),
            resources: 4_000,
            fields: ByteSize::kib(128),
            random: ByteSize::kib(64),
            log: ByteSize::kib(64),
            reuse: 1,
            reuse_idle: Duration::from_secs(10),
        }
    }
}

/// How large the cache of loaded modules may grow. Past either bound the least recently used goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// Loaded modules. Default 100.
    pub entries: usize,
    /// Sum of [`Module::footprint`](crate::Module::footprint). Default 256 MiB.
    pub bytes: ByteSize,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { entries: 100, bytes: ByteSize::mib(256) }
    }
}
