//! How connections and the server end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::handler::Running;
use super::wire::{Client, exchange, get, until};
use crate::{Drained, ServerLimits};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_cancels_its_call() {
    let server = Running::plain().await;
    let cancelled = || server.seen.cancelled.load(Ordering::Relaxed);
    for i in 1..=20 {
        let mut client = Client::open(server.addr).await;
        client.send(get("/wait")).await;
        until(|| server.seen.calls() == i).await;
        drop(client);
        until(|| cancelled() == i).await;
    }
    until(|| server.host.in_flight() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_and_close_leaves_nothing() {
    let server = Running::plain().await;
    for _ in 0..2_000 {
        drop(Client::open(server.addr).await);
    }
    let mut client = Client::open(server.addr).await;
    assert_eq!(client.get("/hello").await.body, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_never_a_clean_end() {
    let server = Running::plain().await;
    for path in ["/break", "/panic-body"] {
        let answer = exchange(server.addr, get(path)).await;
        assert!(!answer.ends_with("0\r\n\r\n"), "{path}: {answer}");
        // With HTTP/1.0 the end of the connection would be clean: it must be a reset.
        let mut client = Client::open(server.addr).await;
        client.send(format!("GET /run/t{path} HTTP/1.0\r\nhost: h\r\n\r\n")).await;
        assert!(client.try_reply(true).await.is_none(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_requests_own() {
    let server = Running::plain().await;
    let mut innocent = Client::open(server.addr).await;
    innocent.send(get("/slow")).await;
    let mut client = Client::open(server.addr).await;
    let reply = client.get("/panic").await;
    assert!(reply.status == 500 && reply.closes(), "{reply:?}");
    assert!(client.ends_cleanly().await);
    exchange(server.addr, get("/panic-body")).await;
    assert_eq!(innocent.reply().await.body, "slow");
    assert_eq!(innocent.get("/hello").await.body, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn deferred_drops_come_after_the_answer() {
    let server = Running::plain().await;
    let mut client = Client::open(server.addr).await;
    assert_eq!(client.get("/later").await.body, "0");
    until(|| server.seen.dropped.load(Ordering::Relaxed) == 1).await;
    assert_eq!(client.get("/later").await.body, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_that_closes_is_the_last() {
    let server = Running::plain().await;
    let mut client = Client::open(server.addr).await;
    let last = "GET /run/t/hello HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    client.send(last.repeat(2)).await;
    let reply = client.reply().await;
    assert!(reply.body == "hello" && reply.closes(), "{reply:?}");
    assert!(client.ends_cleanly().await);
    assert_eq!(server.seen.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_cap_the_oldest_idle_connection_makes_room() {
    let server = Running::start(ServerLimits { connections: 3, ..ServerLimits::default() }).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut client = Client::open(server.addr).await;
        assert_eq!(client.get("/hello").await.body, "hello");
        open.push(client);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The first is no longer the one that has been idle for longest.
    assert_eq!(open[0].get("/hello").await.body, "hello");
    let mut fourth = Client::open(server.addr).await;
    assert_eq!(fourth.get("/hello").await.body, "hello");
    assert!(open[1].ends_cleanly().await);
    assert_eq!(open[0].get("/hello").await.body, "hello");
    assert_eq!(open[2].get("/hello").await.body, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_cap_with_all_busy_accepting_pauses_and_recovers() {
    let server = Running::start(ServerLimits { connections: 2, ..ServerLimits::default() }).await;
    let mut busy = Vec::new();
    for i in 1..=2 {
        let mut client = Client::open(server.addr).await;
        client.send(get("/wait")).await;
        until(|| server.seen.calls() == i).await;
        busy.push(client);
    }
    let mut third = Client::open(server.addr).await;
    third.send(get("/hello")).await;
    assert!(third.stays_open(Duration::from_millis(200)).await);
    assert_eq!(server.seen.calls(), 2);
    busy.pop();
    assert_eq!(third.reply().await.body, "hello");
    // One that becomes idle makes room too.
    let mut fourth = Client::open(server.addr).await;
    assert_eq!(fourth.get("/hello").await.body, "hello");
    assert!(third.ends_cleanly().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_finishes_what_is_under_way_and_turns_away_what_is_new() {
    let mut server = Running::plain().await;
    let addr = server.addr;
    let mut idle = Vec::new();
    for _ in 0..10 {
        let mut client = Client::open(addr).await;
        assert_eq!(client.get("/hello").await.body, "hello");
        idle.push(client);
    }
    idle.push(Client::open(addr).await);
    let before = server.seen.calls();
    let mut busy = Vec::new();
    for i in 0..50 {
        let mut client = Client::open(addr).await;
        client.send(get(if i % 2 == 0 { "/slow" } else { "/drip" })).await;
        busy.push(client);
    }
    until(|| server.seen.calls() == before + 50).await;
    let mut half = Client::open(addr).await;
    half.send("GET /run/t/hello HTTP/1.1\r\n").await;
    until(|| server.host.in_flight() == 50).await;
    server.signal();
    for client in &mut idle {
        assert!(client.ends_cleanly().await);
    }
    let mut late = Client::open(addr).await;
    let reply = late.get("/hello").await;
    assert!(reply.status == 503 && reply.closes(), "{reply:?}");
    assert!(late.ends_cleanly().await);
    let _ = half.try_send("host: h\r\n\r\n").await;
    for (i, client) in busy.iter_mut().enumerate() {
        let reply = client.reply().await;
        assert_eq!(reply.body, if i % 2 == 0 { "slow" } else { "onetwothree" });
        assert!(client.ends_cleanly().await);
    }
    assert_eq!(server.ended().await, Drained::Clean);
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stuck_is_cut_at_the_end_of_the_drain() {
    let drain = Duration::from_millis(300);
    let mut server = Running::start(ServerLimits { drain, ..ServerLimits::default() }).await;
    let mut stuck = Client::open(server.addr).await;
    stuck.send(get("/wait")).await;
    until(|| server.seen.calls() == 1).await;
    let seen = server.seen.clone();
    server.signal();
    assert_eq!(server.ended().await, Drained::Cut { connections: 1 });
    until(|| seen.cancelled.load(Ordering::Relaxed) == 1).await;
    assert_eq!(stuck.rest().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_server_ends_everything_at_once() {
    let server = Running::plain().await;
    let mut stuck = Client::open(server.addr).await;
    stuck.send(get("/wait")).await;
    until(|| server.seen.calls() == 1).await;
    server.abort();
    assert_eq!(stuck.rest().await, "");
    until(|| server.seen.cancelled.load(Ordering::Relaxed) == 1).await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let host = Running::plain().await.host.clone();
    let error = crate::Server::new(host.clone()).bind(addr).await.unwrap_err();
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    assert_eq!(crate::Server::new(host).from_listener(taken).unwrap().local_addr(), addr);
}
