//! Slow clients. Times are bounds on hanging only.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::handler::Running;
use super::wire::{Client, get, until};
use crate::ServerLimits;

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_are_cut() {
    let limits = ServerLimits { head_time: SHORT, ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let mut silent = Client::open(server.addr).await;
    assert!(silent.ends_cleanly().await, "not a byte");
    // Each on its first head, and on a later one.
    for requests in [0, 1] {
        let mut client = Client::open(server.addr).await;
        for _ in 0..requests {
            assert_eq!(client.get("/hello").await.body, "hello");
            tokio::time::sleep(2 * SHORT).await;
        }
        let mut open = true;
        for byte in get("/hello").repeat(100).bytes() {
            open =
                client.try_send([byte]).await && client.stays_open(Duration::from_millis(20)).await;
            if !open {
                break;
            }
        }
        assert!(!open);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_hears_why() {
    let limits = ServerLimits { head_time: SHORT, ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let mut client = Client::open(server.addr).await;
    client.send("GET / HT").await;
    let reply = client.reply().await;
    assert!(reply.status == 408 && reply.closes(), "{reply:?}");
    assert!(client.ends_cleanly().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_heads_are_all_cut_and_hold_up_nobody() {
    let limits = ServerLimits { head_time: Duration::from_secs(1), ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut client = Client::open(server.addr).await;
        client.send("GET / HTTP/1.1\r\n").await;
        slow.push(client);
    }
    let mut innocent = Client::open(server.addr).await;
    assert_eq!(innocent.get("/hello").await.body, "hello");
    for client in &mut slow {
        assert!(client.rest().await.starts_with("HTTP/1.1 408"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_end_and_busy_ones_do_not() {
    let limits = ServerLimits { idle_time: SHORT, head_time: SHORT, ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let mut client = Client::open(server.addr).await;
    for _ in 0..2 {
        assert_eq!(client.get("/slow").await.body, "slow", "longer than a connection may idle");
        assert_eq!(client.get("/drip").await.body, "onetwothree");
    }
    assert!(client.ends_cleanly().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_is_cut_and_holds_little() {
    let limits = ServerLimits { write_time: SHORT, ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let seen = &server.seen;
    let mut client = Client::open(server.addr).await;
    client.send(get("/endless")).await;
    until(|| seen.cancelled.load(Ordering::Relaxed) == 1).await;
    // What was produced lies in the buffers of two sockets, not in the process.
    assert!(seen.produced.load(Ordering::Relaxed) < 32 << 20);
    let mut innocent = Client::open(server.addr).await;
    assert_eq!(innocent.get("/hello").await.body, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_is_not_cut_by_the_time_for_idling() {
    let limits = ServerLimits { idle_time: SHORT, head_time: SHORT, ..ServerLimits::default() };
    let server = Running::start(limits).await;
    for next in ["", "GET / HT"] {
        let mut client = Client::open(server.addr).await;
        client.send(format!("{}{next}", get("/large"))).await;
        let mut chunk = vec![0; 1 << 20];
        for _ in 0..32 {
            let read = client.stream.read_exact(&mut chunk);
            tokio::time::timeout(super::wire::LONG, read).await.unwrap().expect("cut");
            tokio::time::sleep(SHORT / 8).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_but_does_is_served() {
    let limits = ServerLimits { write_time: Duration::from_secs(2), ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let mut client = Client::open(server.addr).await;
    client.send(get("/endless")).await;
    let mut chunk = vec![0; 1 << 20];
    for _ in 0..40 {
        let read = client.stream.read_exact(&mut chunk);
        tokio::time::timeout(super::wire::LONG, read).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.seen.cancelled.load(Ordering::Relaxed), 0);
    drop(client);
    until(|| server.seen.cancelled.load(Ordering::Relaxed) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_cut_for_not_reading_but_not_for_reading_less_than_the_kernel_wakes_for() {
    let limits = ServerLimits { write_time: Duration::from_secs(1), ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let cancelled = || server.seen.cancelled.load(Ordering::Relaxed);
    let socket = TcpSocket::new_v4().unwrap();
    // A large one here takes in large pieces, and late.
    socket.set_recv_buffer_size(32 << 10).unwrap();
    let mut client = socket.connect(server.addr).await.unwrap();
    client.write_all(get("/endless").as_bytes()).await.unwrap();
    // A megabyte in three times the limit and more; the kernel has several in its buffer there.
    let mut chunk = vec![0; 16 << 10];
    for _ in 0..64 {
        let read = client.read_exact(&mut chunk);
        tokio::time::timeout(super::wire::LONG, read).await.unwrap().expect("cut");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(cancelled(), 0);
    until(|| cancelled() == 1).await;
}
