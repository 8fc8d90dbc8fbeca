//! The log for people: a short line for each event.
//!
//! ```text
//! 12:01:27.910Z GET /run/hello/x 200 16B 7.2ms
//! 12:01:28.229Z GET /nope 404 147B 0.09ms not-found
//! 12:01:28.733Z WARN there is no module `a` key=value
//! ```

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use mik_core::{escape, moves_cursor};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events for people.
pub(super) struct Pretty;

pub(super) const DIM: &str = "2";
pub(super) const RED: &str = "31";
pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";

/// Fields of an access line that only programs need.
const QUIET: [&str; 5] = ["route", "module", "script", "engine", "peer"];

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let fields = Fields::of(event);
        paint(&mut to, DIM, &time_of_day(SystemTime::now()))?;
        match event.metadata().target() {
            "mik::access" => fields.access(&mut to)?,
            _ => fields.event(&mut to, *event.metadata().level())?,
        }
        to.write_char('\n')
    }
}

/// The fields of an event as text that a terminal can be shown.
#[derive(Default)]
pub(super) struct Fields(Vec<Entry>);

struct Entry {
    name: &'static str,
    value: String,
    /// Whether it is a text, which stands in quotes where it is not one word.
    is_text: bool,
}

impl Fields {
    /// The fields of `event`.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        fields
    }

    pub(super) fn event(mut self, to: &mut Writer<'_>, level: Level) -> fmt::Result {
        match level {
            Level::ERROR => paint(to, RED, " ERROR")?,
            Level::WARN => paint(to, YELLOW, " WARN")?,
            Level::INFO => {}
            level => paint(to, DIM, &format!(" {level}"))?,
        }
        if let Some(message) = self.take("message") {
            write!(to, " {message}")?;
        }
        self.rest(to)
    }

    fn access(mut self, to: &mut Writer<'_>) -> fmt::Result {
        let mut take = |name| self.take(name).unwrap_or_default();
        write!(to, " {} {}", take("method"), take("path"))?;
        let status = take("status");
        let colour = colour_of(&status);
        paint(to, colour, &format!(" {status}"))?;
        write!(to, " {}B {}ms", take("bytes"), take("duration_ms"))?;
        let error = take("error");
        if !error.is_empty() {
            paint(to, colour, &format!(" {error}"))?;
        }
        self.0.retain(|entry| !QUIET.contains(&entry.name));
        self.rest(to)
    }

    fn rest(&self, to: &mut Writer<'_>) -> fmt::Result {
        for Entry { name, value, is_text } in &self.0 {
            let is_quoted = *is_text && value.contains([' ', '"', '\n']);
            let value = if is_quoted { format!("{value:?}") } else { harmless(value) };
            paint(to, DIM, &format!(" {name}={value}"))?;
        }
        Ok(())
    }

    /// Takes out the value of a field, line ends and all.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|entry| entry.name == name)?;
        Some(harmless(&self.0.remove(at).value))
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push(Entry { name: field.name(), value: value.to_owned(), is_text: true });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push(Entry { name: field.name(), value: format!("{value:?}"), is_text: false });
    }
}

/// The colour of a status code.
pub(super) fn colour_of(status: &str) -> &'static str {
    match status.as_bytes().first() {
        Some(b'5') => RED,
        Some(b'4') => YELLOW,
        _ => GREEN,
    }
}

/// Writes `text` in a colour, where there are colours.
pub(super) fn paint(to: &mut Writer<'_>, colour: &str, text: &str) -> fmt::Result {
    if to.has_ansi_escapes() {
        write!(to, "\x1b[{colour}m{text}\x1b[0m")
    } else {
        to.write_str(text)
    }
}

/// The text without anything that moves a cursor: only line ends stay.
fn harmless(text: &str) -> String {
    escape(text, moves_cursor).into_owned()
}

/// The time as each line begins with it.
#[cfg(feature = "develop")]
pub(super) fn stamp(colour: bool) -> String {
    let time = time_of_day(SystemTime::now());
    if colour { format!("\x1b[{DIM}m{time}\x1b[0m") } else { time }
}

/// The time of day in UTC.
pub(super) fn time_of_day(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = since.as_secs() % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::super::tests::logged;
    use super::*;
    use std::time::Duration;

    /// What is logged, each line without its time.
    fn lines(events: impl FnOnce()) -> Vec<String> {
        let text = logged(Pretty, events);
        text.lines().map(|line| line.split_once("Z ").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn a_line_is_short_and_cannot_move_the_cursor() {
        let lines = lines(|| {
            tracing::info!(module = "a", text = "two words", "loaded");
            tracing::warn!("evil \u{1b}[2J");
            tracing::info!(target: "mik::access", method = "GET", path = "/x", status = 404, bytes = 5,
                duration_ms = 0.5, route = "/*", error = "not-found", request_id = %7);
        });
        assert_eq!(lines[0], "loaded module=a text=\"two words\"");
        assert_eq!(lines[1], "WARN evil \\u{1b}[2J");
        assert_eq!(lines[2], "GET /x 404 5B 0.5ms not-found request_id=7");
    }

    #[test]
    fn the_time_is_that_of_the_day() {
        let at = UNIX_EPOCH + Duration::from_millis(86_400_000 * 3 + 3_723_004);
        assert_eq!(time_of_day(at), "01:02:03.004Z");
    }
}
