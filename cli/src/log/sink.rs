//! Standard error behind a bounded queue: nobody who logs ever waits for whoever reads.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait. Lines past it are dropped and counted.
const LIMIT: usize = 4 << 20;
/// How long the writer lets lines gather: many then take one system call.
const GATHER: Duration = Duration::from_millis(1);
/// The same under load: each wake-up takes a core away from a request.
const GATHER_MORE: Duration = Duration::from_millis(10);
/// Bytes that gather in the shorter time only under load.
const LOAD: usize = 2 << 10;

/// Where log lines go. All clones are one queue, which one thread empties.
#[derive(Clone)]
pub(crate) struct Sink(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Something is to be written.
    more: Condvar,
    /// All is written.
    idle: Condvar,
    limit: usize,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    dropped: u64,
    writing: bool,
    is_open: bool,
}

/// Writes the line that tells how many lines were dropped.
pub(super) type DroppedLine = fn(u64) -> String;

impl Sink {
    /// A closed sink over `out`: lines gather until it is opened.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        dropped: DroppedLine,
    ) -> io::Result<Self> {
        Self::with_limit(LIMIT, out, dropped)
    }

    fn with_limit(
        limit: usize,
        out: impl Write + Send + 'static,
        dropped: DroppedLine,
    ) -> io::Result<Self> {
        let (state, more, idle) = Default::default();
        let shared = Arc::new(Shared { state, more, idle, limit });
        let writer = shared.clone();
        thread::Builder::new().name("mik-log".into()).spawn(move || writer.run(out, dropped))?;
        Ok(Self(shared))
    }

    /// Lets everything through from now on: first `text`, then what has gathered.
    pub(crate) fn open(&self, text: &str) {
        let mut state = self.0.lock();
        state.is_open = true;
        state.waiting.splice(..0, text.bytes());
        self.0.more.notify_one();
    }

    /// Writes `text` behind what waits, as one piece.
    pub(crate) fn put(&self, text: &[u8]) {
        let mut state = self.0.lock();
        if state.waiting.len() + text.len() > self.0.limit {
            state.dropped += 1;
            return;
        }
        let wakes = state.waiting.is_empty() && !state.writing && state.is_open;
        state.waiting.extend_from_slice(text);
        if wakes {
            self.0.more.notify_one();
        }
    }

    /// Waits until everything is written, but no longer than `time`.
    pub(crate) fn flush(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.0.lock();
        while state.is_open && (state.writing || !state.waiting.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.0.idle.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut out: impl Write, dropped: DroppedLine) {
        let (mut batch, mut wrote) = (Vec::new(), 0);
        loop {
            let mut state = self.lock();
            state.writing = false;
            while !state.is_open || state.waiting.is_empty() {
                self.idle.notify_all();
                state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.writing = true;
            drop(state);
            thread::sleep(if wrote > LOAD { GATHER_MORE } else { GATHER });
            let mut state = self.lock();
            std::mem::swap(&mut batch, &mut state.waiting);
            let lost = std::mem::take(&mut state.dropped);
            drop(state);
            if lost > 0 {
                batch.extend_from_slice(dropped(lost).as_bytes());
            }
            // Where standard error is gone there is nobody to tell.
            let _ = out.write_all(&batch).and_then(|()| out.flush());
            wrote = batch.len();
            batch.clear();
        }
    }
}

/// One event of the log, on its way into the queue.
impl Write for Sink {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.put(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Sink {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A writer whose every write waits for leave.
    struct Slow {
        leave: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.leave.recv();
            self.written.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow(limit: usize) -> (Sink, mpsc::Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (go, leave) = mpsc::channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let out = Slow { leave, written: written.clone() };
        (Sink::with_limit(limit, out, |lost| format!("{lost} lost\n")).unwrap(), go, written)
    }

    #[test]
    fn nothing_comes_before_the_line_that_opens() {
        let (sink, go, written) = slow(100);
        sink.put(b"early\n");
        thread::sleep(Duration::from_millis(20));
        assert!(written.lock().unwrap().is_empty());
        drop(go);
        sink.open("first\n");
        sink.put(b"late\n");
        sink.flush(Duration::from_secs(10));
        assert_eq!(*written.lock().unwrap(), b"first\nearly\nlate\n");
    }

    #[test]
    fn who_logs_never_waits_and_what_is_lost_is_counted() {
        let (sink, go, written) = slow(10);
        sink.open("");
        for _ in 0..5 {
            sink.put(b"12345\n");
        }
        sink.flush(Duration::from_millis(20));
        drop(go);
        sink.flush(Duration::from_secs(10));
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let kept = written.matches("12345").count();
        let lost: usize = written
            .lines()
            .filter_map(|line| line.strip_suffix(" lost")?.parse::<usize>().ok())
            .sum();
        assert_eq!(kept + lost, 5, "{written}");
        assert!(lost > 0, "{written}");
    }
}
