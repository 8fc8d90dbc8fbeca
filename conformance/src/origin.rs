//! A server on loopback that guests call, which notes who called.

mod answers;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use socket2::{Domain, Socket, Type};

use crate::wire::{Fields, Framing, Stop, Wire};

/// The first byte of a client that speaks TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// An origin server. Its threads end with the test process.
///
/// On 127.0.0.2, at the same port, listens somebody who never accepts: connections to there come to nothing.
///
/// | path | what it does |
/// |---|---|
/// | `/stall` | reads the request and never answers |
/// | `/slow-head?ms=500` | answers after a while |
/// | `/slow-body?ms=100&pieces=3` | pieces of ten bytes, a while before each |
/// | `/drip` | sends head and ten bytes of a longer body, then nothing more |
/// | `/half` | sends head and ten bytes of a longer body, then closes; `/half-chunked`: in the middle of a chunked one |
/// | `/reset-half` | the same as `/half`, and resets |
/// | `/close`, `/reset` | closes, or resets, without an answer |
/// | (TLS) | answers 400 in plain text |
/// | `/garbage` | answers something that is not HTTP |
/// | `/bad-chunk` | one chunk, then a chunk size that is no number |
/// | `/lengths?a=5&b=6` | answers with both content-lengths and five bytes |
/// | `/length-and-chunked` | answers with a content-length of 3 and a chunked body of 5 |
/// | `/surplus` | announces five bytes and sends ten |
/// | `/no-length` | ends its body by closing |
/// | `/coding?te=x` | answers with that transfer-encoding |
/// | `/large-head?bytes=100000` | answers with a field of so many bytes |
/// | `/fields?count=50` | answers with so many fields |
/// | `/trailers` | a chunked body, with trailers that may and may not be there |
/// | `/interim` | 100 and 103 before its answer |
/// | `/switch` | switches protocols without having been asked |
/// | `/status?code=204` | that status; without a body where it has none |
/// | `/redirect` | answers 302 to `/moved` |
/// | `/echo` | answers with the request's body |
/// | `/duplex` | sends each piece of the request's body back as soon as it comes |
/// | `/early` | answers before it reads the request's body |
/// | `/seen?path=/x` | says as JSON which requests came whose line has that text: `count`, on how many `connections`, and the `requests` in their order, each with `line`, `headers`, `body`, `trailers`, `connection`, and whether it came `whole`. It is not among them itself |
/// | anything else | answers `origin ok` |
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    notes: Arc<Notes>,
    /// Who never accepts, and the connections that wait for it.
    _deaf: Option<Vec<Socket>>,
}

#[derive(Debug, Default)]
struct Notes {
    connections: AtomicUsize,
    requests: Mutex<Vec<Seen>>,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// Method and target, as sent.
    pub line: String,
    /// Its header fields.
    pub fields: Fields,
    /// The bytes of its body.
    pub body: Vec<u8>,
    /// What followed its body.
    pub trailers: Fields,
    /// Whether its body came to its end.
    pub whole: bool,
}

/// A request that is being answered.
struct Exchange<'a> {
    stream: &'a TcpStream,
    wire: &'a mut Wire,
    path: String,
    query: String,
    seen: Seen,
    framing: Framing,
}

impl Origin {
    /// Listens on a free port of 127.0.0.1.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let notes = Arc::<Notes>::default();
        let shared = notes.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let notes = shared.clone();
                let number = notes.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || notes.serve(number, &stream));
            }
        });
        Self { address, notes, _deaf: deaf(address.port()).ok() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections that were ever made to it.
    pub fn connections(&self) -> usize {
        self.notes.connections.load(Ordering::SeqCst)
    }

    /// All requests whose line holds this text.
    pub fn requests(&self, text: &str) -> Vec<Seen> {
        self.notes.about(text)
    }
}

/// Listens at `port` of 127.0.0.2, never accepts, and lets so many connections wait that no more fit.
fn deaf(port: u16) -> std::io::Result<Vec<Socket>> {
    let address = SocketAddr::from(([127, 0, 0, 2], port)).into();
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None);
    let listener = socket()?;
    listener.bind(&address)?;
    listener.listen(0)?;
    let mut held = vec![listener];
    for _ in 0..2 {
        let waiting = socket()?;
        waiting.set_nonblocking(true)?;
        // It is on its way: an error says no more than that.
        let _ = waiting.connect(&address);
        held.push(waiting);
    }
    Ok(held)
}

impl Notes {
    /// Answers request after request, until one or the other side ends the connection.
    fn serve(&self, connection: usize, stream: &TcpStream) -> Result<(), Stop> {
        let mut wire = Wire::new(stream.try_clone().map_err(|_| Stop::Closed)?);
        let mut first = [0];
        if stream.peek(&mut first).is_ok() && first == [TLS_HANDSHAKE] {
            return answers::plain(stream);
        }
        loop {
            let (line, fields) = wire.head()?;
            let target = line.split(' ').nth(1).unwrap_or_default();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let (path, query) = (path.to_owned(), query.to_owned());
            let framing = framing(&fields);
            let seen = Seen {
                connection,
                line,
                fields,
                body: Vec::new(),
                trailers: Fields::default(),
                whole: false,
            };
            Exchange { stream, wire: &mut wire, path, query, seen, framing }.answer(self)?;
        }
    }

    fn about(&self, text: &str) -> Vec<Seen> {
        self.lock().iter().filter(|seen| seen.line.contains(text)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn framing(fields: &Fields) -> Framing {
    let length = fields.value("content-length").and_then(|length| length.parse().ok());
    match (fields.value("transfer-encoding"), length) {
        (Some(_), _) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(length),
        (None, None) => Framing::Over,
    }
}
