//! Request bodies: limits, faults, and what nobody reads.

use std::time::Duration;

use super::handler::Running;
use super::wire::{Client, exchange, get, statuses};
use crate::ServerLimits;
use crate::units::ByteSize;

fn post(path: &str, fields: &str, body: &str) -> String {
    format!("POST /run/t{path} HTTP/1.1\r\nhost: h\r\n{fields}\r\n{body}")
}

fn sized(path: &str, body: &str) -> String {
    post(path, &format!("content-length: {}\r\n", body.len()), body)
}

fn chunked(path: &str, body: &str) -> String {
    post(path, "transfer-encoding: chunked\r\n", body)
}

async fn small() -> Running {
    Running::start(ServerLimits { body_bytes: ByteSize::kib(100), ..ServerLimits::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_arrive_whole() {
    let server = Running::plain().await;
    let mut client = Client::open(server.addr).await;
    let large = "0123456789".repeat(100_000);
    for path in ["/collect", "/echo"] {
        client.send(sized(path, "hello")).await;
        assert_eq!(client.reply().await.body, "hello");
        client.send(chunked(path, "3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nx-trailer: 1\r\n\r\n")).await;
        assert_eq!(client.reply().await.body, "hello");
        client.send(sized(path, "")).await;
        assert_eq!(client.reply().await.body, "");
        client.send(sized(path, &large)).await;
        assert_eq!(client.reply().await.body, large);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_body_past_the_limit_never_starts_a_guest() {
    let server = small().await;
    for expect in ["", "expect: 100-continue\r\n", "expect: x\r\n"] {
        let mut client = Client::open(server.addr).await;
        client.send(post("/collect", &format!("content-length: 999999999\r\n{expect}"), "")).await;
        let reply = client.reply().await;
        assert_eq!(reply.status, 413);
        assert!(reply.closes() && reply.head.contains("mik-error: body"), "{reply:?}");
        assert!(client.ends_cleanly().await);
    }
    assert_eq!(server.seen.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reset_eats_the_answer() {
    let server = small().await;
    for head in ["content-length: 600000\r\n", "transfer-encoding: chunked\r\n"] {
        let mut client = Client::open(server.addr).await;
        client.send(post("/collect", head, "")).await;
        // Still sending when the answer is there already.
        let part = if head.starts_with('t') {
            format!("10000\r\n{}\r\n", "x".repeat(65_536))
        } else {
            "x".repeat(65_536)
        };
        for _ in 0..9 {
            client.try_send(&part).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let reply = client.reply().await;
        assert_eq!(reply.status, 413, "{head}");
        assert!(client.ends_cleanly().await, "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_past_the_limit_is_413_before_the_head_and_an_abort_after_it() {
    let server = small().await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let mut client = Client::open(server.addr).await;
    client.send(chunked("/collect", &chunk.repeat(4))).await;
    let reply = client.reply().await;
    assert_eq!(reply.status, 413, "{}", reply.head);
    assert!(reply.closes());
    assert!(client.ends_cleanly().await);

    let mut client = Client::open(server.addr).await;
    client.send(chunked("/echo", &chunk)).await;
    assert_eq!(client.reply_head().await.status, 200);
    client.try_send(chunk.repeat(4)).await;
    assert!(!client.rest().await.ends_with("0\r\n\r\n"), "a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_chunks_are_400_before_the_head_and_an_abort_after_it() {
    let server = Running::plain().await;
    for chunks in [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-1\r\nhello\r\n0\r\n\r\n",
        "1_0\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        "3\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        &format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(17 << 10)),
        &format!("1;{}\r\nx\r\n", "y".repeat(1_000)).repeat(1_000),
        &format!("0\r\nx: {}\r\n\r\n", "x".repeat(17 << 10)),
        &format!("0\r\n{}\r\n", "x: 1\r\n".repeat(101)),
    ] {
        let shown = &chunks[..chunks.len().min(30)];
        let answer = exchange(server.addr, chunked("/collect", chunks)).await;
        assert!(matches!(statuses(&answer)[..], [] | [400]), "{shown:?}: {answer}");
        let answer = exchange(server.addr, chunked("/echo", chunks)).await;
        let cut = matches!(statuses(&answer)[..], [] | [400]) || !answer.ends_with("0\r\n\r\n");
        assert!(cut, "{shown:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_reads_never_becomes_a_request() {
    let server = Running::plain().await;
    // Small: read away, and the connection goes on.
    let body = get("/hello").repeat(10);
    for request in [sized("/ignore", &body), sized("/first", &body), sized("/no/such", &body)] {
        let mut client = Client::open(server.addr).await;
        for _ in 0..3 {
            client.send(&request).await;
            assert!(!client.reply().await.closes());
        }
        assert_eq!(client.get("/seen").await.status, 200);
    }
    // It comes after the answer.
    let mut client = Client::open(server.addr).await;
    client.send(post("/ignore", "content-length: 4000\r\n", "")).await;
    assert_eq!(client.reply().await.body, "ignored");
    for _ in 0..40 {
        client.send("x".repeat(100)).await;
    }
    assert_eq!(client.get("/hello").await.body, "hello");
    // Large: the answer says that it is the last.
    let mut client = Client::open(server.addr).await;
    client.send(post("/ignore", "content-length: 70000\r\n", &get("/hello"))).await;
    let reply = client.reply().await;
    assert!(reply.status == 200 && reply.closes(), "{reply:?}");
    assert!(client.ends_cleanly().await);
    // Chunked, and more than is read away.
    let mut client = Client::open(server.addr).await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    client.send(chunked("/ignore", &chunk.repeat(4))).await;
    assert_eq!(client.reply().await.body, "ignored");
    assert!(client.ends_cleanly().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_100_gets_it_only_if_the_body_is_read() {
    let server = Running::plain().await;
    let fields = "content-length: 5\r\nexpect: 100-continue\r\n";
    let mut client = Client::open(server.addr).await;
    client.send(post("/collect", fields, "")).await;
    assert_eq!(client.reply_head().await.status, 100);
    client.send("hello").await;
    assert_eq!(client.reply().await.body, "hello");
    client.send(post("/ignore", fields, "")).await;
    let reply = client.reply().await;
    assert!(reply.status == 200 && reply.closes(), "{reply:?}");
    assert!(client.ends_cleanly().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promised_body_that_does_not_come_times_out() {
    let limits = ServerLimits {
        body_bytes: ByteSize::gib(4),
        body_time: Duration::from_millis(300),
        ..ServerLimits::default()
    };
    let server = Running::start(limits).await;
    let promise = "content-length: 999999999\r\n";
    let mut client = Client::open(server.addr).await;
    client.send(post("/collect", promise, "")).await;
    let reply = client.reply().await;
    assert_eq!(reply.status, 408);
    assert!(reply.closes() && reply.head.contains("mik-error: body-timeout"), "{reply:?}");

    let mut client = Client::open(server.addr).await;
    client.send(post("/echo", promise, "hello")).await;
    assert_eq!(client.reply_head().await.status, 200);
    assert!(client.rest().await.len() < 100, "cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_waiting_for_the_client_uses_up_its_time() {
    let limits = ServerLimits { body_time: Duration::from_millis(400), ..ServerLimits::default() };
    let server = Running::start(limits).await;
    let mut client = Client::open(server.addr).await;
    // One byte at a time, for ever.
    client.send(post("/collect", "content-length: 1000\r\n", "")).await;
    let (mut reader, mut writer) = client.stream.split();
    let drip = async {
        use tokio::io::AsyncWriteExt as _;
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut answer = [0; 12];
    let read = tokio::io::AsyncReadExt::read_exact(&mut reader, &mut answer);
    tokio::select! {
        () = drip => panic!("no answer"),
        read = tokio::time::timeout(super::wire::LONG, read) => { read.unwrap().unwrap(); }
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
    // A client that is quick, and a handler that reads late.
    let mut client = Client::open(server.addr).await;
    client.send(sized("/late", "hello")).await;
    assert_eq!(client.reply().await.body, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_its_body_is_gone() {
    let server = Running::plain().await;
    let mut client = Client::open(server.addr).await;
    client.send(post("/hang-on", "content-length: 10\r\n", "hello")).await;
    super::wire::until(|| server.seen.calls() == 1).await;
    drop(client);
    super::wire::until(|| server.seen.cancelled.load(std::sync::atomic::Ordering::Relaxed) == 1)
        .await;
}
