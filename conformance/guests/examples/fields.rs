//! Sets response headers and trailers, good ones and bad ones.
//!
//! - `count`: adds that many fields `x-f-{i}`, default 0
//! - `size`: the length of each value, default 1
//! - `bad`: tries to set one that no guest may set, on the response as well, and answers what the host's
//!   calls `append`, `set` and `from_list` returned, each in its line: `crlf`, `nul`, `name` (a name with a
//!   line end), `host`, `connection`, `keep-alive`, `transfer-encoding`, `upgrade`, `cl-two` (two lengths,
//!   the right one and another), `cl-plus` (the right one after a `+`)
//! - `trailer`: finishes the body with that field: `host`, `transfer-encoding`, or `ok` (`x-trailer: 1`);
//!   the body says what `append` returned

use guests::wasip2::http::types::HeaderError;
use guests::{fields, Fields, IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let head = fields(&[("content-type", "text/plain")])?;
    let value = vec![b'v'; query.size_or("size", 1)?];
    for index in 0..query.number_or("count", 0)? {
        head.append(&format!("x-f-{index}"), &value)
            .map_err(|error| format!("the host refused x-f-{index}: {error:?}"))?;
    }
    let mut report = String::new();
    if let Some(bad) = query.text("bad") {
        report += &try_all(&head, bad_entries(bad)?);
        if bad.starts_with("cl-") {
            // As long as the length that it tries to announce.
            report = format!("{report:<255}\n");
        }
    }
    let trailers = match query.text("trailer") {
        None => None,
        Some(kind) => {
            let (name, value) = trailer(kind)?;
            // HTTP/1.1 sends only those trailers that a `trailer` field announced.
            let _ = head.append("trailer", name.as_bytes());
            let trailers = Fields::new();
            let result = trailers.append(name, value.as_bytes());
            report += &format!("trailer {name}: {result:?}\n");
            Some(trailers)
        }
    };

    let output = reply.head(200, head)?;
    output.write(report.as_bytes())?;
    output.finish(trailers)
}

/// Every way to put a field in place; what `append` achieves stays on the response.
fn try_all(head: &Fields, entries: Vec<(String, Vec<u8>)>) -> String {
    let append: Result<(), HeaderError> = entries
        .iter()
        .try_for_each(|(name, value)| head.append(name, value));
    let name = &entries[0].0;
    let values: Vec<_> = entries.iter().map(|(_, value)| value.clone()).collect();
    let set = Fields::new().set(name, &values);
    let from_list = Fields::from_list(&entries).map(|_| ());
    format!("append: {append:?}\nset: {set:?}\nfrom_list: {from_list:?}\n")
}

fn bad_entries(kind: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let entries: &[(&str, &str)] = match kind {
        "crlf" => &[("x-bad", "a\r\nset-cookie: injected=1")],
        "nul" => &[("x-bad", "a\0b")],
        "name" => &[("x-bad\r\nset-cookie", "injected=1")],
        "host" => &[("host", "bad.example")],
        "connection" => &[("connection", "close")],
        "keep-alive" => &[("keep-alive", "timeout=5")],
        "transfer-encoding" => &[("transfer-encoding", "chunked")],
        "upgrade" => &[("upgrade", "websocket")],
        "cl-two" => &[("content-length", "256"), ("content-length", "257")],
        "cl-plus" => &[("content-length", "+256")],
        other => {
            return Err(format!(
                "`bad` must be crlf, nul, name, host, connection, keep-alive, transfer-encoding, \
                 upgrade, cl-two or cl-plus, not `{other}`"
            ))
        }
    };
    let entries = entries.iter();
    Ok(entries
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect())
}

fn trailer(kind: &str) -> Result<(&'static str, &'static str), String> {
    match kind {
        "host" => Ok(("host", "bad.example")),
        "transfer-encoding" => Ok(("transfer-encoding", "chunked")),
        "ok" => Ok(("x-trailer", "1")),
        other => Err(format!(
            "`trailer` must be host, transfer-encoding or ok, not `{other}`"
        )),
    }
}
