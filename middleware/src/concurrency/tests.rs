//! Places that are taken, waited for and given back.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::{Body, ModuleName, SendOptions, Span};
use proptest::prelude::*;
use tokio::sync::Notify;
use tokio::time::{advance, timeout};

use super::*;
use crate::rig::{Rig, Served, get, make, text};

/// A module whose calls work until they are told to stop, and how many do at once.
#[derive(Clone, Default)]
struct Work(Arc<Working>);

#[derive(Default)]
struct Working {
    now: AtomicUsize,
    most: AtomicUsize,
    done: Notify,
    /// What the calls were named, in the order in which they began.
    began: Mutex<Vec<String>>,
}

struct Busy(Work);

impl Work {
    fn begin(&self, request: &Request) -> Busy {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        self.0.began.lock().unwrap().push(request.uri().path().to_owned());
        Busy(self.clone())
    }

    fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    fn done(&self) {
        self.0.done.notify_waiters();
    }

    fn began(&self) -> Vec<String> {
        self.0.began.lock().unwrap().clone()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `/ready` answers at once, `/stream` at once with a body that ends when told to, all else when told to.
fn working() -> (impl Fn(Request, Call) -> BoxFuture<'static, Result<Response, CallError>>, Work) {
    let work = Work::default();
    let shared = work.clone();
    let module = move |request: Request, _: Call| -> BoxFuture<'static, _> {
        let work = shared.clone();
        Box::pin(async move {
            if request.uri().path() == "/ready" {
                return Ok(Response::new("ready".into()));
            }
            let busy = work.begin(&request);
            if request.uri().path() == "/stream" {
                let end = stream::once(async move {
                    busy.0.0.done.notified().await;
                    Ok(Frame::data(Bytes::from_static(b"end")))
                });
                return Ok(Response::new(Body::stream(StreamBody::new(end.boxed()))));
            }
            work.0.done.notified().await;
            Ok(Response::new("done".into()))
        })
    };
    (module, work)
}

/// A host with such a module `m`, loaded, and `other`, behind `middleware`.
async fn serving(middleware: impl Middleware + 'static) -> (Served, Work) {
    let (module, work) = working();
    let rig = Rig::default().module("m", module).says("other", "other");
    let served = rig.with(middleware).build();
    loaded(&served).await;
    (served, work)
}

/// Has the module loaded, which happens on a thread of its own and takes a time of its own.
async fn loaded(served: &Served) {
    assert_eq!(text(served.get("/run/m/ready").await).await, "ready");
}

/// Polls `call` until it stands still.
async fn settle<F: Future + Unpin>(call: &mut F) {
    for _ in 0..100 {
        assert!(call.now_or_never().is_none(), "it is over already");
        tokio::task::yield_now().await;
    }
}

/// Makes so many calls at once and waits until they stand still.
async fn begin<'a>(served: &'a Served, names: &[&str]) -> Vec<BoxFuture<'a, Response>> {
    let mut calls = Vec::new();
    for name in names {
        let target = format!("/run/m/{name}");
        let mut call: BoxFuture<'_, _> = Box::pin(async move { served.get(&target).await });
        settle(&mut call).await;
        calls.push(call);
    }
    calls
}

fn is_refused(response: &Response) -> bool {
    response.status() == 503
        && response.headers()["mik-error"] == "overloaded"
        && response.headers()["retry-after"] == "1"
}

#[tokio::test(start_paused = true)]
async fn one_more_than_the_limit_is_refused_at_once() {
    let (served, work) = serving(Concurrency::new(2)).await;
    let calls = begin(&served, &["a", "b"]).await;
    let refused = served.get("/run/m/c").await;
    assert!(is_refused(&refused), "{refused:?}");
    assert!(text(refused).await.contains("too many requests in flight for this module"));
    assert_eq!(served.get("/run/other/").await.status(), 200, "others have places of their own");
    work.done();
    for response in join_all(calls).await {
        assert_eq!(text(response).await, "done");
    }
    assert_eq!(work.0.most.load(Ordering::SeqCst), 2);
    let again = begin(&served, &["d", "e"]).await;
    drop(again);
    assert_eq!(work.now(), 0, "a client that leaves gives its place back");
    assert_eq!(begin(&served, &["f", "g"]).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_taken_until_the_body_has_ended() {
    let (served, work) = serving(Concurrency::new(1)).await;
    let response = served.get("/run/m/stream").await;
    assert_eq!(response.status(), 200);
    assert!(is_refused(&served.get("/run/m/a").await));
    let (body, ()) = tokio::join!(response.into_body().collect(), async { work.done() });
    assert!(body.is_ok());
    let dropped = served.get("/run/m/stream").await;
    assert_eq!(dropped.status(), 200);
    drop(dropped);
    assert_eq!(served.get("/run/m/stream").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_taken_while_the_guest_still_works() {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let module = move |_: Request, call: Call| {
        // What an engine does whose guest goes on after its answer.
        *keep.lock().unwrap() = Some(call);
        async { Ok(Response::new("answered".into())) }
    };
    let served = Rig::default().module("m", module).with(Concurrency::new(1)).build();
    assert_eq!(text(served.get("/run/m/").await).await, "answered");
    assert!(is_refused(&served.get("/run/m/").await));
    kept.lock().unwrap().take();
    assert_eq!(served.get("/run/m/").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn who_waits_comes_in_order() {
    let (served, work) = serving(Concurrency::new(1).queue(3, Duration::from_secs(1))).await;
    let mut calls = begin(&served, &["a", "b", "c", "d"]).await;
    let refused = served.get("/run/m/e").await;
    assert!(is_refused(&refused), "the queue is full");
    // One that leaves makes room in the queue, and the order stays.
    drop(calls.remove(2));
    calls.extend(begin(&served, &["f"]).await);
    assert!(is_refused(&served.get("/run/m/g").await));
    let finish = async {
        for _ in 0..200 {
            work.done();
            tokio::task::yield_now().await;
        }
    };
    let read = calls.into_iter().map(|call| async { text(call.await).await });
    let (texts, ()) = tokio::join!(join_all(read), finish);
    assert_eq!(texts, ["done"; 4]);
    assert_eq!(work.began(), ["/a", "/b", "/d", "/f"]);
    assert_eq!(work.0.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_said_or_past_the_deadline() {
    let (served, _work) = serving(Concurrency::new(1).queue(1, Duration::from_millis(500))).await;
    let _held = begin(&served, &["a"]).await;
    let started = Instant::now();
    assert!(is_refused(&served.get("/run/m/b").await));
    assert_eq!(started.elapsed().as_millis() / 10, 50);

    let started = Instant::now();
    let parent = Call::detached(Duration::from_millis(200));
    let target = Target::Module(ModuleName::new("m").unwrap());
    let refused = served.host.call(target, get("/"), &parent).await;
    assert!(matches!(refused, Err(CallError::Overloaded(_))), "{refused:?}");
    assert_eq!(started.elapsed().as_millis() / 10, 20);
}

#[tokio::test(start_paused = true)]
async fn a_nested_call_never_waits() {
    let module = |_: Request, call: Call| async move {
        // It holds the only place while it calls itself.
        let started = Instant::now();
        let nested = call.send(get("http://m.mik.internal/"), SendOptions::default()).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        let kind = nested.map_or_else(|error| error.kind().as_str(), |_| "answered");
        Ok(Response::new(kind.into()))
    };
    let allowed = mik_core::Grants {
        allowed_hosts: ["*.mik.internal".parse().unwrap()].into_iter().collect(),
        ..Default::default()
    };
    let settings = mik_core::ModuleSettings { grants: Arc::new(allowed), ..Default::default() };
    let rig = Rig::default().module("m", module);
    let rig = rig.with(Concurrency::new(1).queue(10, Duration::from_secs(1)));
    let served = rig.build_with(|builder| builder.module_defaults(settings));
    assert_eq!(text(served.get("/run/m/").await).await, "overloaded");
}

/// Notes who has waited.
#[derive(Default)]
struct Waits(Mutex<Vec<(String, Duration)>>);

impl Span for Waits {
    fn waited(&self, name: &str, since: Instant) {
        self.0.lock().unwrap().push((name.to_owned(), since.elapsed()));
    }
}

/// Gives each call a span, as tracing does.
struct Traced(Arc<Waits>);

impl Middleware for Traced {
    fn name(&self) -> &str {
        "traced"
    }

    fn rings(&self) -> Rings {
        Rings::CALL
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        next.run(request, call.with_span(self.0.clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_is_told_to_the_trace() {
    let waits = Arc::new(Waits::default());
    let (module, work) = working();
    let rig = Rig::default().module("m", module).with(Traced(waits.clone()));
    let served = rig.with(Concurrency::new(1).queue(1, Duration::from_secs(1))).build();
    loaded(&served).await;
    let mut calls = begin(&served, &["a", "b"]).await;
    advance(Duration::from_millis(300)).await;
    work.done();
    drop(calls.remove(0).await);
    settle(&mut calls[0]).await;
    assert_eq!(work.now(), 1, "the second one works");
    let waits = waits.0.lock().unwrap();
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!((&*waits[0].0, waits[0].1), ("concurrency", Duration::from_millis(300)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever comes, waits, gives up and ends in whatever order: never more than the limit have a
    /// place, never more than the queue wait, and in the end all places are free.
    #[test]
    fn places_are_never_lost_and_never_doubled(
        places in 1_usize..4,
        queue in 0_usize..4,
        events in prop::collection::vec((0_u8..4, any::<usize>()), 1..100),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let limit = Limit { places, queue, wait: Duration::from_secs(1) };
            let all = Arc::new(Places::new(limit));
            let far = Instant::now() + Duration::from_secs(3_600);
            let mut taken: Vec<Place> = Vec::new();
            let mut waiting = Vec::new();
            for (event, which) in events {
                match event {
                    0 | 1 => match all.take() {
                        Some(place) => taken.push(place),
                        None => {
                            let all = all.clone();
                            let mut wait = Box::pin(async move { all.wait(far).await });
                            match (&mut wait).now_or_never() {
                                Some(place) => assert!(place.is_none() && waiting.len() >= queue),
                                None => waiting.push(wait),
                            }
                        }
                    },
                    2 if !taken.is_empty() => drop(taken.swap_remove(which % taken.len())),
                    3 if !waiting.is_empty() => drop(waiting.swap_remove(which % waiting.len())),
                    _ => advance(Duration::from_millis(300)).await,
                }
                waiting.retain_mut(|wait| match wait.now_or_never() {
                    Some(Some(place)) => { taken.push(place); false }
                    Some(None) => false,
                    None => true,
                });
                assert!(taken.len() <= places && waiting.len() <= queue);
                assert_eq!(all.waiting(), waiting.len());
                assert!(waiting.is_empty() || taken.len() == places, "a place is free, and one waits");
            }
            drop((taken, waiting));
            let free: Vec<_> = std::iter::from_fn(|| all.take()).collect();
            assert_eq!((free.len(), all.waiting()), (places, 0));
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_module_may_have_a_number_of_its_own() {
    let table = "[middleware.concurrency]\nlimit = 1\n[modules.two]\nconcurrency = 2\n\
                 [modules.free.concurrency]\nenabled = false\n";
    let wait = |_: Request, _: Call| std::future::pending();
    let mut rig = Rig::default();
    for name in ["one", "two", "free"] {
        rig = rig.module(name, wait);
    }
    let served = rig.made("concurrency", table).build();
    for (name, places) in [("one", 1), ("two", 2), ("free", 10)] {
        let target = format!("/run/{name}/");
        let calls = join_all((0..10).map(|_| timeout(Duration::from_secs(1), served.get(&target))));
        let refused = calls.await.into_iter().flatten().filter(is_refused).count();
        assert_eq!(refused, 10 - places, "{name}");
    }
}

#[test]
fn tables_out_of_bounds_are_refused() {
    for (table, message) in [
        ("limit = 0", "a whole number from 1 to 1000000"),
        ("queue = -1", "a whole number from 0 to 1000000"),
        ("wait = \"2m\"", "a time from 1ms to 1m"),
        ("limits = 1", "unknown field `limits`"),
        ("[modules.a]\nconcurrency = 0", "a whole number from 1 to 1000000"),
    ] {
        let wrong = make("concurrency", &format!("[middleware.concurrency]\n{table}\n")).err();
        assert!(wrong.as_ref().is_some_and(|wrong| wrong.contains(message)), "{table}: {wrong:?}");
    }
    assert!(make("concurrency", "").is_ok());
}
