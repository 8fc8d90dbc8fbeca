//! What an origin does at each of its paths.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use socket2::SockRef;

use super::{Exchange, Notes, Seen};
use crate::wire::Stop;

const HOUR: Duration = Duration::from_secs(3_600);
/// Head and ten bytes of a longer body.
const BEGUN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789";

impl Exchange<'_> {
    /// Reads the request, notes it and does what its path says. An error ends the connection.
    pub(super) fn answer(mut self, notes: &Notes) -> Result<(), Stop> {
        let early = matches!(&*self.path, "/duplex" | "/early");
        if early {
            self.send(match &*self.path {
                "/early" => whole("413 Content Too Large", "", b"too much"),
                _ => chunked("").into(),
            })?;
        }
        let read = self.read();
        self.seen.whole = read.is_ok();
        if self.path != "/seen" {
            notes.lock().push(self.seen.clone());
        }
        read?;
        if early {
            return if self.path == "/duplex" { self.send(b"0\r\n\r\n") } else { Ok(()) };
        }
        self.late(notes)
    }

    fn read(&mut self) -> Result<(), Stop> {
        while let Some(piece) = self.wire.piece(&mut self.framing, &mut self.seen.trailers)? {
            if self.path == "/duplex" && !piece.is_empty() {
                self.send(chunk(&piece))?;
            }
            self.seen.body.extend(piece);
        }
        Ok(())
    }

    /// What it does once it has read the request.
    fn late(&self, notes: &Notes) -> Result<(), Stop> {
        let body = &self.seen.body;
        match &*self.path {
            "/stall" => {
                thread::sleep(HOUR);
                Ok(())
            }
            "/slow-head" => {
                thread::sleep(self.time());
                self.send(whole("200 OK", "", b"at last"))
            }
            "/slow-body" => self.slow_body(),
            "/drip" => {
                self.send(BEGUN)?;
                thread::sleep(HOUR);
                Ok(())
            }
            "/half" => self.last(BEGUN),
            "/half-chunked" => self.last(chunked("") + "a\r\n01234"),
            "/reset-half" => {
                self.send(BEGUN)?;
                // What was sent shall be read before the reset overtakes it.
                thread::sleep(Duration::from_millis(100));
                self.reset()
            }
            "/close" => self.last(""),
            "/reset" => self.reset(),
            "/garbage" => self.send("this is not HTTP\r\n\r\n"),
            "/bad-chunk" => self.send(chunked("") + "5\r\nhello\r\nfive\r\nhello\r\n0\r\n\r\n"),
            "/lengths" => self.send(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\ncontent-length: {}\r\n\r\nhello",
                self.value("a").unwrap_or("5"),
                self.value("b").unwrap_or("6"),
            )),
            "/length-and-chunked" => {
                self.send(chunked("content-length: 3\r\n") + "5\r\nhello\r\n0\r\n\r\n")
            }
            "/surplus" => self.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloworld"),
            "/no-length" => self.last("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
            "/coding" => self.last(format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: {}\r\n\r\nhello",
                self.value("te").unwrap_or("x")
            )),
            "/large-head" => {
                let size = self.number("bytes").unwrap_or(100_000);
                self.send(whole("200 OK", &format!("x-large: {}\r\n", "v".repeat(size)), b"large"))
            }
            "/fields" => {
                let count = self.number("count").unwrap_or(50);
                let fields: String = (0..count).map(|i| format!("x-f-{i}: {i}\r\n")).collect();
                self.send(whole("200 OK", &fields, b"fields"))
            }
            "/trailers" => {
                let trailers = "x-sum: 5\r\nhost: evil\r\ncontent-length: 9\r\n";
                let head = chunked("trailer: x-sum\r\n");
                self.send(format!("{head}5\r\nhello\r\n0\r\n{trailers}\r\n"))
            }
            "/interim" => {
                self.send("HTTP/1.1 100 Continue\r\n\r\n")?;
                self.send("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n")?;
                self.send(whole("200 OK", "", b"final"))
            }
            "/switch" => self.send(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
            ),
            "/status" => match self.value("code").unwrap_or("200") {
                code @ ("204" | "304") => self.send(format!("HTTP/1.1 {code} None\r\n\r\n")),
                code => self.send(whole(&format!("{code} Some"), "", b"some")),
            },
            "/redirect" => self.send(whole("302 Found", "location: /moved\r\n", b"")),
            "/echo" => self.send(whole("200 OK", "", body)),
            "/seen" => {
                let seen = notes.about(self.value("path").unwrap_or("/"));
                let kind = "content-type: application/json\r\n";
                self.send(whole("200 OK", kind, seen_as_json(&seen).to_string().as_bytes()))
            }
            _ => self.send(whole("200 OK", "content-type: text/plain\r\n", b"origin ok")),
        }
    }

    fn slow_body(&self) -> Result<(), Stop> {
        self.send(chunked(""))?;
        for _ in 0..self.number("pieces").unwrap_or(3) {
            thread::sleep(self.time());
            self.send(chunk(b"0123456789"))?;
        }
        self.send("0\r\n\r\n")
    }

    fn send(&self, bytes: impl AsRef<[u8]>) -> Result<(), Stop> {
        let sent: io::Result<()> = (&mut { self.stream }).write_all(bytes.as_ref());
        sent.map_err(|_| Stop::Closed)
    }

    /// Sends this and ends the connection.
    fn last(&self, bytes: impl AsRef<[u8]>) -> Result<(), Stop> {
        self.send(bytes)?;
        let _ = self.stream.shutdown(Shutdown::Both);
        Err(Stop::Closed)
    }

    fn reset(&self) -> Result<(), Stop> {
        reset(self.stream);
        Err(Stop::Reset)
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.number("ms").unwrap_or(100) as u64)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.value(name)?.parse().ok()
    }

    fn value(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// What somebody who speaks TLS gets.
pub(super) fn plain(mut stream: &TcpStream) -> Result<(), Stop> {
    let answer = whole("400 Bad Request", "connection: close\r\n", b"this is no TLS\n");
    let _ = stream.write_all(&answer);
    Err(Stop::Closed)
}

/// Makes of the close that follows a reset.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

fn seen_as_json(seen: &[Seen]) -> Value {
    let connections: BTreeSet<usize> = seen.iter().map(|seen| seen.connection).collect();
    let requests = seen.iter().map(|seen| {
        json!({
            "connection": seen.connection,
            "line": seen.line,
            "headers": seen.fields.0,
            "body": String::from_utf8_lossy(&seen.body),
            "trailers": seen.trailers.0,
            "whole": seen.whole,
        })
    });
    let requests: Vec<Value> = requests.collect();
    json!({ "count": seen.len(), "connections": connections.len(), "requests": requests })
}

fn whole(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{fields}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn chunked(fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{fields}transfer-encoding: chunked\r\n\r\n")
}

fn chunk(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}
