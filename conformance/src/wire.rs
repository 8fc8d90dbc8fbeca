//! HTTP/1.1 on one connection, byte by byte: what both the client and the origin server read with.
//!
//! Nothing here is lenient: what is not HTTP is reported, so that a test sees it.

use std::fmt;
use std::io::{self, Read};
use std::net::TcpStream;

/// The most that one read takes.
const PIECE: usize = 64 * 1024;
/// The most that a head, or one line, may have: more is a fault of the peer.
const LINE: usize = 1024 * 1024;

/// Why nothing more came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The peer closed.
    Closed,
    /// The peer reset the connection.
    Reset,
    /// Nothing came within the read timeout; the connection is still open.
    Silent,
    /// What came is not HTTP.
    Garbage(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Reset => f.write_str("reset"),
            Self::Silent => f.write_str("open and silent"),
            Self::Garbage(what) => write!(f, "not HTTP: {what}"),
        }
    }
}

/// Header fields or trailers, in order, names in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The value of the first field of that name.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The values of all fields of that name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn parse(lines: &[&str]) -> Result<Self, Stop> {
        let field = |line: &&str| {
            let (name, value) =
                line.split_once(':').ok_or_else(|| garbage("a field without colon", line))?;
            if name.is_empty() || name.contains([' ', '\t']) {
                return Err(garbage("a field's name", line));
            }
            Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        lines.iter().map(field).collect::<Result<_, _>>().map(Self)
    }
}

fn garbage(what: &str, got: &str) -> Stop {
    let shown: String = got.chars().take(100).collect();
    Stop::Garbage(format!("{what}: {shown:?}"))
}

/// How a body's end is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// Chunk by chunk.
    Chunked,
    /// All until the peer closes.
    UntilClose,
    /// It has ended.
    Over,
}

/// The reading side of a connection.
#[derive(Debug)]
pub struct Wire {
    /// The socket.
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// Reads from this socket.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// What was read and not used yet.
    pub fn unread(&self) -> &[u8] {
        &self.buffer
    }

    /// Waits for more bytes.
    fn fill(&mut self) -> Result<(), Stop> {
        let at = self.buffer.len();
        self.buffer.resize(at + PIECE, 0);
        let read = self.stream.read(&mut self.buffer[at..]);
        self.buffer.truncate(at + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(Stop::Closed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                Err(Stop::Silent)
            }
            Err(_) => Err(Stop::Reset),
        }
    }

    /// All up to the empty line: the first line and the fields.
    pub fn head(&mut self) -> Result<(String, Fields), Stop> {
        let end = self.find(b"\r\n\r\n")?;
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let head = String::from_utf8_lossy(&head[..end]).into_owned();
        let lines: Vec<&str> = head.split("\r\n").collect();
        Ok((lines[0].to_owned(), Fields::parse(&lines[1..])?))
    }

    fn line(&mut self) -> Result<String, Stop> {
        let end = self.find(b"\r\n")?;
        let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
        Ok(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn find(&mut self, what: &[u8]) -> Result<usize, Stop> {
        let mut from = 0;
        loop {
            let found = self.buffer[from..].windows(what.len()).position(|window| window == what);
            if let Some(at) = found {
                return Ok(from + at);
            }
            if self.buffer.len() > LINE {
                return Err(garbage("no end", &String::from_utf8_lossy(&self.buffer[..100])));
            }
            from = self.buffer.len().saturating_sub(what.len() - 1);
            self.fill()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Stop> {
        while self.buffer.len() < length {
            self.fill()?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// The next piece of a body: a whole chunk where it is chunked, else what is there. `None` at the
    /// end, when `framing` is over; a chunked body's trailers have then been put into `trailers`.
    pub fn piece(
        &mut self,
        framing: &mut Framing,
        trailers: &mut Fields,
    ) -> Result<Option<Vec<u8>>, Stop> {
        match framing {
            Framing::Over | Framing::Length(0) => {
                *framing = Framing::Over;
                Ok(None)
            }
            Framing::Length(left) => {
                if self.buffer.is_empty() {
                    self.fill()?;
                }
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(self.buffer.len());
                *left -= take as u64;
                Ok(Some(self.buffer.drain(..take).collect()))
            }
            Framing::UntilClose => {
                if self.buffer.is_empty() {
                    match self.fill() {
                        Err(Stop::Closed) => {
                            *framing = Framing::Over;
                            return Ok(None);
                        }
                        other => other?,
                    }
                }
                Ok(Some(std::mem::take(&mut self.buffer)))
            }
            Framing::Chunked => self.chunk(framing, trailers),
        }
    }

    fn chunk(
        &mut self,
        framing: &mut Framing,
        trailers: &mut Fields,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let line = self.line()?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| garbage("a chunk's size", &line))?;
        if size > 0 {
            let mut chunk = self.exactly(size + 2)?;
            if chunk.split_off(size) != b"\r\n" {
                return Err(garbage("no line end after a chunk", &line));
            }
            return Ok(Some(chunk));
        }
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        *trailers = Fields::parse(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
        *framing = Framing::Over;
        Ok(None)
    }
}
