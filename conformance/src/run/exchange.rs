//! Sending, and reading what comes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::judge::{Came, judge};
use crate::PATIENCE;
use crate::case::{Content, Expect, Filled, Number, Part, Request, Run, Sent, Step};
use crate::cases::{Outcome, shown};
use crate::mik::eventually;
use crate::raw::{Head, Raw, told};
use crate::wire::Stop;

/// How long what must come eventually may take.
const EVENTUALLY: Duration = Duration::from_secs(20);

/// A connection of a case.
#[derive(Debug)]
pub(super) struct Line {
    raw: Raw,
    /// The methods of the requests whose answers were not read.
    methods: Vec<String>,
    /// An answer that was read in part.
    begun: Option<(Head, Vec<u8>)>,
}

/// An exchange, ready to be made.
pub(super) struct Exchange<'a> {
    pub(super) step: &'a Step,
    pub(super) sent: Option<&'a Sent>,
    pub(super) drip: Option<Duration>,
    pub(super) finish: bool,
    pub(super) address: SocketAddr,
    /// What is asked on a connection that must still be open, and the answer.
    pub(super) further: (&'a str, &'a str),
}

/// What an exchange came to.
pub(super) struct Made {
    pub(super) outcome: Outcome,
    pub(super) kept: BTreeMap<String, String>,
}

impl Line {
    pub(super) fn open(address: SocketAddr) -> Result<Self, String> {
        let raw = Raw::try_connect(address).map_err(|error| format!("no connection: {error}"))?;
        Ok(Self { raw, methods: Vec::new(), begun: None })
    }

    pub(super) fn reset(self) {
        self.raw.reset();
    }
}

impl Exchange<'_> {
    /// Makes it as often as the step says. `line` is the connection of the step.
    pub(super) fn run(&self, run: Run, line: &mut Option<Line>, with: &Filled) -> Made {
        match run {
            Run::Once => self.once(line, with),
            Run::Times(times) => {
                let numbers = 1..=times;
                let all = numbers.map(|n| self.apart(&Filled { n, ..with.clone() }));
                self.together(&all.collect::<Vec<_>>(), with)
            }
            Run::AtOnce(times) => thread::scope(|scope| {
                let threads: Vec<_> = (1..=times)
                    .map(|n| {
                        let with = Filled { n, ..with.clone() };
                        scope.spawn(move || self.apart(&with))
                    })
                    .collect();
                let failed = |_| Err("a client panicked".to_owned());
                let all = threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed));
                self.together(&all.collect::<Vec<_>>(), with)
            }),
            Run::Eventually => {
                let mut last = Made::failed("it was not tried");
                eventually(self.step.patience.unwrap_or(EVENTUALLY), || {
                    last = self.once(&mut None, with);
                    last.outcome.is_ok()
                });
                last
            }
        }
    }

    fn once(&self, line: &mut Option<Line>, with: &Filled) -> Made {
        let came = self.came(line, with);
        let (sent, came) = match came {
            Ok(came) => came,
            Err(failure) => return Made::failed(failure),
        };
        let expect = self.step.expect.clone().unwrap_or_default();
        let kept = self.kept(&came);
        let with = Filled {
            kept: with.kept.clone().into_iter().chain(kept.clone()).collect(),
            ..with.clone()
        };
        let is_read = self.step.read != Part::Nothing;
        let outcome = if is_read { judge(&expect, &came, &with) } else { Ok(()) };
        Made {
            outcome: outcome.map_err(|failure| format!("{failure}{}", tell(&sent, &came))),
            kept,
        }
    }

    /// On a connection of its own.
    fn apart(&self, with: &Filled) -> Result<(Vec<u8>, Came), String> {
        self.came(&mut None, with)
    }

    /// Judges many at once: each, or how many had which status.
    fn together(&self, all: &[Result<(Vec<u8>, Came), String>], with: &Filled) -> Made {
        let expect = self.step.expect.clone().unwrap_or_default();
        let mut counts = BTreeMap::<String, usize>::new();
        for (index, one) in all.iter().enumerate() {
            let (sent, came) = match one {
                Ok(one) => one,
                Err(failure) if expect.counts.is_empty() => return Made::failed(failure),
                Err(_) => {
                    *counts.entry("none".to_owned()).or_default() += 1;
                    continue;
                }
            };
            let status = came
                .answers
                .first()
                .map_or_else(|| "none".to_owned(), |answer| answer.status().to_string());
            *counts.entry(status).or_default() += 1;
            let each = if expect.counts.is_empty() {
                judge(&expect, came, &Filled { n: index + 1, ..with.clone() })
            } else {
                Ok(())
            };
            if let Err(failure) = each {
                return Made::failed(format!(
                    "number {}: {failure}{}",
                    index + 1,
                    tell(sent, came)
                ));
            }
        }
        Made { outcome: counted(&expect.counts, &counts), kept: BTreeMap::new() }
    }

    fn came(&self, line: &mut Option<Line>, with: &Filled) -> Result<(Vec<u8>, Came), String> {
        // Made before the connection is opened: a large text takes its time.
        let sent = match self.sent {
            None => Vec::new(),
            Some(Sent::Bytes(text)) => text.wire(with)?,
            Some(Sent::Request(request)) => request.bytes(with)?,
        };
        let started = Instant::now();
        if line.is_none() {
            *line = Some(Line::open(self.address)?);
        }
        let Some(line) = line else { return Err("there is no connection".to_owned()) };
        line.raw.patience(self.step.patience.unwrap_or(PATIENCE));
        self.send(&sent, line);
        if self.finish {
            line.raw.finish_sending();
        }
        let expect = self.step.expect.clone().unwrap_or_default();
        let mut came = match self.step.read {
            Part::Nothing => Came::default(),
            Part::Bytes(bytes) => line.part(bytes),
            Part::All => line.all(&expect, |came| judge(&expect, came, with).is_ok()),
        };
        came.took = started.elapsed();
        if expect.asks_further() && came.end.is_none() && self.step.read == Part::All {
            came.further = Some(line.further(self.further));
        }
        Ok((sent, came))
    }

    /// Sends; that the peer has closed before all is sent shows in what it answers.
    fn send(&self, bytes: &[u8], line: &mut Line) {
        line.methods.extend(methods(bytes));
        match self.drip {
            None => drop(line.raw.send(bytes)),
            Some(each) => {
                for byte in bytes {
                    if line.raw.send([*byte]).is_err() {
                        break;
                    }
                    thread::sleep(each);
                }
            }
        }
    }

    fn kept(&self, came: &Came) -> BTreeMap<String, String> {
        let value = |field: &String| came.answers.last()?.field(field).map(ToOwned::to_owned);
        let kept = self.step.keep.iter();
        kept.filter_map(|(name, field)| Some((name.clone(), value(field)?))).collect()
    }
}

impl Line {
    fn method(&mut self) -> String {
        if self.methods.is_empty() { "GET".to_owned() } else { self.methods.remove(0) }
    }

    /// Head and some of the body.
    fn part(&mut self, bytes: usize) -> Came {
        let (mut head, mut body) = match self.begun.take() {
            Some(begun) => begun,
            None => {
                let method = self.method();
                match self.raw.head(&method) {
                    Ok(head) => (head, Vec::new()),
                    Err(end) => return Came { end: Some(end), ..Came::default() },
                }
            }
        };
        let mut end = None;
        while body.len() < bytes {
            match self.raw.piece(&mut head) {
                Ok(Some(piece)) => body.extend(piece),
                Ok(None) => break,
                Err(stop) => {
                    end = Some(stop);
                    break;
                }
            }
        }
        let answer = crate::raw::Response {
            head: head.clone(),
            body: body.clone(),
            trailers: Default::default(),
            broken: end.clone(),
        };
        self.begun = Some((head, body));
        Came { answers: vec![answer], end, is_part: true, ..Came::default() }
    }

    /// As much as the expectation is about: where something else than the end may come, that `is_enough`.
    fn all(&mut self, expect: &Expect, is_enough: impl Fn(&Came) -> bool) -> Came {
        let mut came = Came::default();
        if let Some((head, body)) = self.begun.take() {
            came.answer(self.raw.rest(head, body));
        }
        let waits = expect.waits_for_end();
        let may_do_without = !waits || expect.may_do_without_end();
        if may_do_without {
            self.answers(expect.wanted(), &mut came);
        }
        if waits && !(may_do_without && is_enough(&came)) {
            self.answers(usize::MAX, &mut came);
        }
        came
    }

    /// Answers until there are so many, or the end.
    fn answers(&mut self, wanted: usize, came: &mut Came) {
        while came.answers.len() < wanted && came.end.is_none() {
            let method = self.method();
            match self.raw.response_to(&method) {
                Ok(response) => came.answer(response),
                Err(end) => came.end = Some(self.raw.rated(end)),
            }
        }
    }

    fn further(&mut self, (target, text): (&str, &str)) -> Outcome {
        let answer = self.raw.get(target);
        match &answer {
            Ok(response) if response.status() == 200 && response.text() == text => Ok(()),
            _ => Err(format!("a further request on the connection got {}", told(&answer))),
        }
    }
}

impl Made {
    pub(super) fn failed(failure: impl Into<String>) -> Self {
        Self { outcome: Err(failure.into()), kept: BTreeMap::new() }
    }
}

impl Request {
    fn bytes(&self, with: &Filled) -> Result<Vec<u8>, String> {
        let mut out =
            format!("{} {} HTTP/1.1\r\n", self.method.text(with)?, self.target.text(with)?)
                .into_bytes();
        let has =
            |name: &str| self.headers.0.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
        if !has("host") {
            out.extend_from_slice(b"host: test\r\n");
        }
        for (name, value) in &self.headers.0 {
            out.extend_from_slice(format!("{name}: ").as_bytes());
            out.extend(value.bytes(with)?);
            out.extend_from_slice(b"\r\n");
        }
        if !self.chunks.is_empty() {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in &self.chunks {
                let chunk = chunk.bytes(with)?;
                out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                out.extend(chunk);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n\r\n");
            return Ok(out);
        }
        let body = self.body.bytes(with)?;
        if !body.is_empty() && !has("content-length") {
            out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend(body);
        Ok(out)
    }
}

impl Content {
    fn bytes(&self, with: &Filled) -> Result<Vec<u8>, String> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let wrong = |error: std::io::Error| error.to_string();
        match self {
            Self::Plain(text) => return text.bytes(with),
            Self::Gzip(text) => gzip.write_all(&text.bytes(with)?).map_err(wrong)?,
            Self::Bomb(zeros) => {
                let piece = [0; 64 * 1024];
                let mut left = *zeros;
                while left > 0 {
                    let now = left.min(piece.len() as u64);
                    gzip.write_all(&piece[..now as usize]).map_err(wrong)?;
                    left -= now;
                }
            }
        }
        gzip.finish().map_err(wrong)
    }
}

/// The methods of the requests in these bytes, as far as they look like requests.
fn methods(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let method = |line: &str| {
        let (method, rest) = line.split_once(' ')?;
        let is_token =
            !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
        (is_token && rest.contains(" HTTP/1")).then(|| method.to_owned())
    };
    text.split("\r\n").filter_map(method).collect()
}

fn counted(wanted: &BTreeMap<String, Number>, counts: &BTreeMap<String, usize>) -> Outcome {
    let of = |status: &str| counts.get(status).copied().unwrap_or_default() as f64;
    let is_right = wanted.iter().all(|(status, number)| number.holds(of(status)));
    let is_all = wanted.is_empty() || counts.keys().all(|status| wanted.contains_key(status));
    if is_right && is_all { Ok(()) } else { Err(format!("so many had which status: {counts:?}")) }
}

fn tell(sent: &[u8], came: &Came) -> String {
    let mut told = String::new();
    if !sent.is_empty() {
        told += &format!("\n    sent {}", shown(sent));
    }
    told += "\n    received ";
    if came.answers.is_empty() {
        told += "nothing";
    }
    for (index, answer) in came.answers.iter().enumerate() {
        told += &format!("{}{answer}", if index > 0 { "; then " } else { "" });
    }
    match &came.end {
        Some(Stop::Silent) => told + "; then nothing more, and it is open",
        Some(end) => told + &format!("; then {end}"),
        None => told,
    }
}
