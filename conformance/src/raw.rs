//! A client that sends the bytes it is told to, and says exactly what came back.

use std::fmt;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::PATIENCE;
use crate::wire::{Fields, Framing, Stop, Wire};

/// One connection. Reads give up after [`PATIENCE`] unless told otherwise.
#[derive(Debug)]
pub struct Raw {
    wire: Wire,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub fields: Fields,
    /// Statuses of interim responses (1xx) before it.
    pub interim: Vec<u16>,
    framing: Framing,
}

/// A response, as far as it came.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status, fields and interim responses.
    pub head: Head,
    /// What came of the body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Fields,
    /// Why the body did not end: `None` if it is whole.
    pub broken: Option<Stop>,
}

/// All that came on a connection.
#[derive(Debug, Clone)]
pub struct Received {
    /// The responses, in order; the last one may be broken off.
    pub answers: Vec<Response>,
    /// How it ended.
    pub end: Stop,
}

impl Raw {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the server accepts a connection")
    }

    /// Connects, if that is possible.
    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { wire: Wire::new(stream) })
    }

    /// Waits at most this long for each piece that it reads.
    pub fn patience(&mut self, patience: Duration) -> &mut Self {
        self.wire.stream.set_read_timeout(Some(patience)).expect("a positive timeout");
        self
    }

    /// Sends these bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.stream.write_all(bytes.as_ref())
    }

    /// Sends one chunk of a chunked body; the last one is empty.
    pub fn send_chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(chunk)
    }

    /// A second handle of the socket, to send from another thread.
    pub fn writer(&self) -> TcpStream {
        self.wire.stream.try_clone().expect("the socket can be cloned")
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&mut self) {
        let _ = self.wire.stream.shutdown(Shutdown::Write);
    }

    /// Closes so that the peer sees a reset.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(&self.wire.stream).set_linger(Some(Duration::ZERO));
    }

    /// The next head, past interim responses.
    pub fn head(&mut self, method: &str) -> Result<Head, Stop> {
        let mut interim = Vec::new();
        loop {
            let (line, fields) = self.wire.head()?;
            let status = status(&line)?;
            if (100..200).contains(&status) && status != 101 {
                interim.push(status);
                continue;
            }
            let framing = framing(method, status, &fields)?;
            return Ok(Head { status, fields, interim, framing });
        }
    }

    /// The next piece of the body, a whole chunk where it is chunked; `None` at its end.
    pub fn piece(&mut self, head: &mut Head) -> Result<Option<Vec<u8>>, Stop> {
        self.wire.piece(&mut head.framing, &mut Fields::default())
    }

    /// A whole response to a request with this method.
    pub fn response_to(&mut self, method: &str) -> Result<Response, Stop> {
        let head = self.head(method)?;
        Ok(self.rest(head, Vec::new()))
    }

    /// What is left of a response of which the head and so much of the body were read.
    pub fn rest(&mut self, head: Head, body: Vec<u8>) -> Response {
        let mut framing = head.framing.clone();
        let mut response = Response { head, body, trailers: Fields::default(), broken: None };
        loop {
            match self.wire.piece(&mut framing, &mut response.trailers) {
                Ok(Some(piece)) => response.body.extend(piece),
                Ok(None) => return response,
                Err(stop) => {
                    response.broken = Some(stop);
                    return response;
                }
            }
        }
    }

    /// A whole response.
    pub fn response(&mut self) -> Result<Response, Stop> {
        self.response_to("GET")
    }

    /// Sends a request and waits for its response.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        // A refusal may come before all is sent: what counts is what is read.
        let _ = self.send(request(method, target, fields, body));
        self.response_to(method)
    }

    /// Sends a GET and waits for its response.
    pub fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target, &[], &[])
    }

    /// Reads all that comes until the peer closes, or is silent for as long as the patience lasts.
    pub fn collect(&mut self) -> Received {
        self.collect_to(std::iter::empty())
    }

    /// The same after requests with these methods, and GET after those.
    pub fn collect_to<'a>(&mut self, mut methods: impl Iterator<Item = &'a str>) -> Received {
        let mut answers = Vec::new();
        loop {
            match self.response_to(methods.next().unwrap_or("GET")) {
                Ok(response) => {
                    let broken = response.broken.clone();
                    answers.push(response);
                    if let Some(end) = broken {
                        return Received { answers, end };
                    }
                }
                Err(end) => return Received { answers, end: self.rated(end) },
            }
        }
    }

    /// The end where an answer should have begun. With some bytes of one it is none that may be.
    pub(crate) fn rated(&self, end: Stop) -> Stop {
        match end {
            Stop::Closed if !self.wire.unread().is_empty() => {
                Stop::Garbage(String::from_utf8_lossy(self.wire.unread()).into_owned())
            }
            end => end,
        }
    }
}

/// A response, or why there was none.
pub type Answer = Result<Response, Stop>;

/// The bytes of a request with a `host`, and a `content-length` where it has a body.
pub fn request(method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: test\r\n");
    for (name, value) in fields {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += &format!("content-length: {}\r\n", body.len());
    }
    let mut bytes = (text + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn status(line: &str) -> Result<u16, Stop> {
    let garbage = || {
        Stop::Garbage(format!("a status line: {:?}", line.chars().take(100).collect::<String>()))
    };
    let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "));
    rest.and_then(|rest| rest.get(..3)?.parse().ok()).ok_or_else(garbage)
}

fn framing(method: &str, status: u16, fields: &Fields) -> Result<Framing, Stop> {
    if method == "HEAD" || matches!(status, 100..200 | 204 | 304) {
        return Ok(Framing::Over);
    }
    let lengths: Vec<_> = fields.values("content-length").collect();
    match (fields.value("transfer-encoding"), lengths.as_slice()) {
        (Some("chunked"), []) => Ok(Framing::Chunked),
        (None, []) => Ok(Framing::UntilClose),
        (None, [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => length
            .parse()
            .map(Framing::Length)
            .map_err(|error| Stop::Garbage(format!("{length}: {error}"))),
        (coding, lengths) => Err(Stop::Garbage(format!(
            "transfer-encoding {coding:?} and content-length {lengths:?}"
        ))),
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The first value of a header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.fields.value(name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The kind of an error: `mik-error`.
    pub fn kind(&self) -> Option<&str> {
        self.field("mik-error")
    }

    /// Whether it could have a body: not so if HEAD was asked, or by its status.
    pub(crate) fn may_have_body(&self) -> bool {
        self.head.framing != Framing::Over
    }

    /// Whether the body came to its end.
    pub fn is_whole(&self) -> bool {
        self.broken.is_none()
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for status in &self.head.interim {
            write!(f, "{status}, ")?;
        }
        write!(f, "{}", self.status())?;
        let shown = [
            "mik-error",
            "connection",
            "retry-after",
            "allow",
            "content-length",
            "transfer-encoding",
        ];
        for name in shown {
            for value in self.head.fields.values(name) {
                write!(f, " [{name}: {value}]")?;
            }
        }
        let text: String = self.text().chars().take(200).collect();
        write!(f, " body of {} bytes {text:?}", self.body.len())?;
        if !self.trailers.0.is_empty() {
            write!(f, " trailers {:?}", self.trailers.0)?;
        }
        self.broken.as_ref().map_or(Ok(()), |stop| write!(f, ", broken off: {stop}"))
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.answers.is_empty() {
            f.write_str("nothing, ")?;
        }
        for answer in &self.answers {
            write!(f, "{answer}; then ")?;
        }
        write!(f, "{}", self.end)
    }
}

/// What was received, or why nothing was, in words.
pub fn told(answer: &Answer) -> String {
    match answer {
        Ok(response) => response.to_string(),
        Err(stop) => format!("no response: {stop}"),
    }
}
