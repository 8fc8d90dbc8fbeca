//! A collector on loopback that keeps the spans that it is sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Its thread ends with the process.
pub(super) struct Collector {
    port: u16,
    requests: Arc<Mutex<Vec<Received>>>,
}

/// A request that it was sent.
#[derive(Clone)]
pub(super) struct Received {
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A span as it was sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SentSpan {
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) state: String,
    pub(super) name: String,
    /// 1 internal, 2 server, 3 client.
    pub(super) kind: u64,
    pub(super) nanoseconds: u64,
    pub(super) attributes: BTreeMap<String, String>,
    /// 0 unset, 2 error.
    pub(super) status: u64,
    pub(super) told: String,
}

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<Received>>>::default();
        let kept = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(received) = receive(&stream) {
                    kept.lock().unwrap().push(received);
                    let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                }
            }
        });
        Self { port, requests }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/v1/traces", self.port)
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// All spans, in the order in which they ended.
    pub(super) fn spans(&self) -> Vec<SentSpan> {
        let requests = self.requests();
        let groups = requests.iter().flat_map(|request| all(&request.body, 1));
        let scopes = groups.flat_map(|group| all(group, 2).collect::<Vec<_>>());
        scopes.flat_map(|scope| all(scope, 2).map(span).collect::<Vec<_>>()).collect()
    }

    /// The attributes of the process that sent.
    pub(super) fn resource(&self) -> BTreeMap<String, String> {
        let requests = self.requests();
        let group = all(&requests[0].body, 1).next().unwrap();
        attributes(all(group, 1).next().unwrap(), 1)
    }
}

fn receive(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.first()?.clone();
    let pairs = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> =
        pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received { line, headers, body })
}

fn span(bytes: &[u8]) -> SentSpan {
    let hex = |field| {
        let id = all(bytes, field).next().unwrap_or_default();
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let time = |field| all(bytes, field).next().map(number).unwrap();
    let status = all(bytes, 15).next().unwrap_or_default();
    SentSpan {
        trace: hex(1),
        id: hex(2),
        state: text(bytes, 3),
        parent: hex(4),
        name: text(bytes, 5),
        kind: all(bytes, 6).next().map(number).unwrap_or_default(),
        nanoseconds: time(8) - time(7),
        attributes: attributes(bytes, 9),
        told: text(status, 2),
        status: all(status, 3).next().map(number).unwrap_or_default(),
    }
}

fn attributes(bytes: &[u8], field: u64) -> BTreeMap<String, String> {
    let pair = |bytes| {
        let value = all(bytes, 2).next().unwrap_or_default();
        let value = match all(value, 3).next() {
            Some(integer) => number(integer).to_string(),
            None => text(value, 1),
        };
        (text(bytes, 1), value)
    };
    all(bytes, field).map(pair).collect()
}

fn text(bytes: &[u8], field: u64) -> String {
    String::from_utf8(all(bytes, field).next().unwrap_or_default().to_vec()).unwrap()
}

/// The values of one field of a protobuf message: what they are made of, without their length.
fn all(message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    let mut rest = message;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let key = varint(&mut rest);
            let value = match key & 7 {
                0 => {
                    let start = rest;
                    varint(&mut rest);
                    &start[..start.len() - rest.len()]
                }
                1 => take(&mut rest, 8),
                2 => {
                    let length = varint(&mut rest) as usize;
                    take(&mut rest, length)
                }
                5 => take(&mut rest, 4),
                other => panic!("wire type {other}"),
            };
            if key >> 3 == wanted {
                return Some(value);
            }
        }
        None
    })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (value, after) = rest.split_at(length);
    *rest = after;
    value
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

/// A number of fixed or of variable length.
fn number(bytes: &[u8]) -> u64 {
    match <[u8; 8]>::try_from(bytes) {
        Ok(fixed) => u64::from_le_bytes(fixed),
        Err(_) => varint(&mut &*bytes),
    }
}
