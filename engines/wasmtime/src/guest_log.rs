//! What a guest prints becomes log lines: tagged, escaped, bounded.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use mik_core::{ModuleName, RequestId};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

/// The longest line; what is longer is broken.
const LINE: usize = 4 << 10;
/// What a guest may write at once.
const PERMIT: usize = 64 << 10;

/// Collects what one instance prints.
pub(crate) struct GuestLog {
    module: ModuleName,
    state: Mutex<State>,
}

struct State {
    /// The request that is being served.
    request: Option<RequestId>,
    budget: u64,
    dropped: u64,
    lines: [Vec<u8>; 2],
}

/// Standard output or standard error of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl GuestLog {
    pub(crate) fn new(module: ModuleName) -> Arc<Self> {
        let state = State { request: None, budget: 0, dropped: 0, lines: Default::default() };
        Arc::new(Self { module, state: Mutex::new(state) })
    }

    /// Starts a call: lines carry its id, and `budget` bytes are logged.
    pub(crate) fn begin(&self, request: RequestId, budget: u64) {
        let mut state = self.state();
        state.request = Some(request);
        state.budget = budget;
        state.dropped = 0;
    }

    /// Ends a call: what is left of a line is logged, and how much was dropped.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut state.lines[stream as usize]);
            if !rest.is_empty() {
                self.emit(&state, stream, &rest);
            }
        }
        if state.dropped > 0 {
            tracing::warn!(
                target: "mik::guest",
                module = %self.module,
                request_id = state.request.as_ref().map(tracing::field::display),
                "guest output truncated: {} bytes dropped past the limit `log`",
                state.dropped
            );
        }
        state.request = None;
    }

    pub(crate) fn stream(self: &Arc<Self>, stream: Stream) -> GuestStream {
        GuestStream { log: self.clone(), stream }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.state();
        let fits = usize::try_from(state.budget).unwrap_or(usize::MAX).min(bytes.len());
        state.budget -= fits as u64;
        state.dropped += (bytes.len() - fits) as u64;
        for piece in bytes[..fits].split_inclusive(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut state.lines[stream as usize]);
            for part in piece.chunks(LINE) {
                line.extend_from_slice(part);
                if line.ends_with(b"\n") || line.len() >= LINE {
                    self.emit(&state, stream, line.trim_ascii_end());
                    line.clear();
                }
            }
            state.lines[stream as usize] = line;
        }
    }

    fn emit(&self, state: &State, stream: Stream, line: &[u8]) {
        let request_id = state.request.as_ref().map(tracing::field::display);
        let stream = if stream == Stream::Stdout { "stdout" } else { "stderr" };
        tracing::info!(
            target: "mik::guest", module = %self.module, request_id, stream, "{}", escape(line)
        );
    }
}

/// Makes a line harmless for terminals and log readers: control characters become visible.
fn escape(line: &[u8]) -> Cow<'_, str> {
    // Also the line separators and the marks that turn text around.
    let turns = |c| matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    mik_core::escape(String::from_utf8_lossy(line), |c| (c.is_control() && c != '\t') || turns(c))
}

/// One end that the guest writes to.
pub(crate) struct GuestStream {
    log: Arc<GuestLog>,
    stream: Stream,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.log.stream(self.stream))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.log.stream(self.stream))
    }
}

impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.log.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(PERMIT)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.log.write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_are_made_visible() {
        assert_eq!(escape(b"\x1b[31mred\rover"), "\\u{1b}[31mred\\rover");
        assert_eq!(escape("tab\tfine é".as_bytes()), "tab\tfine é");
        assert_eq!(escape("\u{202e}x".as_bytes()), "\\u{202e}x");
    }

    #[test]
    fn output_past_the_budget_is_counted_and_dropped() {
        let log = GuestLog::new(ModuleName::new("m").unwrap());
        log.begin(RequestId::generate(), 10);
        log.write(Stream::Stdout, b"12345\n1234567");
        let state = log.state();
        assert_eq!(state.dropped, 3);
        assert_eq!(state.lines[0], b"1234");
    }

    #[test]
    fn a_line_without_end_is_broken() {
        let log = GuestLog::new(ModuleName::new("m").unwrap());
        log.begin(RequestId::generate(), 1 << 20);
        log.write(Stream::Stderr, &vec![b'x'; 3 * LINE + 5]);
        assert_eq!(log.state().lines[1].len(), 5);
    }
}
