//! What is tried again, how often, when, and with which body.

use std::collections::VecDeque;
use std::future::pending;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mik_core::Body;

use super::*;
use crate::rig::{Rig, Served, get, make, text};

/// What a module did, and what it will do.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Scripted>>);

#[derive(Default)]
struct Scripted {
    acts: VecDeque<Act>,
    /// When each attempt came, and the body that it read.
    seen: Vec<(Instant, Bytes)>,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Fine,
    Trap,
    Overload,
    Status(u16),
    /// 503 with `retry-after` in seconds.
    Later(u64),
    Half,
    Late,
    /// Reads so many bytes of the body, then traps.
    ReadThenTrap(usize),
}

impl Script {
    fn of(acts: &[Act]) -> Self {
        let script = Self::default();
        script.0.lock().unwrap().acts = acts.iter().copied().collect();
        script
    }

    fn attempts(&self) -> usize {
        self.0.lock().unwrap().seen.len()
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.0.lock().unwrap().seen.iter().map(|(_, body)| body.clone()).collect()
    }

    async fn run(self, request: Request) -> Result<Response, CallError> {
        let act = self.0.lock().unwrap().acts.pop_front().unwrap_or(Act::Fine);
        let mut body = request.into_body();
        let mut read = Vec::new();
        let most = if let Act::ReadThenTrap(bytes) = act { bytes } else { usize::MAX };
        while read.len() < most {
            match body.frame().await {
                Some(frame) => read.extend_from_slice(&frame?.into_data().unwrap_or_default()),
                None => break,
            }
        }
        self.0.lock().unwrap().seen.push((Instant::now(), read.into()));
        let trap = || CallError::Trap("unreachable".into());
        let answer = |status: u16| {
            http::Response::builder().status(status).body(Body::from("said")).unwrap()
        };
        match act {
            Act::Fine => Ok(Response::new("fine".into())),
            Act::Trap | Act::ReadThenTrap(_) => Err(trap()),
            Act::Overload => Err(CallError::Overloaded("full")),
            Act::Status(status) => Ok(answer(status)),
            Act::Later(seconds) => {
                let mut response = answer(503);
                response.headers_mut().insert("retry-after", seconds.into());
                Ok(response)
            }
            Act::Half => {
                let frames = [Ok(Frame::data(Bytes::from_static(b"half"))), Err(trap())];
                Ok(Response::new(Body::stream(StreamBody::new(stream::iter(frames)))))
            }
            Act::Late => pending().await,
        }
    }
}

fn serving(table: &str, acts: &[Act]) -> (Served, Script) {
    let script = Script::of(acts);
    let run = script.clone();
    let rig = Rig::default().module("m", move |request, _| run.clone().run(request));
    (rig.made("retry", &format!("[middleware.retry]\n{table}\n")).build(), script)
}

fn request(method: &str, body: Body) -> Request {
    http::Request::builder().method(method).uri("/run/m/").body(body).unwrap()
}

fn streaming(sizes: &[usize]) -> Body {
    let frames: Vec<_> =
        sizes.iter().map(|size| Ok(Frame::data(vec![b'x'; *size].into()))).collect();
    Body::stream(StreamBody::new(stream::iter(frames)))
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_until_it_succeeds() {
    for failure in [Act::Trap, Act::Status(502), Act::Status(503), Act::Status(504)] {
        let (served, script) = serving("", &[failure, failure]);
        let response = served.get("/run/m/").await;
        assert_eq!((response.status().as_u16(), script.attempts()), (200, 3), "{failure:?}");
        assert_eq!(text(response).await, "fine");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_is_passed_on() {
    let (served, script) = serving("", &[Act::Trap, Act::Status(502), Act::Status(503), Act::Fine]);
    let response = served.get("/run/m/").await;
    assert_eq!((response.status().as_u16(), script.attempts()), (503, 3));
    assert!(!response.headers().contains_key("mik-error"), "it is the module's own");
    let (served, script) = serving("attempts = 2", &[Act::Status(502), Act::Trap]);
    assert_eq!((served.get("/run/m/").await.status().as_u16(), script.attempts()), (500, 2));
}

#[tokio::test(start_paused = true)]
async fn other_answers_are_passed_on_at_once() {
    for act in [Act::Fine, Act::Status(500), Act::Status(404), Act::Status(429), Act::Overload] {
        let (served, script) = serving("", &[act]);
        served.get("/run/m/").await;
        assert_eq!(script.attempts(), 1, "{act:?}");
    }
    let (served, script) =
        serving("on = [\"overloaded\"]\nstatuses = [500]", &[Act::Overload, Act::Status(500)]);
    assert_eq!((served.get("/run/m/").await.status().as_u16(), script.attempts()), (200, 3));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_not_tried_again() {
    let (served, script) = serving("", &[Act::Half]);
    let response = served.get("/run/m/").await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_idempotent_methods_are_tried_again() {
    for (method, attempts) in [
        ("GET", 2),
        ("HEAD", 2),
        ("OPTIONS", 2),
        ("PUT", 2),
        ("DELETE", 2),
        ("POST", 1),
        ("PATCH", 1),
        ("PURGE", 1),
    ] {
        let (served, script) = serving("", &[Act::Trap]);
        served.send(request(method, Body::empty())).await;
        assert_eq!(script.attempts(), attempts, "{method}");
    }
    for (table, attempts) in [("", 1), ("idempotency_key = true", 2)] {
        let (served, script) = serving(table, &[Act::Trap]);
        let mut request = request("POST", Body::empty());
        request.headers_mut().insert("idempotency-key", "\"7\"".parse().unwrap());
        served.send(request).await;
        assert_eq!(script.attempts(), attempts, "{table}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_reads_the_whole_body() {
    for body in [Body::from("x".repeat(100)), streaming(&[40, 60])] {
        let (served, script) = serving("", &[Act::ReadThenTrap(50), Act::ReadThenTrap(0)]);
        assert_eq!(served.send(request("PUT", body)).await.status(), 200);
        assert_eq!(script.bodies()[2], "x".repeat(100));
    }
}

#[tokio::test(start_paused = true)]
async fn when_too_much_was_read_it_is_not_tried_again() {
    let sizes = [40_000, 25_536, 1];
    for (read, attempts) in [(40_000, 2), (65_536, 2), (65_537, 1)] {
        let (served, script) = serving("", &[Act::ReadThenTrap(read)]);
        served.send(request("PUT", streaming(&sizes))).await;
        assert_eq!(script.attempts(), attempts, "{read}");
        if attempts == 2 {
            assert_eq!(script.bodies()[1].len(), 65_537);
        }
    }
    // What lies ready can be sent again whatever its size.
    let (served, script) = serving("", &[Act::ReadThenTrap(100_000)]);
    served.send(request("PUT", Body::from("x".repeat(100_000)))).await;
    assert_eq!(script.bodies()[1].len(), 100_000);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_again_costs_no_budget() {
    // There is one retry to be had, and time stands still.
    let table = "budget = 0.0\nmin_per_second = 1";
    let (served, script) = serving(table, &[Act::ReadThenTrap(65_537), Act::Trap]);
    served.send(request("PUT", streaming(&[65_536, 1]))).await;
    assert_eq!(script.attempts(), 1);
    assert_eq!((served.get("/run/m/").await.status().as_u16(), script.attempts()), (200, 3));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_broke_off_is_not_tried_again() {
    let frames = [Ok(Frame::data(Bytes::from_static(b"x"))), Err(CallError::ClientGone)];
    let body = Body::stream(StreamBody::new(stream::iter(frames)));
    let (served, script) = serving("", &[Act::Trap]);
    assert_eq!(served.send(request("PUT", body)).await.status(), 499);
    assert_eq!(script.attempts(), 0, "it did not get that far");
}

#[tokio::test(start_paused = true)]
async fn waits_grow_by_chance_up_to_their_bound() {
    let mut longest = [Duration::ZERO; 3];
    for _ in 0..50 {
        let table = "attempts = 4\ndelay = \"100ms\"\nmax_delay = \"300ms\"";
        let (served, script) = serving(table, &[Act::Trap; 3]);
        served.get("/run/m/").await;
        let seen = script.0.lock().unwrap();
        for (index, pair) in seen.seen.windows(2).enumerate() {
            longest[index] = longest[index].max(pair[1].0 - pair[0].0);
        }
    }
    // A timer is as fine as a millisecond.
    for (longest, bound) in longest.into_iter().zip([100, 200, 300]) {
        let bound = Duration::from_millis(bound);
        assert!(longest <= bound + Duration::from_millis(2), "{longest:?} of {bound:?}");
        assert!(longest > bound / 2, "{longest:?} of {bound:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_it_is_asked_to() {
    let (served, script) = serving("", &[Act::Later(3)]);
    let started = Instant::now();
    assert_eq!(served.get("/run/m/").await.status(), 200);
    assert_eq!((started.elapsed().as_secs(), script.attempts()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn without_time_left_it_gives_up_at_once() {
    // The host gives a call 30 seconds.
    let (served, script) = serving("", &[Act::Later(31)]);
    let started = Instant::now();
    assert_eq!(served.get("/run/m/").await.status(), 503);
    assert_eq!((started.elapsed(), script.attempts()), (Duration::ZERO, 1));
    let (served, script) = serving("on = [\"timeout\"]", &[Act::Late]);
    assert_eq!(served.get("/run/m/").await.status(), 504);
    assert_eq!((started.elapsed().as_secs(), script.attempts()), (30, 1));
}

#[tokio::test(start_paused = true)]
async fn retries_cannot_multiply_an_outage() {
    let table = "budget = 0.1\nmin_per_second = 0\ndelay = \"1ms\"";
    let (served, script) = serving(table, &[Act::Trap; 100_000]);
    for _ in 0..1_000 {
        assert_eq!(served.get("/run/m/").await.status(), 500);
    }
    assert_eq!(script.attempts(), 1_100);
    // Targets that are well do not pay for others.
    let script = Script::default();
    let run = script.clone();
    let rig = Rig::default().module("m", |_, _| async { Err(CallError::Trap("x".into())) });
    let rig = rig.module("other", move |request, _| run.clone().run(request));
    let table = "[middleware.retry]\nbudget = 0.0\nmin_per_second = 1\n";
    let served = rig.made("retry", table).build();
    for _ in 0..10 {
        served.get("/run/m/").await;
    }
    script.0.lock().unwrap().acts.push_back(Act::Trap);
    assert_eq!(served.get("/run/other/").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_ends_it() {
    let (served, script) = serving("", &[Act::Later(10)]);
    let left = tokio::time::timeout(Duration::from_secs(1), served.get("/run/m/")).await;
    assert!(left.is_err());
    sleep(Duration::from_secs(60)).await;
    assert_eq!(script.attempts(), 1);
}

/// A module that answers `status` and goes on reading its request in the body of the answer.
fn echo(status: u16) -> Rig {
    Rig::default().module("m", move |request: Request, _| async move {
        Ok(http::Response::builder().status(status).body(request.into_body()).unwrap())
    })
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_passed_on_can_still_read_the_request() {
    // Fine at once; the last attempt; no budget for another.
    for (status, table) in
        [(200, ""), (503, ""), (503, "attempts = 10\nbudget = 0.01\nmin_per_second = 0")]
    {
        let table = format!("[middleware.retry]\n{table}\n");
        let served = echo(status).made("retry", &table).build();
        let response = served.send(request("PUT", streaming(&[10, 20]))).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(text(response).await.len(), 30, "{table}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_module_may_have_a_plan_of_its_own() {
    let table = "[middleware.retry]\n[modules.twice.retry]\nattempts = 2\n\
                 [modules.once.retry]\nenabled = false\n";
    let mut rig = Rig::default();
    let mut scripts = Vec::new();
    for name in ["thrice", "twice", "once"] {
        let script = Script::of(&[Act::Trap; 9]);
        let run = script.clone();
        rig = rig.module(name, move |request, _| run.clone().run(request));
        scripts.push((name, script));
    }
    let served = rig.made("retry", table).build();
    for ((name, script), attempts) in scripts.into_iter().zip([3, 2, 1]) {
        served.send(get(&format!("/run/{name}/"))).await;
        assert_eq!(script.attempts(), attempts, "{name}");
    }
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    for (table, message) in [
        ("attempts = 1", "a whole number from 2 to 10"),
        ("statuses = [404]", "a whole number from 500 to 599"),
        ("on = [\"rate-limited\"]", "unknown variant `rate-limited`"),
        ("on = []\nstatuses = []", "name causes in `on`, or `statuses`"),
        ("budget = 2.0", "`budget` must be from 0 to 1"),
        ("budget = nan", "`budget` must be from 0 to 1"),
        ("budget = 0.0\nmin_per_second = 0", "set `budget` or `min_per_second`"),
        ("delay = \"5s\"", "`delay` must not be longer than `max_delay`"),
        ("retries = 1", "unknown field `retries`"),
        ("[modules.a.retry]\nupstream = true", "set `upstream` in [middleware.retry]"),
    ] {
        let wrong = make("retry", &format!("[middleware.retry]\n{table}\n")).err();
        assert!(wrong.as_ref().is_some_and(|wrong| wrong.contains(message)), "{table}: {wrong:?}");
    }
    let made = make("retry", "[middleware.retry]\nupstream = true").unwrap();
    assert_eq!(made.rings(), Rings::CALL | Rings::UPSTREAM);
}

#[test]
fn the_default_is_that_of_its_table() {
    assert_eq!(Table::default().plan().unwrap(), Plan::default());
}
