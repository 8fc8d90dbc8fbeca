//! Clients that behave: all that mik does, and every body is looked at.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::client::{Ask, Client, Deed, Done, Wrong, right};
use super::project::TOKEN;
use crate::{Response, request};

const HELLO: &[u8] = b"Hello from mik!\n";

pub(super) const DEEDS: &[Deed] = &[
    Deed { name: "hello", weight: 200, run: |client| client.get("/run/hello/", HELLO) },
    Deed { name: "echo, small", weight: 120, run: |client| echo(client, "/run/echo/", 2_000) },
    Deed { name: "echo, large", weight: 15, run: |client| echo(client, "/run/echo/", 1 << 20) },
    Deed { name: "echo, chunked", weight: 70, run: chunked },
    Deed { name: "echo, reused", weight: 60, run: |client| echo(client, "/run/reused/", 2_000) },
    Deed { name: "echo, gzip", weight: 20, run: inflated },
    Deed { name: "stream", weight: 50, run: stream },
    Deed { name: "stream, gzip", weight: 40, run: compressed },
    Deed { name: "events", weight: 10, run: events },
    Deed { name: "file", weight: 60, run: file },
    Deed { name: "file, not changed", weight: 40, run: not_changed },
    Deed { name: "file, range", weight: 30, run: range },
    Deed { name: "file, gzip", weight: 20, run: file_compressed },
    Deed { name: "HEAD", weight: 30, run: head },
    Deed { name: "inspect", weight: 30, run: inspect },
    Deed { name: "script, both at once", weight: 30, run: both },
    Deed { name: "script, one by one", weight: 10, run: chain },
    Deed {
        name: "script, streamed",
        weight: 20,
        run: |client| echo(client, "/script/through", 50_000),
    },
    Deed { name: "nested calls", weight: 30, run: nested },
    Deed { name: "call inside", weight: 20, run: inside },
    Deed { name: "call outside", weight: 20, run: outside },
    Deed { name: "pipelined", weight: 40, run: pipelined },
    Deed { name: "token", weight: 20, run: token },
    Deed { name: "rate limit", weight: 20, run: limited },
    Deed { name: "not found", weight: 20, run: not_found },
    Deed { name: "too large", weight: 5, run: too_large },
];

fn echo(client: &mut Client<'_>, target: &str, most: usize) -> Done {
    let length = client.random.length(most);
    let body = client.random.bytes(length);
    client.post(target, &body, &body)
}

fn chunked(client: &mut Client<'_>) -> Done {
    let ask = Ask { method: "POST", target: "/run/echo/", ..Ask::default() };
    let mut raw = client.connection()?;
    let mut sent = Vec::new();
    client.tally.left += 1;
    let fields = [("transfer-encoding", "chunked")];
    let mut bytes = request("POST", ask.target, &fields, b"");
    for _ in 0..client.random.below(6) {
        let length = 1 + client.random.length(5_000);
        let chunk = client.random.bytes(length);
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(&chunk);
        bytes.extend(b"\r\n");
        sent.extend(chunk);
    }
    bytes.extend(b"0\r\n\r\n");
    // In two packets, cut anywhere.
    let (first, second) = bytes.split_at(client.random.length(bytes.len()));
    for part in [first, second] {
        raw.send(part).map_err(|error| format!("chunks: {error}"))?;
    }
    let answer = raw.response().map_err(|stop| format!("chunks: {stop}"))?;
    client.tally.left -= 1;
    client.judge(&answer, &ask)?;
    right(&answer, 200, &sent)?;
    client.keep(raw);
    Ok(())
}

fn zipped(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

/// The body of an answer that must be compressed, unpacked.
fn unzipped(answer: &Response, expected: &[u8]) -> Done {
    if answer.field("content-encoding") != Some("gzip") {
        return Err(Wrong::Other(format!("it is not compressed: {answer}")));
    }
    let mut body = Vec::new();
    GzDecoder::new(&*answer.body)
        .read_to_end(&mut body)
        .map_err(|error| format!("{error}: {answer}"))?;
    right(&Response { body, ..answer.clone() }, 200, expected)
}

fn inflated(client: &mut Client<'_>) -> Done {
    let body = "soak ".repeat(client.random.length(5_000)).into_bytes();
    let sent = zipped(&body)?;
    let fields = [("content-encoding", "gzip")];
    let ask = Ask {
        method: "POST",
        target: "/run/echo/",
        fields: &fields,
        body: &sent,
        ..Ask::default()
    };
    right(&client.ask(ask)?, 200, &body)
}

/// A target of the guest `stream`, and the body that it answers with.
fn letters(client: &mut Client<'_>) -> (String, Vec<u8>) {
    let (chunks, size) = (1 + client.random.length(30), client.random.length(9_000));
    let length = client.random.below(2);
    let target = format!("/run/stream/?chunks={chunks}&size={size}&length={length}");
    let letters = (b'a'..=b'z').cycle().take(chunks);
    (target, letters.flat_map(|letter| std::iter::repeat_n(letter, size)).collect())
}

fn stream(client: &mut Client<'_>) -> Done {
    let (target, body) = letters(client);
    client.get(&target, &body)
}

fn compressed(client: &mut Client<'_>) -> Done {
    let (target, body) = letters(client);
    let fields = [("accept-encoding", "gzip")];
    let answer =
        client.ask(Ask { method: "GET", target: &target, fields: &fields, ..Ask::default() })?;
    // What is small and of known length stays as it is.
    if body.len() < 1_024 && answer.field("content-encoding").is_none() {
        return right(&answer, 200, &body);
    }
    unzipped(&answer, &body)
}

fn events(client: &mut Client<'_>) -> Done {
    let events = 1 + client.random.below(8);
    let body: String = (0..events).map(|event| format!("data: {event}\n\n")).collect();
    client.get(&format!("/run/sse/?events={events}&ms=3"), body.as_bytes())
}

fn file(client: &mut Client<'_>) -> Done {
    if client.random.per_mille(700) {
        return client.get("/static/small.txt", b"small\n");
    }
    let page = &client.world.page;
    client.get("/static/page.txt", page)
}

fn not_changed(client: &mut Client<'_>) -> Done {
    let fields = [("if-none-match", &*client.world.etag)];
    let ask = Ask { method: "GET", target: "/static/page.txt", fields: &fields, ..Ask::default() };
    right(&client.ask(ask)?, 304, b"")
}

fn range(client: &mut Client<'_>) -> Done {
    let page = &client.world.page;
    let first = client.random.length(page.len());
    let last = first + client.random.length(page.len() - first);
    let range = format!("bytes={first}-{last}");
    let fields = [("range", &*range)];
    let ask = Ask { method: "GET", target: "/static/page.txt", fields: &fields, ..Ask::default() };
    right(&client.ask(ask)?, 206, &page[first..=last])
}

fn file_compressed(client: &mut Client<'_>) -> Done {
    let page = &client.world.page;
    let fields = [("accept-encoding", "gzip")];
    let ask = Ask { method: "GET", target: "/static/page.txt", fields: &fields, ..Ask::default() };
    unzipped(&client.ask(ask)?, page)
}

fn head(client: &mut Client<'_>) -> Done {
    let targets = ["/run/hello/", "/static/page.txt", "/run/stream/?length=1"];
    let target = client.random.one_of(&targets);
    right(&client.ask(Ask { method: "HEAD", target, ..Ask::default() })?, 200, b"")
}

fn inspect(client: &mut Client<'_>) -> Done {
    let number = client.random.next();
    let target = format!("/run/inspect/a/{number}?b={number}");
    let value = number.to_string();
    let fields = [("x-soak", &*value)];
    let body = client.random.bytes(500);
    let ask =
        Ask { method: "PUT", target: &target, fields: &fields, body: &body, ..Ask::default() };
    let answer = client.ask(ask)?;
    let seen = answer.json();
    let headers = seen["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = [&seen["method"], &seen["path_with_query"], &seen["body_bytes"], &seen["calls"]];
    let path = format!("/a/{number}?b={number}");
    if found != [&json!("PUT"), &json!(path), &json!(500), &json!(1)]
        || !headers.contains(&json!(["x-soak", value]))
    {
        return Err(Wrong::Other(format!("the guest saw something else: {answer} {seen}")));
    }
    Ok(())
}

/// The answer is this JSON.
fn is_json(answer: &Response, expected: &Value) -> Done {
    if answer.status() == 200 && answer.is_whole() && answer.json() == *expected {
        return Ok(());
    }
    Err(Wrong::Other(format!("expected {expected}, got {answer}")))
}

fn both(client: &mut Client<'_>) -> Done {
    let say = client.random.next().to_string();
    let body = json!({ "say": say }).to_string().into_bytes();
    let fields = [("content-type", "application/json")];
    let ask = Ask {
        method: "POST",
        target: "/script/both",
        fields: &fields,
        body: &body,
        ..Ask::default()
    };
    let hello = String::from_utf8_lossy(HELLO);
    is_json(&client.ask(ask)?, &json!({ "hello": hello, "echo": { "said": say } }))
}

fn chain(client: &mut Client<'_>) -> Done {
    let answer = client.ask(Ask { method: "GET", target: "/script/chain", ..Ask::default() })?;
    is_json(&answer, &json!({ "sum": 10 }))
}

fn nested(client: &mut Client<'_>) -> Done {
    let depth = client.random.below(6);
    client.get(&format!("/run/recurse/?depth={depth}"), b"bottom\n")
}

fn inside(client: &mut Client<'_>) -> Done {
    client.get("/run/upstream/?url=http%3A%2F%2Fhello.mik.internal%2F", HELLO)
}

fn outside(client: &mut Client<'_>) -> Done {
    let port = client.world.origin.port();
    let body = client.random.bytes(3_000);
    let target = format!("/run/upstream/?method=POST&url=http%3A%2F%2Flocalhost:{port}%2Fecho");
    client.post(&target, &body, &body)
}

fn pipelined(client: &mut Client<'_>) -> Done {
    let mut raw = client.connection()?;
    let body = client.random.bytes(100);
    let asks = [
        Ask { method: "GET", target: "/run/hello/", ..Ask::default() },
        Ask { method: "POST", target: "/run/echo/", body: &body, ..Ask::default() },
        Ask { method: "GET", target: "/static/small.txt", ..Ask::default() },
        Ask { method: "GET", target: "/run/hello/", ..Ask::default() },
    ];
    let bytes: Vec<u8> =
        asks.iter().flat_map(|ask| request(ask.method, ask.target, &[], ask.body)).collect();
    client.tally.left += 4;
    raw.send(bytes).map_err(|error| format!("a pipeline: {error}"))?;
    for (ask, expected) in asks.iter().zip([HELLO, &body, b"small\n", HELLO]) {
        let answer = raw.response().map_err(|stop| format!("a pipeline: {stop}"))?;
        client.tally.left -= 1;
        client.judge(&answer, ask)?;
        right(&answer, 200, expected)?;
    }
    client.keep(raw);
    Ok(())
}

fn token(client: &mut Client<'_>) -> Done {
    let bearer = format!("Bearer {TOKEN}");
    let (fields, status) = match client.random.per_mille(500) {
        true => ([("authorization", &*bearer)], 200),
        false => ([("authorization", "Bearer nonsense")], 401),
    };
    let answer = client.ask(Ask {
        method: "GET",
        target: "/run/closed/",
        fields: &fields,
        ..Ask::default()
    })?;
    match status {
        200 => right(&answer, 200, HELLO),
        _ => refused(&answer, 401, "unauthorized"),
    }
}

fn limited(client: &mut Client<'_>) -> Done {
    let answer = client.ask(Ask { method: "GET", target: "/run/limited/", ..Ask::default() })?;
    match answer.status() {
        429 => refused(&answer, 429, "rate-limited"),
        _ => right(&answer, 200, HELLO),
    }
}

fn not_found(client: &mut Client<'_>) -> Done {
    let number = client.random.next();
    let targets =
        [format!("/{number}"), format!("/run/none-{number}/"), format!("/static/{number}")];
    let target = &targets[client.random.length(targets.len())];
    let answer = client.ask(Ask { method: "GET", target, ..Ask::default() })?;
    refused(&answer, 404, "not-found")
}

fn too_large(client: &mut Client<'_>) -> Done {
    let body = vec![b'x'; super::project::BODY + 1];
    let ask = Ask { method: "POST", target: "/run/echo/", body: &body, ..Ask::default() };
    refused(&client.ask(ask)?, 413, "body")
}

/// The answer is an error of this kind.
fn refused(answer: &Response, status: u16, kind: &str) -> Done {
    Ok(crate::failed_with(answer, status, kind)?)
}
