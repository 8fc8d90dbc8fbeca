//! The breaker around modules that fail, in every way that a call can end.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use futures_util::stream;
use http::StatusCode;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::{Body, ModuleName, Response, Target};
use tokio::sync::Notify;
use tokio::time::{Instant, advance, timeout};

use super::circuit::Kind;
use super::*;
use crate::rig::{Rig, Served, get, make, text};

const URL: &str = "/run/m/";

/// What the module `m` does when it is called next.
#[derive(Clone, Default)]
struct Script(Arc<Scripted>);

#[derive(Default)]
struct Scripted {
    acts: Mutex<Act>,
    calls: AtomicUsize,
    /// Lets calls that wait go on.
    go: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
enum Act {
    #[default]
    Fine,
    Trap,
    Half,
    Late,
    Status(u16),
    Refuse(&'static str),
    Panic,
    /// Waits to be told, then does this.
    WaitThen(&'static Act),
    /// A body that never ends.
    Endless,
    /// A body that waits to be told, then ends well.
    Slow,
    /// Reads its request, and traps if that breaks off.
    Read,
}

impl Script {
    fn say(&self, act: Act) {
        *self.0.acts.lock().unwrap_or_else(PoisonError::into_inner) = act;
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    async fn run(self, request: Request) -> Result<Response, CallError> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let mut act = *self.0.acts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Act::WaitThen(then) = act {
            self.0.go.notified().await;
            act = *then;
        }
        let trap = || CallError::Trap("unreachable".into());
        let part = || Ok(Frame::data(Bytes::from_static(b"part")));
        match act {
            Act::Fine => Ok(Response::new("fine".into())),
            Act::Trap => Err(trap()),
            Act::Half => Ok(Response::new(Body::stream(StreamBody::new(stream::iter([
                part(),
                Err(trap()),
            ]))))),
            Act::Late => pending().await,
            Act::Status(status) => {
                let mut response = Response::new("said".into());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok(response)
            }
            Act::Refuse(why) => Err(CallError::Overloaded(why)),
            Act::Panic => panic!("a module that panics"),
            Act::Endless => {
                let frames = stream::unfold((), move |()| async move { Some((part(), ())) });
                Ok(Response::new(Body::stream(StreamBody::new(Box::pin(frames)))))
            }
            Act::Slow => {
                let end = stream::once(async move {
                    self.0.go.notified().await;
                    part()
                });
                Ok(Response::new(Body::stream(StreamBody::new(Box::pin(end)))))
            }
            Act::Read => match request.into_body().collect().await {
                Ok(_) => Ok(Response::new("read".into())),
                Err(_) => Ok(Response::new(Body::stream(StreamBody::new(stream::iter([
                    part(),
                    Err(trap()),
                ]))))),
            },
            Act::WaitThen(_) => unreachable!("waits once"),
        }
    }
}

/// A host with the modules `m`, which does as it is told, and `other`, behind `breaker`.
struct Test {
    served: Served,
    script: Script,
    gates: Arc<PerTarget<Gate>>,
}

impl Test {
    fn of(breaker: Breaker) -> Self {
        let (script, gates) = (Script::default(), breaker.gates.clone());
        let run = script.clone();
        let rig = Rig::default().module("m", move |request, _| run.clone().run(request));
        let served = rig.says("other", "other").with(breaker).build();
        Self { served, script, gates }
    }

    /// Three failures in a row open it for a second, and each failed probe for twice as long.
    fn new() -> Self {
        let breaker = Breaker::new().consecutive(3).open(Duration::from_secs(1));
        Self::of(breaker.grow(2.0, Duration::from_secs(60)))
    }

    /// One GET, read to its end; the status.
    async fn get(&self) -> StatusCode {
        let response = self.served.get(URL).await;
        let status = response.status();
        let _ = response.into_body().collect().await;
        status
    }

    /// Opens it by `act`.
    async fn fail(&self, act: Act) {
        self.script.say(act);
        for _ in 0..3 {
            assert_eq!(self.kind(), Some(Kind::Closed).filter(|_| self.script.calls() > 0));
            self.get().await;
        }
        assert_eq!(self.kind(), Some(Kind::Open), "{act:?}");
    }

    /// Opens it, and lets the open time pass.
    async fn half_open() -> Self {
        let test = Self::new();
        test.fail(Act::Trap).await;
        advance(Duration::from_millis(1_100)).await;
        assert_eq!(test.kind(), Some(Kind::HalfOpen));
        test.script.say(Act::Fine);
        test
    }

    fn kind(&self) -> Option<Kind> {
        let mut found = None;
        self.gates.each_named(|target, gate| {
            if target.to_string() == "module m" {
                found = Some(gate.kind());
            }
        });
        found
    }
}

#[tokio::test(start_paused = true)]
async fn it_opens_refuses_probes_and_closes() {
    let test = Test::new();
    test.fail(Act::Trap).await;
    let calls = test.script.calls();
    let refused = test.served.get(URL).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["mik-error"], "circuit-open");
    let retry_after = refused.headers()["retry-after"].to_str().unwrap().to_owned();
    assert!(["1", "2"].contains(&&*retry_after), "{retry_after}");
    assert!(text(refused).await.contains("urn:mik:error:circuit-open"));
    assert_eq!(test.script.calls(), calls, "it was not called");
    // Others have nothing to do with it.
    assert_eq!(test.served.get("/run/other/").await.status(), 200);

    test.script.say(Act::Fine);
    advance(Duration::from_millis(999)).await;
    assert_eq!(test.get().await, 503, "it is open for a second at least");
    advance(Duration::from_millis(101)).await;
    assert_eq!(test.get().await, 200, "the probe");
    assert_eq!(test.kind(), Some(Kind::Closed));
    assert_eq!(test.get().await, 200);
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_failure_opens_it() {
    for act in [Act::Trap, Act::Half, Act::Late, Act::Status(500), Act::Status(503), Act::Panic] {
        Test::new().fail(act).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_are_to_blame_for_does_not() {
    let test = Test::new();
    for act in [Act::Status(404), Act::Status(429), Act::Refuse("full"), Act::Fine] {
        test.script.say(act);
        for _ in 0..10 {
            test.get().await;
        }
        assert_eq!(test.kind(), Some(Kind::Closed), "{act:?}");
    }
    // A client that leaves before the head, and in the body.
    test.script.say(Act::Late);
    for _ in 0..10 {
        let left = timeout(Duration::from_millis(1), test.served.get(URL)).await;
        assert!(left.is_err());
    }
    test.script.say(Act::Endless);
    for _ in 0..10 {
        drop(test.served.get(URL).await);
    }
    assert_eq!(test.kind(), Some(Kind::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_breaks_off_its_request_does_not() {
    let test = Test::new();
    test.script.say(Act::Read);
    for _ in 0..10 {
        let frames = [Ok(Frame::data(Bytes::from_static(b"x"))), Err(CallError::ClientGone)];
        let body = Body::stream(StreamBody::new(stream::iter(frames)));
        let request = http::Request::post(URL).body(body).unwrap();
        let answer = test.served.send(request).await;
        assert!(answer.into_body().collect().await.is_err(), "the module traps");
    }
    assert_eq!(test.kind(), Some(Kind::Closed));
}

#[tokio::test(start_paused = true)]
async fn time_that_the_client_has_cut_does_not() {
    for (is_hurried, kind) in [(true, Kind::Closed), (false, Kind::Open)] {
        let test = Test::new();
        test.script.say(Act::Late);
        for _ in 0..3 {
            let parent = Call::detached(Duration::from_secs(1));
            let parent = if is_hurried { parent.hurried() } else { parent };
            let target = Target::Module(ModuleName::new("m").unwrap());
            let late = test.served.host.call(target, get("/"), &parent).await;
            assert!(matches!(late, Err(CallError::Timeout(_))), "{late:?}");
        }
        assert_eq!(test.kind(), Some(kind));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_at_the_deadline_has_seen_it_fail() {
    let test = Test::new();
    test.script.say(Act::Late);
    let target = Target::Module(ModuleName::new("m").unwrap());
    for _ in 0..3 {
        // What stands around it gives up first, and lets go of the call.
        let parent = Call::detached(Duration::from_secs(1));
        let call = test.served.host.call(target.clone(), get("/"), &parent);
        let mut call = Box::pin(call);
        assert!((&mut call).now_or_never().is_none());
        while test.script.calls() == 0 {
            tokio::task::yield_now().await;
            assert!((&mut call).now_or_never().is_none());
        }
        advance(Duration::from_secs(1)).await;
        drop(call);
    }
    assert_eq!(test.kind(), Some(Kind::Open));
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_at_once_exactly_one_probes() {
    let test = Test::half_open().await;
    let before = test.script.calls();
    test.script.say(Act::WaitThen(&Act::Fine));
    let all = join_all((0..100).map(|_| test.get()));
    let release = async {
        tokio::task::yield_now().await;
        test.script.0.go.notify_waiters();
    };
    let (statuses, ()) = tokio::join!(all, release);
    assert_eq!(test.script.calls() - before, 1);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 99);
    assert_eq!(test.kind(), Some(Kind::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_opens_it_for_longer() {
    let test = Test::half_open().await;
    test.script.say(Act::Half);
    test.get().await;
    assert_eq!(test.kind(), Some(Kind::Open));
    let answer = test.served.get(URL).await;
    let retry_after = answer.headers()["retry-after"].to_str().unwrap();
    assert!(["2", "3"].contains(&retry_after), "{retry_after}");
    test.script.say(Act::Fine);
    advance(Duration::from_millis(1_799)).await;
    assert_eq!(test.get().await, 503, "two seconds, less a tenth at most");
    advance(Duration::from_millis(401)).await;
    assert_eq!(test.get().await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_says_nothing_is_given_back() {
    for act in [Act::Late, Act::Endless, Act::Refuse("full")] {
        let test = Test::half_open().await;
        test.script.say(act);
        match act {
            // The client leaves before the head.
            Act::Late => {
                assert!(timeout(Duration::from_millis(1), test.served.get(URL)).await.is_err());
            }
            // In the body.
            Act::Endless => drop(test.served.get(URL).await),
            // It is refused further in.
            _ => assert_eq!(test.get().await, 503),
        }
        assert_eq!(test.kind(), Some(Kind::HalfOpen), "{act:?}");
        test.script.say(Act::Fine);
        let before = test.script.calls();
        assert_eq!(test.get().await, 200, "the next one probes");
        assert_eq!((test.script.calls() - before, test.kind()), (1, Some(Kind::Closed)));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_passes_while_the_body_of_the_probe_comes() {
    let test = Test::half_open().await;
    test.script.say(Act::Slow);
    let probe = test.served.get(URL).await;
    assert_eq!(probe.status(), 200);
    assert_eq!(test.get().await, 503);
    let (body, ()) =
        tokio::join!(probe.into_body().collect(), async { test.script.0.go.notify_one() });
    assert!(body.is_ok());
    assert_eq!(test.kind(), Some(Kind::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_does_not_keep_all_others_out() {
    let test = Test::half_open().await;
    test.script.say(Act::Endless);
    let probe = test.served.get(URL).await;
    test.script.say(Act::Fine);
    advance(Duration::from_millis(999)).await;
    assert_eq!(test.get().await, 503);
    advance(Duration::from_millis(1)).await;
    assert_eq!(test.get().await, 200);
    drop(probe);
    assert_eq!(test.kind(), Some(Kind::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_call_from_before_does_not_decide_for_the_probe() {
    let test = Test::new();
    // Called while all is well: what becomes of it is known much later.
    test.script.say(Act::WaitThen(&Act::Trap));
    let mut old = Box::pin(test.served.get(URL));
    while test.script.calls() == 0 {
        assert!((&mut old).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    test.script.say(Act::Trap);
    for _ in 0..3 {
        test.get().await;
    }
    advance(Duration::from_millis(1_100)).await;
    test.script.say(Act::Slow);
    let probe = test.served.get(URL).await;
    test.script.0.go.notify_waiters();
    assert_eq!(old.await.status(), 500);
    assert_eq!(test.kind(), Some(Kind::HalfOpen), "the probe is still out");
    assert_eq!(test.get().await, 503);
    let (_, ()) =
        tokio::join!(probe.into_body().collect(), async { test.script.0.go.notify_one() });
    assert_eq!(test.kind(), Some(Kind::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_does_not_exist_leaves_no_trace() {
    let test = Test::new();
    for number in 0..100 {
        let answer = test.served.get(&format!("/run/nobody{number}/")).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["mik-error"]),
            (404, &"not-found".parse().unwrap())
        );
    }
    let mut kept = 0;
    test.gates.each_named(|_, _| kept += 1);
    assert_eq!(kept, 0);
}

#[tokio::test(start_paused = true)]
async fn what_counts_can_be_chosen_for_each_module() {
    let table = "[middleware.breaker]\nconsecutive = 2\nfailures = [\"trap\"]\n\
                 [modules.strict.breaker]\nfailures = [\"5xx\"]\n\
                 [modules.free.breaker]\nenabled = false\n";
    let failing = |_: Request, _: Call| async {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        Ok(response)
    };
    let trap = |_: Request, _: Call| async { Err(CallError::Trap("x".into())) };
    let rig = Rig::default().module("plain", failing).module("strict", failing);
    let served = rig.module("free", trap).made("breaker", table).build();
    for (name, expected) in [("plain", 502), ("strict", 503), ("free", 500)] {
        let mut last = None;
        for _ in 0..3 {
            last = Some(served.get(&format!("/run/{name}/")).await.status());
        }
        assert_eq!(last.unwrap(), expected, "{name}");
    }
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    for (table, message) in [
        ("rate = 0.0", "`rate` must be above 0 and at most 1"),
        ("rate = 1.5", "`rate` must be above 0 and at most 1"),
        ("rate = nan", "`rate` must be above 0 and at most 1"),
        ("factor = 0.5", "`factor` must be from 1 to 10"),
        ("factor = nan", "`factor` must be from 1 to 10"),
        ("open = \"2m\"", "`open` must not be longer than `max_open`"),
        ("consecutive = 0", "it would never open"),
        ("failures = []", "it would never open"),
        ("failures = [\"4xx\"]", "unknown variant `4xx`"),
        ("open = \"1ms\"", "a time from 10ms to 1h"),
        ("opens = 1", "unknown field `opens`"),
        ("[modules.a.breaker]\nupstream = true", "set `upstream` in [middleware.breaker]"),
    ] {
        let wrong = make("breaker", &format!("[middleware.breaker]\n{table}\n")).err();
        assert!(wrong.as_ref().is_some_and(|wrong| wrong.contains(message)), "{table}: {wrong:?}");
    }
    for table in ["", "rate = 0.5", "consecutive = 0\nrate = 1.0", "upstream = true"] {
        assert!(make("breaker", &format!("[middleware.breaker]\n{table}\n")).is_ok(), "{table}");
    }
}

#[test]
fn the_default_is_that_of_its_table() {
    assert_eq!(Table::default().setting().unwrap(), Setting::default());
}

#[test]
fn outgoing_hosts_are_guarded_when_asked() {
    assert_eq!(Breaker::new().rings(), Rings::CALL);
    assert_eq!(Breaker::new().upstream().rings(), Rings::CALL | Rings::UPSTREAM);
    let made = make("breaker", "[middleware.breaker]\nupstream = true").unwrap();
    assert_eq!(made.rings(), Rings::CALL | Rings::UPSTREAM);
}

#[tokio::test(start_paused = true)]
async fn healthy_calls_leave_the_circuit_alone() {
    let test = Test::new();
    let started = Instant::now();
    for _ in 0..10 {
        assert_eq!(test.get().await, 200);
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    test.script.say(Act::Trap);
    test.get().await;
    test.get().await;
    // One success wipes the slate.
    test.script.say(Act::Fine);
    test.get().await;
    test.script.say(Act::Trap);
    test.get().await;
    test.get().await;
    assert_eq!(test.kind(), Some(Kind::Closed));
    test.get().await;
    assert_eq!(test.kind(), Some(Kind::Open));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_is_the_clients() {
    let served = Rig::default()
        .module("m", |request: Request, _| async move {
            let _ = request.into_body().collect().await;
            Ok(Response::new("never".into()))
        })
        .with(Breaker::new().consecutive(1))
        .build();
    for _ in 0..3 {
        let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, CallError>>());
        let request = http::Request::post("/").body(Body::stream(body)).unwrap();
        let target = Target::Module(ModuleName::new("m").unwrap());
        let parent = Call::detached(Duration::from_secs(1));
        let late = served.host.call(target, request, &parent).await;
        // Were one of them counted, the next would find the circuit open.
        assert!(matches!(late, Err(CallError::Timeout(_))), "{late:?}");
    }
}
