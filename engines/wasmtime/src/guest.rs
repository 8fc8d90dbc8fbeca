//! The state of one instance, and how it is made.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mik_core::{Call, InstanceLimits, ModuleName};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::body::{
    HostFutureTrailers, HostIncomingBody, HostOutgoingBody, StreamContext,
};
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingRequest, HostIncomingResponse, HostOutgoingRequest,
    HostOutgoingResponse, HostResponseOutparam,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::guest_log::{GuestLog, Stream};
use crate::hooks::Hooks;
use crate::memory::Limiter;

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
        limiter: Limiter,
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
        Self { wasi: wasi.build(), http, table, hooks: Hooks::default(), limiter, log }
    }

    /// Starts a call. `answered` is set once its response head is out.
    pub(crate) fn begin(&mut self, call: Call, answered: Arc<AtomicBool>, limits: &InstanceLimits) {
        self.log.begin(call.request_id().clone(), limits.log.get());
        self.limiter.begin();
        self.hooks.begin(call, answered, limits.silence);
    }

    /// Ends a call. Says whether nothing of it is left that a later call would find or pay for.
    pub(crate) fn end(&mut self) -> bool {
        self.log.end();
        self.hooks.end();
        if self.table.is_empty() {
            return true;
        }
        self.abort_bodies();
        !self.table.iter_mut().any(|entry| is_of_one_call(entry))
    }

    /// What was sent of a body that the guest never finished must not pass for the whole. wasmtime takes
    /// a body that goes with its store for one that ended.
    fn abort_bodies(&mut self) {
        for entry in self.table.iter_mut() {
            if let Some(body) = entry.downcast_mut::<HostOutgoingBody>() {
                let (empty, _) = HostOutgoingBody::new(StreamContext::Request, None, 1, 1);
                std::mem::replace(body, empty).abort();
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // A call that was cancelled has not come to its end.
        if self.hooks.is_in_call() {
            self.log.end();
            self.abort_bodies();
        }
    }
}

/// Whether a resource belongs to one call: requests, responses and what hangs on them. Others, such as the
/// standard streams, are the instance's own.
fn is_of_one_call(entry: &(dyn Any + Send)) -> bool {
    entry.is::<HostIncomingRequest>()
        || entry.is::<HostIncomingBody>()
        || entry.is::<HostResponseOutparam>()
        || entry.is::<HostOutgoingResponse>()
        || entry.is::<HostOutgoingBody>()
        || entry.is::<HostOutgoingRequest>()
        || entry.is::<HostFutureIncomingResponse>()
        || entry.is::<HostIncomingResponse>()
        || entry.is::<HostFutureTrailers>()
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
