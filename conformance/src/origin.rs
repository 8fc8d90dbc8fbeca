//! A server on loopback that guests call, which notes who called.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::wire::{Fields, Framing, Stop, Wire};

/// An origin server. Its threads end with the test process.
///
/// | path | what it does |
/// |---|---|
/// | `/stall` | reads the request and never answers |
/// | `/drip` | sends head and ten bytes of a longer body, then nothing more |
/// | `/half` | sends head and ten bytes of a longer body, then closes |
/// | `/garbage` | answers something that is not HTTP |
/// | `/redirect` | answers 302 to `/moved` |
/// | `/echo` | answers with the request's body |
/// | anything else | answers `origin ok` |
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    notes: Arc<Notes>,
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
                thread::spawn(move || while notes.serve(number, &stream).is_ok() {});
            }
        });
        Self { address, notes }
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
        self.notes.lock().iter().filter(|seen| seen.line.contains(text)).cloned().collect()
    }
}

impl Notes {
    /// Reads one request and does what its path says. An error ends the connection.
    fn serve(&self, connection: usize, stream: &TcpStream) -> Result<(), Stop> {
        let mut wire = Wire::new(stream.try_clone().map_err(|_| Stop::Closed)?);
        loop {
            let (line, fields) = wire.head()?;
            let body = read_body(&mut wire, &fields)?;
            let path =
                line.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
            let path = path.to_owned();
            self.lock().push(Seen { connection, line, fields, body: body.clone() });
            answer(stream, &path, &body).map_err(|_| Stop::Closed)?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_body(wire: &mut Wire, fields: &Fields) -> Result<Vec<u8>, Stop> {
    let length = fields.value("content-length").and_then(|length| length.parse().ok());
    let mut framing = match (fields.value("transfer-encoding"), length) {
        (Some(_), _) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(length),
        (None, None) => Framing::Over,
    };
    let mut body = Vec::new();
    while let Some(piece) = wire.piece(&mut framing, &mut Fields::default())? {
        body.extend(piece);
    }
    Ok(body)
}

fn answer(mut stream: &TcpStream, path: &str, body: &[u8]) -> std::io::Result<()> {
    let whole = |status: &str, more: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {status}\r\n{more}content-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let begun = || b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789".to_vec();
    let hour = Duration::from_secs(3_600);
    match path {
        "/stall" => thread::sleep(hour),
        "/drip" => {
            stream.write_all(&begun())?;
            thread::sleep(hour);
        }
        "/half" => {
            stream.write_all(&begun())?;
            stream.shutdown(std::net::Shutdown::Both)?;
        }
        "/garbage" => stream.write_all(b"this is not HTTP\r\n\r\n")?,
        "/redirect" => stream.write_all(&whole("302 Found", "location: /moved\r\n", b""))?,
        "/echo" => stream.write_all(&whole("200 OK", "", body))?,
        _ => stream.write_all(&whole("200 OK", "content-type: text/plain\r\n", b"origin ok"))?,
    }
    Ok(())
}
