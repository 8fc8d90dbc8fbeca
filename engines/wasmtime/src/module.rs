//! A loaded component, and one call of it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use http::header::{self, CONTENT_LENGTH};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use mik_core::{
    Body, BoxFuture, Call, CallError, InstanceLimits, Module, ModuleName, Request, Response,
    drop_after_flush,
};
use tokio::sync::oneshot::{self, error::TryRecvError};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use crate::body::{GuestBody, collect};
use crate::errors::to_wasi;
use crate::guest::{Guest, Instance, store};
use crate::memory::{Limiter, MemoryBudget};
use crate::numbers::ModuleNumbers;
use crate::outcome::{classify, report};
use crate::reuse::{IdleInstances, Shelf};
use crate::running::Running;

/// A compiled component, linked and ready to be instantiated.
pub(crate) struct WasmtimeModule {
    pub(crate) name: ModuleName,
    pub(crate) pre: ProxyPre<Guest>,
    pub(crate) numbers: Option<Arc<ModuleNumbers>>,
    pub(crate) limits: InstanceLimits,
    pub(crate) budget: Arc<MemoryBudget>,
    pub(crate) footprint: usize,
    /// What waits for reuse, of all modules.
    pub(crate) idle: Arc<IdleInstances>,
    /// Where instances wait for their next call; `None` where each serves one.
    pub(crate) shelf: Option<Arc<Shelf>>,
}

type Head = Result<http::Response<HyperOutgoingBody>, ErrorCode>;

impl Module for WasmtimeModule {
    fn footprint(&self) -> usize {
        self.footprint
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        call: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        Box::pin(async move {
            // HTTP needs an authority; without one wasmtime would take this for a failure of its own.
            if request.uri().authority().is_none() && !request.headers().contains_key(header::HOST)
            {
                return Err(CallError::Malformed("no authority"));
            }
            let asked_for_head = *request.method() == Method::HEAD;
            let (deadline, cpu, silence) = (call.deadline(), self.limits.cpu, self.limits.silence);
            let (head, mut answer) = oneshot::channel();
            let answered = Arc::new(AtomicBool::new(false));
            let guest = Box::pin(self.run(request, call, head, answered.clone()));
            let mut running = Running::new(guest, deadline, cpu);
            let (head, is_over) = poll_fn(|cx| {
                let polled = running.poll(cx);
                match (answer.try_recv(), polled) {
                    // The head has not left yet: the failure is the better answer.
                    (_, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
                    (Ok(Ok(head)), polled) => Poll::Ready(Ok((head, polled.is_ready()))),
                    (Ok(Err(code)), _) => Poll::Ready(Err(CallError::NoResponse(
                        format!("it answered {code:?}").into(),
                    ))),
                    (Err(TryRecvError::Empty), Poll::Pending) => Poll::Pending,
                    (Err(_), _) => Poll::Ready(Err(CallError::NoResponse(
                        "it returned without an answer".into(),
                    ))),
                }
            })
            .await?;
            let (parts, source) = head.into_parts();
            answered.store(true, Ordering::Relaxed);
            let body = if !is_over {
                let length = parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
                let length = length.and_then(|length| length.parse().ok());
                Body::stream(GuestBody::new(running, source, silence, length))
            } else if asked_for_head || parts.status == StatusCode::NOT_MODIFIED {
                // Its content-length speaks of a body that it did right not to write.
                Body::empty()
            } else {
                collect(source)?
            };
            Ok(Response::from_parts(parts, body))
        })
    }
}

impl WasmtimeModule {
    /// The whole life of one call inside the guest.
    async fn run(
        self: Arc<Self>,
        request: Request,
        call: Call,
        head: oneshot::Sender<Head>,
        answered: Arc<AtomicBool>,
    ) -> Result<(), CallError> {
        let waiting = self.shelf.as_ref().and_then(|shelf| shelf.take());
        let mut instance = match waiting {
            Some(mut instance) => {
                instance.store.data_mut().begin(call.clone(), answered, &self.limits);
                instance
            }
            None => self.instantiate(&call, answered).await?,
        };
        instance.calls += 1;
        let result = serve(&mut instance, request, head).await;
        let clean = instance.store.data_mut().end();
        match result {
            Ok(()) => {
                self.retire(instance, clean);
                Ok(())
            }
            Err(error) => {
                let failure = classify(&error, instance.store.data());
                report(&self.name, &call, &failure, &error);
                drop_after_flush(instance);
                Err(failure)
            }
        }
    }

    async fn instantiate(
        &self,
        call: &Call,
        answered: Arc<AtomicBool>,
    ) -> Result<Instance, CallError> {
        if let Some(instance) = self.instantiate_if_it_fits(call, answered.clone()).await? {
            return Ok(instance);
        }
        // What waits for reuse must not keep others out.
        self.idle.clear();
        let instance = self.instantiate_if_it_fits(call, answered).await?;
        instance.ok_or(CallError::Overloaded("no memory left for another guest"))
    }

    /// `None` where all guests together have too much memory for one more.
    async fn instantiate_if_it_fits(
        &self,
        call: &Call,
        answered: Arc<AtomicBool>,
    ) -> Result<Option<Instance>, CallError> {
        let started = self.numbers.as_ref().map(|_| Instant::now());
        let limiter = Limiter::new(self.budget.clone(), &self.limits, self.numbers.clone());
        let mut guest = Guest::new(&self.name, &self.limits, limiter, call);
        guest.begin(call.clone(), answered, &self.limits);
        let mut store = store(self.pre.engine(), guest, &self.limits);
        store.set_epoch_deadline(1);
        match self.pre.instantiate_async(&mut store).await {
            Ok(proxy) => {
                if let Some((numbers, started)) = self.numbers.as_ref().zip(started) {
                    numbers.instantiated(started.elapsed());
                }
                Ok(Some(Instance { store, proxy, calls: 0 }))
            }
            Err(_) if store.data().limiter.is_for_want_of_common() => Ok(None),
            Err(error) => {
                let failure = classify(&error, store.data());
                report(&self.name, call, &failure, &error);
                Err(failure)
            }
        }
    }

    /// Keeps an instance for the next call, or lets it go once the answer is out.
    fn retire(&self, instance: Instance, clean: bool) {
        let grown = instance.store.data().limiter.used() > self.limits.memory.get() / 2;
        let done = instance.calls >= self.limits.reuse || !clean || grown;
        let shelf = self.shelf.as_ref().filter(|_| !done);
        let left = match shelf {
            Some(shelf) => shelf.put(instance).err(),
            None => Some(instance),
        };
        if let Some(instance) = left {
            drop_after_flush(instance);
        }
    }
}

/// Hands the request to the guest and runs it until it returns.
async fn serve(
    instance: &mut Instance,
    request: Request,
    head: oneshot::Sender<Head>,
) -> wasmtime::Result<()> {
    let store = &mut instance.store;
    store.set_epoch_deadline(1);
    let request = request.map(|body| body.map_err(to_wasi));
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request)?;
    let answer = http.new_response_outparam(head)?;
    instance.proxy.wasi_http_incoming_handler().call_handle(store, request, answer).await
}
