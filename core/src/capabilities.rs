//! What an engine or an orchestrator can promise.

/// What an engine or an orchestrator can promise. The host makes up for some of it, `mik check` shows
/// it, and the conformance suite chooses its cases by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Serves components of the `wasi:http/proxy` world, WASI 0.2.
    pub wasi_0_2: bool,
    /// Serves components of the `wasi:http/service` world, WASI 0.3.
    pub wasi_0_3: bool,
    /// Bodies flow while the guest runs, in both directions, with backpressure.
    pub streaming: bool,
    /// Trailers pass in both directions.
    pub trailers: bool,
    /// A guest that never yields is stopped, and its neighbours keep running.
    pub preemption: bool,
    /// A guest's memory is capped.
    pub memory_cap: bool,
    /// The engine itself answers [`CallError::Timeout`](crate::CallError::Timeout) at the call's
    /// deadline. Where it does not, the host drops the call then.
    pub deadline: bool,
    /// An instance may serve several calls.
    pub reuse: bool,
    /// Safe for guests that nobody has vetted.
    pub untrusted: bool,
}
