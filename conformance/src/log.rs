//! What a running `mik` has written to stderr.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Lines as they come. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<Lines>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    all: Vec<String>,
    ended: bool,
}

impl Log {
    /// Reads a pipe, line by line, in a thread of its own.
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let shared = log.0.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line);
                shared.lock().all.push(text.strip_suffix('\n').unwrap_or(&text).to_owned());
                shared.arrived.notify_all();
                line.clear();
            }
            shared.lock().ended = true;
            shared.arrived.notify_all();
        });
        log
    }

    /// Takes what is written into it, a whole line each time.
    pub(crate) fn writer(&self) -> impl Write + use<> {
        Lineup(self.clone())
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().all.clone()
    }

    /// How many lines there are: a mark for [`Log::since`].
    pub fn mark(&self) -> usize {
        self.0.lock().all.len()
    }

    /// The lines after a mark.
    pub fn since(&self, mark: usize) -> Vec<String> {
        self.0.lock().all[mark..].to_vec()
    }

    /// Whether a line holds this text.
    pub fn has(&self, text: &str) -> bool {
        self.0.lock().all.iter().any(|line| line.contains(text))
    }

    /// Waits until no line has come for a moment: lines are written behind the answers that they are about.
    pub(crate) fn settle(&self) {
        let end = Instant::now() + Duration::from_secs(2);
        let mut before = self.mark();
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(50));
            let now = self.mark();
            if std::mem::replace(&mut before, now) == now {
                return;
            }
        }
    }

    /// Waits for a line that satisfies the condition, past or to come.
    pub fn wait_for(&self, within: Duration, is_it: impl Fn(&str) -> bool) -> Option<String> {
        let end = Instant::now() + within;
        let mut lines = self.0.lock();
        let mut seen = 0;
        loop {
            if let Some(line) = lines.all[seen..].iter().find(|line| is_it(line)) {
                return Some(line.clone());
            }
            seen = lines.all.len();
            let left = end.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return None;
            }
            lines =
                self.0.arrived.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a line that holds all these texts.
    pub fn wait(&self, within: Duration, texts: &[&str]) -> Option<String> {
        self.wait_for(within, |line| texts.iter().all(|text| line.contains(text)))
    }
}

/// The end of a log that lines go into.
struct Lineup(Log);

impl Write for Lineup {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shared = &self.0.0;
        shared.lock().all.push(String::from_utf8_lossy(line).trim_end().to_owned());
        shared.arrived.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
