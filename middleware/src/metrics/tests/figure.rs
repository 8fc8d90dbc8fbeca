//! What recording costs. Run it by hand, with optimisation.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::*;
use crate::exchange::{End, Observer};

const ROUNDS: u32 = 200_000;

/// Prints nanoseconds for what is recorded of one request and its one call.
#[test]
#[ignore = "a measurement, not a test"]
fn nanoseconds_a_record() {
    let metrics = Metrics::new();
    let module = Target::Module("ok".parse().unwrap());
    let call = Call::detached(Duration::from_secs(1)).detached_to("/run/ok/*", module);
    let request = get("/run/ok/x");
    let numbers = &metrics.numbers;
    let end = End { status: Some(StatusCode::OK), bytes: 5, failure: None };
    let took = Duration::from_millis(1);
    print("the clock", || {
        black_box(tokio::time::Instant::now());
    });
    print("what a request leaves", || {
        numbers.requests.begin(&request, &call).ended(black_box(took), &end);
    });
    print("what a call leaves", || {
        numbers.calls.begin(&call).unwrap().ended(black_box(took), &end);
    });
}

fn print(what: &str, work: impl Fn()) {
    let started = Instant::now();
    (0..ROUNDS).for_each(|_| work());
    println!("{what}: {:?}", started.elapsed() / ROUNDS);
}

/// Prints nanoseconds for one request through a host with these numbers and without.
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn nanoseconds_a_request() {
    async fn time(served: &Served) -> Duration {
        let started = Instant::now();
        for _ in 0..ROUNDS {
            let response = served.host.serve(get("/run/ok/x"), None).await;
            black_box(response.into_body().collect().await.unwrap());
        }
        started.elapsed() / ROUNDS
    }
    let bare = Rig::default().says("ok", "hello").build();
    let counted = Rig::default().with(Metrics::new()).says("ok", "hello").build();
    for _ in 0..9 {
        let (without, with) = (time(&bare).await, time(&counted).await);
        println!("without {without:?}, with {with:?}: {:?}", with.saturating_sub(without));
    }
}
