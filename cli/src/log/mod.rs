//! The log: structured events, for people or as JSON, on standard error.

mod json;
mod pretty;
#[cfg(feature = "develop")]
mod requests;
mod sink;

use std::fmt;
use std::io::{self, IsTerminal};
use std::panic;
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[cfg(feature = "develop")]
pub(crate) use requests::duration;
pub(crate) use sink::Sink;

/// What is logged unless `MIK_LOG` says otherwise.
const DEFAULT_FILTER: &str = "info";
/// How long an ending process waits for whoever reads the log.
const LAST: Duration = Duration::from_secs(1);

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One line of text for each event.
    Pretty,
    /// One JSON object for each event.
    Json,
}

impl Format {
    /// Text where a person reads, JSON where a program does.
    pub fn fitting() -> Self {
        if io::stderr().is_terminal() { Self::Pretty } else { Self::Json }
    }
}

/// What the lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As the format is: each event by itself.
    Plain(Format),
    /// For who works on what is served: requests, and who says what.
    #[cfg(feature = "develop")]
    Requests,
}

impl From<Format> for Style {
    fn from(format: Format) -> Self {
        Self::Plain(format)
    }
}

/// The log of this process. Lines wait until [`Log::open`]; dropping it lets them out.
pub(crate) struct Log {
    sink: Sink,
    style: Style,
}

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `MIK_LOG` does not read.
    #[error(
        "MIK_LOG={text:?}: {reason}; write it like \"info\" or \"info,mik_core=debug,mik::access=off\""
    )]
    Filter {
        /// What it holds.
        text: String,
        /// What is wrong with it.
        reason: tracing_subscriber::filter::ParseError,
    },
    /// No thread for it.
    #[error("cannot start the log: {0}")]
    Thread(#[from] io::Error),
}

/// The log as `mik run` writes it into a pipe, one JSON object a line, for a host in a process that is not `mik`.
/// Each line is one write.
pub fn json_lines<W>(writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = Targets::new().with_default(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry().with(level).with(lines.event_format(json::Json))
}

impl Log {
    /// Takes every event of this process from now on, filtered by `filter` (what `MIK_LOG` holds).
    pub(crate) fn start(style: Style, filter: Option<&str>) -> Result<Self, LogError> {
        let text = filter.unwrap_or(DEFAULT_FILTER);
        let filter: Targets =
            text.parse().map_err(|reason| LogError::Filter { text: text.to_owned(), reason })?;
        let dropped = match style {
            Style::Plain(Format::Json) => |lost| {
                let message = "log lines dropped: standard error is read too slowly";
                json_line("WARN", message, [("dropped", serde_json::Value::from(lost))])
            },
            _ => |lost| format!("{lost} log lines dropped: standard error is read too slowly\n"),
        };
        let sink = Sink::start(io::stderr(), dropped)?;
        let events = tracing_subscriber::registry().with(filter);
        let lines = tracing_subscriber::fmt::layer().with_writer(sink.clone());
        // A second log in one process (in tests) leaves the first in place.
        let _ = match style {
            Style::Plain(Format::Pretty) => {
                events.with(lines.with_ansi(colour()).event_format(pretty::Pretty)).try_init()
            }
            Style::Plain(Format::Json) => {
                events.with(lines.with_ansi(false).event_format(json::Json)).try_init()
            }
            #[cfg(feature = "develop")]
            Style::Requests => {
                events.with(lines.with_ansi(colour()).event_format(requests::Requests)).try_init()
            }
        };
        panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("unknown");
            tracing::error!(target: "mik::panic", location, "panic: {message}");
        }));
        Ok(Self { sink, style })
    }

    /// Lets lines out: first `line`, then `text` for people or what `fields` give as one event in JSON,
    /// then what was logged before.
    pub(crate) fn open<const N: usize>(
        &self,
        line: impl fmt::Display,
        text: &str,
        message: &str,
        fields: [(&str, serde_json::Value); N],
    ) {
        match self.style {
            Style::Plain(Format::Json) => {
                self.sink.open(&format!("{line}\n{}", json_line("INFO", message, fields)));
            }
            _ => self.sink.open(&format!("{line}\n{text}")),
        }
    }

    /// Waits a moment for what was logged to be written.
    pub(crate) fn flush(&self) {
        self.sink.flush(LAST);
    }

    /// A handle to flush with from elsewhere.
    pub(crate) fn sink(&self) -> Sink {
        self.sink.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.sink.open("");
        self.flush();
    }
}

/// What a line of [`Style::Requests`] begins with.
#[cfg(feature = "develop")]
pub(crate) fn stamp(colour: bool) -> String {
    pretty::stamp(colour)
}

/// What `MIK_LOG` holds: the filter of the log.
pub(crate) fn filter() -> Option<String> {
    std::env::var("MIK_LOG").ok().filter(|filter| !filter.is_empty())
}

/// Whether standard error is to be coloured (<https://no-color.org>).
pub(crate) fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// An event as [`json::Json`] writes it, but with fields that have structure.
fn json_line<const N: usize>(
    level: &str,
    message: &str,
    fields: [(&str, serde_json::Value); N],
) -> String {
    let mut timestamp = String::new();
    json::timestamp(&mut timestamp);
    let mut event = serde_json::json!({
        "timestamp": timestamp, "level": level, "message": message, "target": "mik",
    });
    for (key, value) in fields {
        event[key] = value;
    }
    format!("{event}\n")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Registry;
    use tracing_subscriber::fmt::FormatEvent;
    use tracing_subscriber::fmt::format::DefaultFields;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `format` makes of events.
    pub(super) fn logged<F>(format: F, events: impl FnOnce()) -> String
    where
        F: FormatEvent<Registry, DefaultFields> + Send + Sync + 'static,
    {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(format)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, events);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }
}
