//! Heads: framing, host, target, method, size.

use super::handler::Running;
use super::wire::{Client, exchange, get, statuses};
use crate::ServerLimits;

const POST: &str = "POST /run/t/collect HTTP/1.1\r\nhost: h\r\n";

/// Each must be refused, or end the connection, before anything runs.
async fn refused(server: &Running, bytes: impl AsRef<[u8]>, allowed: &[u16]) {
    let bytes = bytes.as_ref();
    let before = server.seen.calls();
    let answer = exchange(server.addr, bytes).await;
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    let statuses = statuses(&answer);
    assert!(statuses.len() <= 1, "more than one answer to {shown:?}: {answer}");
    if let Some(status) = statuses.first() {
        assert!(allowed.contains(status), "{status} for {shown:?}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    } else {
        assert!(allowed.contains(&0), "no answer to {shown:?}");
    }
    assert_eq!(server.seen.calls(), before, "something ran for {shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_framings_give_one_answer_and_the_end() {
    let server = Running::plain().await;
    let smuggled = get("/hello");
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 80\r\n",
    ] {
        let bytes = format!("{POST}{framing}\r\n0\r\n\r\n{smuggled}");
        let answer = exchange(server.addr, &bytes).await;
        assert_eq!(statuses(&answer).len(), 1, "{framing:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_lengths_and_codings_are_refused() {
    let server = Running::plain().await;
    for length in ["+5", "-1", "0x5", "1_0", "1 0", "", "99999999999999999999", "5, 6", "5,5"] {
        refused(&server, format!("{POST}content-length: {length}\r\n\r\nhello"), &[400]).await;
    }
    let two = format!("{POST}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!");
    refused(&server, two, &[400]).await;
    for coding in [
        "xchunked",
        "identity",
        "chunked, gzip",
        "gzip, chunked",
        "chunked, chunked",
        "\u{b}chunked",
    ] {
        let bytes = format!("{POST}transfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
        refused(&server, bytes, &[400, 501]).await;
    }
    let old = "POST /run/t/collect HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    refused(&server, old, &[400]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_heads_are_refused() {
    let server = Running::plain().await;
    let head = "GET /run/t/hello HTTP/1.1\r\nhost: h\r\n";
    for field in
        ["x : 1", "x: 1\r\n folded", "x: a\0b", "x: a\rb", "x[: 1", "no colon", ": 1", " x: 1"]
    {
        refused(&server, format!("{head}{field}\r\n\r\n"), &[400]).await;
    }
    for line in [
        "GET /run/t/hello\r\n\r\n",
        "GET /run/t/hello HTTP/1\r\nhost: h\r\n\r\n",
        "GET /run/t/hello http/1.1\r\nhost: h\r\n\r\n",
        "GET /run/t/hello HTTP/3.0\r\nhost: h\r\n\r\n",
        "GET  /run/t/hello HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET /run/t/h\u{e9} HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET run/t/hello HTTP/1.1\r\nhost: h\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03 a TLS hello",
        "\x01\x02\x03\x04\r\n\r\n",
    ] {
        refused(&server, line, &[0, 400, 505]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts() {
    let server = Running::plain().await;
    for host in ["", "host:\r\n", "host: u@h\r\n", "host: h/p\r\n", "host: a\r\nhost: b\r\n"] {
        refused(&server, format!("GET /run/t/hello HTTP/1.1\r\n{host}\r\n"), &[400]).await;
    }
    let old = exchange(server.addr, "GET /run/t/seen HTTP/1.0\r\n\r\n").await;
    assert_eq!(statuses(&old), [200]);
    assert!(old.contains(&format!("{:?}", server.addr.to_string())), "{old}");

    let mut client = Client::open(server.addr).await;
    client.send("GET http://a.example/run/t/seen?q HTTP/1.1\r\nhost: other\r\n\r\n").await;
    let reply = client.reply().await;
    assert!(
        reply.body.contains("\"host\": \"a.example\"") && !reply.body.contains("other"),
        "{reply:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_and_forms_that_no_guest_may_see() {
    let server = Running::plain().await;
    refused(&server, "GET * HTTP/1.1\r\nhost: h\r\n\r\n", &[400]).await;
    refused(&server, "CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\n", &[405]).await;
    let method = "M".repeat(100 << 10);
    refused(&server, format!("{method} / HTTP/1.1\r\nhost: h\r\n\r\n"), &[400, 414, 431]).await;
    let method = "M".repeat(33);
    refused(&server, format!("{method} /run/t/hello HTTP/1.1\r\nhost: h\r\n\r\n"), &[400]).await;

    let mut client = Client::open(server.addr).await;
    client.send("TRACE /run/t/hello HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let reply = client.reply().await;
    assert_eq!(reply.status, 405);
    assert!(reply.head.contains("allow: GET, "), "{reply:?}");
    assert_eq!(server.seen.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_are_ignored() {
    let server = Running::plain().await;
    let mut client = Client::open(server.addr).await;
    let upgrade = "connection: upgrade\r\nupgrade: foo\r\n";
    let next = get("/hello");
    client.send(format!("GET /run/t/101 HTTP/1.1\r\nhost: h\r\n{upgrade}\r\n{next}")).await;
    assert_eq!(client.reply().await.status, 500, "a guest cannot switch protocols");
    assert_eq!(client.reply().await.body, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let server = Running::plain().await;
    let mut client = Client::open(server.addr).await;
    client.send(format!("{}{}{}", get("/slow"), get("/hello"), get("/seen"))).await;
    assert_eq!(client.reply().await.body, "slow");
    assert_eq!(client.reply().await.body, "hello");
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes() {
    let server = Running::plain().await;
    let target = |len: usize| {
        let path = "/run/t/hello?";
        format!("GET {path}{} HTTP/1.1\r\nhost: h\r\n\r\n", "q".repeat(len - path.len()))
    };
    let mut client = Client::open(server.addr).await;
    client.send(target(8_000)).await;
    assert_eq!(client.reply().await.status, 200);
    client.send(target(8_192)).await;
    assert_eq!(client.reply().await.status, 200);
    refused(&server, target(8_193), &[414]).await;
    refused(&server, target(100 << 10), &[414, 431]).await;

    let with = |count: usize, value: &str| {
        let fields: String = (0..count).map(|i| format!("x-{i}: {value}\r\n")).collect();
        format!("GET /run/t/hello HTTP/1.1\r\nhost: h\r\n{fields}\r\n")
    };
    client.send(with(99, "1")).await;
    assert_eq!(client.reply().await.status, 200);
    refused(&server, with(100, "1"), &[431]).await;
    refused(&server, with(10_000, "1"), &[431]).await;
    refused(&server, with(1, &"v".repeat(65 << 10)), &[431]).await;
    refused(&server, with(90, &"v".repeat(10 << 10)), &[431]).await;
    client.send(with(1, &"v".repeat(63 << 10))).await;
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_limits_hold_too() {
    let limits = ServerLimits {
        head_fields: 200,
        head_bytes: crate::units::ByteSize::kib(200),
        target_bytes: 10,
        ..ServerLimits::default()
    };
    let server = Running::start(limits).await;
    let fields: String = (0..150).map(|i| format!("x-{i}: {}\r\n", "v".repeat(1_000))).collect();
    let mut client = Client::open(server.addr).await;
    client.send(format!("GET /health HTTP/1.1\r\nhost: h\r\n{fields}\r\n")).await;
    assert_eq!(client.reply().await.status, 200);
    refused(&server, get("/hello"), &[414]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_framed() {
    let server = Running::plain().await;
    let mut client = Client::open(server.addr).await;
    client.send("HEAD /run/t/hello HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let head = client.reply_head().await;
    assert!(head.head.contains("content-length: 5\r\n"), "{head:?}");
    assert!(head.head.contains("date: "), "{head:?}");
    for status in [204, 304] {
        client.send(get(&format!("/{status}"))).await;
        let reply = client.reply_head().await;
        assert_eq!(reply.status, status);
        assert!(!reply.head.contains("content-length"), "{reply:?}");
    }
    assert_eq!(client.get("/103").await.status, 500);
    assert_eq!(client.get("/drip").await.body, "onetwothree");
    // HTTP/1.0 has no chunks: the end of the connection is the end of the body.
    let old = exchange(server.addr, "GET /run/t/drip HTTP/1.0\r\nhost: h\r\n\r\n").await;
    assert!(old.ends_with("\r\n\r\nonetwothree"), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mutated_requests_harm_nobody() {
    const PARTS: [&[u8]; 12] = [
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b"\xff",
        b"chunked",
        b"0\r\n\r\n",
        b"host: x\r\n",
        b"9",
    ];
    let server = Running::plain().await;
    let mut innocent = Client::open(server.addr).await;
    let mut random = fastrand::Rng::with_seed(7);
    let originals = [
        format!("{POST}content-length: 5\r\n\r\nhello{}", get("/hello")),
        format!("{POST}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{}", get("/seen")),
        "GET http://a/run/t/echo?x HTTP/1.0\r\nconnection: keep-alive\r\n\r\n".into(),
    ];
    for round in 0..600 {
        let mut bytes = originals[round % originals.len()].clone().into_bytes();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => bytes[at] = random.u8(..),
                1 => drop(bytes.splice(at..at, random.choice(PARTS).unwrap().iter().copied())),
                _ => drop(bytes.drain(at..(at + random.usize(1..20)).min(bytes.len()))),
            }
        }
        let mut client = Client::open(server.addr).await;
        client.try_send(&bytes).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await;
        let answer = client.rest().await;
        assert!(statuses(&answer).len() <= 3, "{}: {answer}", String::from_utf8_lossy(&bytes));
        if round % 100 == 0 {
            assert_eq!(innocent.get("/hello").await.body, "hello");
        }
    }
    super::wire::until(|| server.host.in_flight() == 0).await;
}
