//! The state of one instance, and how it is made.

use std::sync::Arc;

use mik_core::{Call, InstanceLimits, ModuleName};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::body::HostOutgoingBody;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::guest_log::{GuestLog, Stream};
use crate::hooks::Hooks;
use crate::memory::{Limiter, MemoryBudget};

/// What the host functions of one instance work on.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Hooks,
    pub(crate) limiter: Limiter,
    log: Arc<GuestLog>,
}

/// A component that has been instantiated.
pub(crate) struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) proxy: Proxy,
    /// Calls that it has served.
    pub(crate) calls: u32,
}

impl Guest {
    /// A guest that may use what `call` grants, and nothing else.
    pub(crate) fn new(
        name: &ModuleName,
        limits: &InstanceLimits,
        budget: Arc<MemoryBudget>,
        call: &Call,
    ) -> Self {
        let log = GuestLog::new(name.clone());
        let mut wasi = WasiCtx::builder();
        wasi.stdout(log.stream(Stream::Stdout))
            .stderr(log.stream(Stream::Stderr))
            .max_random_size(limits.random.get())
            .allow_tcp(false)
            .allow_udp(false);
        if !call.grants().env.is_empty() {
            wasi.envs(&call.grants().env);
        }
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.fields.as_usize());
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources);
        let limiter = Limiter::new(budget, limits.memory.get());
        Self { wasi: wasi.build(), http, table, hooks: Hooks::default(), limiter, log }
    }

    /// Starts a call.
    pub(crate) fn begin(&mut self, call: Call, limits: &InstanceLimits) {
        self.log.begin(call.request_id().clone(), limits.log.get());
        self.hooks.call = Some(call);
    }

    /// Ends a call. Says whether a body was left that the guest never finished: what was sent of it
    /// must not pass for the whole.
    pub(crate) fn end(&mut self) -> bool {
        self.log.end();
        self.hooks.call = None;
        !self.table.is_empty() && self.table.iter_mut().any(|entry| entry.is::<HostOutgoingBody>())
    }
}

/// A store around `guest`, within `limits`.
pub(crate) fn store(
    engine: &wasmtime::Engine,
    guest: Guest,
    limits: &InstanceLimits,
) -> Store<Guest> {
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_hostcall_fuel(limits.host_bytes.as_usize());
    store.set_max_component_handles(limits.resources);
    store.epoch_deadline_callback(|_| {
        // Yielding through tokio lets the worker look at its sockets before it comes back: a guest
        // that spins delays others by a tick, not until it is done.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}
