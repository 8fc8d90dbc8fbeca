//! The log of `mik dev`: what comes in, and who says what about it.
//!
//! ```text
//! 12:01:27.910Z 200 GET /run/my-api/users/1 1.2 ms my-api
//! 12:01:28.229Z 404 GET /nope 0.1 ms not-found
//! 12:01:28.733Z my-api | a line that the module has printed
//! ```

use std::fmt;
use std::time::{Duration, SystemTime};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::pretty::{DIM, Fields, RED, YELLOW, colour_of, paint, time_of_day};

/// Writes events for who works on what is served.
pub(super) struct Requests;

/// The targets of what modules, scripts and plugins say.
const SPEAKERS: [&str; 3] = ["mik::guest", "mik::script", "mik::plugin"];

/// Fields of what mik says itself that are of no interest here.
const UNTOLD: [&str; 2] = ["bytes", "footprint"];

impl<S, N> FormatEvent<S, N> for Requests
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
        let mut fields = Fields::of(event);
        let (target, level) = (event.metadata().target(), *event.metadata().level());
        paint(&mut to, DIM, &time_of_day(SystemTime::now()))?;
        match target {
            "mik::access" => request(fields, &mut to)?,
            target if SPEAKERS.contains(&target) => speech(fields, &mut to, level)?,
            _ => {
                UNTOLD.iter().for_each(|name| drop(fields.take(name)));
                fields.event(&mut to, level)?;
            }
        }
        to.write_char('\n')
    }
}

/// A request that has ended.
fn request(mut fields: Fields, to: &mut Writer<'_>) -> fmt::Result {
    let mut take = |name| fields.take(name).filter(|value| !value.is_empty());
    let status = take("status").unwrap_or_default();
    let colour = colour_of(&status);
    paint(to, colour, &format!(" {status}"))?;
    write!(to, " {} {}", take("method").unwrap_or_default(), take("path").unwrap_or_default())?;
    let took = take("duration_ms").and_then(|took| took.parse::<f64>().ok());
    let took = took.and_then(|took| Duration::try_from_secs_f64(took / 1_000.0).ok());
    paint(to, DIM, &format!(" {}", duration(took.unwrap_or_default())))?;
    match (take("module"), take("script")) {
        (Some(module), _) => write!(to, " {module}")?,
        (None, Some(script)) => write!(to, " script {script}")?,
        (None, None) => {}
    }
    let error = take("error").unwrap_or_default();
    if !error.is_empty() {
        paint(to, colour, &format!(" {error}"))?;
    }
    if let Some(reason) = take("reason") {
        // Some begin with their kind.
        let reason = reason.strip_prefix(&format!("{error}: ")).unwrap_or(&reason);
        paint(to, DIM, &format!(" ({reason})"))?;
    }
    Ok(())
}

/// What a module, a script or a plugin has said, or what is said of it.
fn speech(mut fields: Fields, to: &mut Writer<'_>, level: Level) -> fmt::Result {
    let who = ["module", "script", "plugin"].into_iter().find_map(|kind| fields.take(kind));
    let message = fields.take("message").unwrap_or_default();
    paint(to, DIM, &format!(" {} |", who.unwrap_or_default()))?;
    match level {
        Level::ERROR => paint(to, RED, " ERROR")?,
        Level::WARN => paint(to, YELLOW, " WARN")?,
        _ => {}
    }
    write!(to, " {message}")?;
    match fields.take("stack").filter(|stack| !stack.is_empty()) {
        Some(stack) => write!(to, "\n{}", stack.trim_end()),
        None => Ok(()),
    }
}

/// A time in the unit that suits it.
pub(crate) fn duration(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1_000.0;
    match milliseconds {
        small if small < 9.95 => format!("{small:.1} ms"),
        middle if middle < 999.5 => format!("{middle:.0} ms"),
        large => format!("{:.1} s", large / 1_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::logged;
    use super::*;

    /// What is logged, each line without its time.
    fn lines(events: impl FnOnce()) -> Vec<String> {
        let text = logged(Requests, events);
        text.lines().map(|line| line.split_once("Z ").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn a_request_is_told_with_what_answered_it() {
        let lines = lines(|| {
            tracing::info!(
                target: "mik::access", method = "GET", path = "/run/a/x", status = 200, bytes = 5,
                duration_ms = 1.234, route = "/run/a/*", module = "a", engine = "e", request_id = "7",
                peer = "127.0.0.1:1"
            );
            tracing::info!(
                target: "mik::access", method = "POST", path = "/script/b", status = 500, bytes = 5,
                duration_ms = 1234.5, script = "b", error = "exception", reason = "exception: not a function",
            );
            tracing::info!(
                target: "mik::access", method = "GET", path = "/no", status = 404, bytes = 5,
                duration_ms = 0.04, error = "not-found",
            );
        });
        assert_eq!(lines[0], "200 GET /run/a/x 1.2 ms a");
        assert_eq!(lines[1], "500 POST /script/b 1.2 s script b exception (not a function)");
        assert_eq!(lines[2], "404 GET /no 0.0 ms not-found");
    }

    #[test]
    fn who_speaks_is_named_and_cannot_move_the_cursor() {
        let lines = lines(|| {
            tracing::info!(target: "mik::guest", module = %"a", request_id = "7", stream = "stderr", "hi there");
            tracing::error!(target: "mik::script", script = %"b", "evil \u{1b}[2J");
            tracing::warn!(key = 1, "mik itself");
        });
        assert_eq!(lines[0], "a | hi there");
        assert_eq!(lines[1], "b | ERROR evil \\u{1b}[2J");
        assert_eq!(lines[2], "WARN mik itself key=1");
    }

    #[test]
    fn times_are_short() {
        for (microseconds, expected) in [
            (40, "0.0 ms"),
            (1_250, "1.2 ms"),
            (9_949, "9.9 ms"),
            (9_950, "10 ms"),
            (999_499, "999 ms"),
            (999_500, "1.0 s"),
            (61_000_000, "61.0 s"),
        ] {
            assert_eq!(duration(Duration::from_micros(microseconds)), expected);
        }
    }
}
