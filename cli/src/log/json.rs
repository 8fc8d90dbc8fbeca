//! The log for programs: one JSON object for each event.
//!
//! ```json
//! {"timestamp":"2026-01-31T12:01:27.910482Z","level":"INFO","message":"loaded","module":"hello","target":"mik_core"}
//! ```
//!
//! An access line is written for each request, so this is part of the request's path: what is written goes
//! straight into the line.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Formatted};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Bytes of a line's buffer that are kept for the next one.
const KEPT: usize = 16 << 10;

/// Writes events for programs.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
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
        thread_local! {
            /// Where a line is put together: cheaper than through the layers of a writer.
            static LINE: RefCell<String> = const { RefCell::new(String::new()) };
        }
        let metadata = event.metadata();
        // A value that logs while it is being written finds the line taken.
        let mut line = LINE.take();
        line.clear();
        line.push_str("{\"timestamp\":\"");
        timestamp(&mut line);
        line.push_str("\",\"level\":\"");
        line.push_str(metadata.level().as_str());
        line.push('"');
        event.record(&mut Fields(&mut line));
        line.push_str(",\"target\":");
        text(&mut line, metadata.target());
        line.push_str("}\n");
        let written = to.write_str(&line);
        line.shrink_to(KEPT);
        LINE.set(line);
        written
    }
}

/// The time now as RFC 3339 has it, to the microsecond.
pub(super) fn timestamp(to: &mut String) {
    thread_local! {
        /// The second that was written last, and its text.
        static LAST: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LAST.with_borrow_mut(|(second, text)| {
        let mut at = now();
        while *second != at.as_secs() {
            *second = at.as_secs();
            text.clear();
            // Writing to a string does not fail.
            let _ = Formatted.format_time(&mut Writer::new(text));
            // Up to the point before the fraction.
            text.truncate("2026-01-31T12:01:27".len());
            // If the second ended meanwhile, the text may be that of the next one.
            at = now();
        }
        to.push_str(text);
        to.push('.');
        fraction(to, at.subsec_micros(), 6);
        to.push('Z');
    });
}

/// The last `width` decimal digits of `number`, at most 6.
fn fraction(to: &mut String, number: u32, width: usize) {
    let mut digits = [b'0'; 6];
    let mut rest = number;
    for digit in digits[..width].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    to.push_str(std::str::from_utf8(&digits[..width]).unwrap_or_default());
}

/// A number with at most three decimal places, such as milliseconds; says whether it is one. Every access
/// line has one, and the shortest form of any number takes ten times as long to find.
fn thousandths(to: &mut String, value: f64) -> bool {
    /// Up to here a thousandth is told apart by any `f64`.
    const MOST: f64 = 1e9;
    let scaled = (value * 1_000.0).round();
    if !(0.0..MOST).contains(&value) || scaled / 1_000.0 != value {
        return false;
    }
    let scaled = scaled as u64;
    to.push_str(itoa::Buffer::new().format(scaled / 1_000));
    match (scaled % 1_000) as u32 {
        0 => {}
        rest if rest % 100 == 0 => {
            to.push('.');
            fraction(to, rest / 100, 1);
        }
        rest if rest % 10 == 0 => {
            to.push('.');
            fraction(to, rest / 10, 2);
        }
        rest => {
            to.push('.');
            fraction(to, rest, 3);
        }
    }
    true
}

/// Writes each field behind what is there.
struct Fields<'a>(&'a mut String);

impl Fields<'_> {
    fn name(&mut self, field: &Field) {
        self.0.push_str(",\"");
        self.0.push_str(field.name());
        self.0.push_str("\":");
    }

    fn integer(&mut self, field: &Field, value: impl itoa::Integer) {
        self.name(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.name(field);
        if !thousandths(self.0, value) {
            match value.is_finite() {
                true => drop(write!(self.0, "{value}")),
                false => self.0.push_str("null"),
            }
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.integer(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.integer(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        self.0.push_str(if value { "true" } else { "false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        text(self.0, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.name(field);
        self.0.push('"');
        let _ = write!(Escaped(self.0), "{value:?}");
        self.0.push('"');
    }
}

fn text(to: &mut String, text: &str) {
    to.push('"');
    escape(to, text);
    to.push('"');
}

/// Text within a JSON string (RFC 8259, 7).
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

fn escape(to: &mut String, text: &str) {
    // Nearly no text has anything to escape.
    if is_plain(text.as_bytes()) {
        return to.push_str(text);
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_special) {
        to.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => to.push_str("\\\""),
            b'\\' => to.push_str("\\\\"),
            b'\n' => to.push_str("\\n"),
            b'\t' => to.push_str("\\t"),
            b => {
                let _ = write!(to, "\\u{b:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    to.push_str(rest);
}

fn is_special(b: u8) -> bool {
    b < 0x20 || matches!(b, b'"' | b'\\' | 0x7f)
}

/// Whether no byte is special, looked at by eights: every text of every line passes here.
fn is_plain(text: &[u8]) -> bool {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    /// Has the highest bit of some byte set where one is below `limit`, which is at most 0x80. What a borrow
    /// marks beyond that lies above such a byte.
    const fn below(eight: u64, limit: u8) -> u64 {
        eight.wrapping_sub(each(limit)) & !eight & each(0x80)
    }
    let (eights, rest) = text.as_chunks::<8>();
    let found = eights.iter().fold(0, |found, eight| {
        let eight = u64::from_ne_bytes(*eight);
        let same = |byte| below(eight ^ each(byte), 1);
        found | below(eight, 0x20) | same(b'"') | same(b'\\') | same(0x7f)
    });
    found == 0 && !rest.iter().any(|b| is_special(*b))
}

#[cfg(test)]
mod tests {
    use super::super::tests::logged;
    use super::*;

    fn parsed(events: impl FnOnce()) -> serde_json::Value {
        let text = logged(Json, events);
        serde_json::from_str(text.trim_end()).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn an_event_is_an_object() {
        let line = parsed(|| {
            tracing::warn!(target: "x", count = 3, negative = -1, ratio = 0.5, nan = f64::NAN, yes = true, id = %7, "hi");
        });
        let expected = serde_json::json!({
            "timestamp": line["timestamp"], "level": "WARN", "target": "x", "message": "hi",
            "count": 3, "negative": -1, "ratio": 0.5, "nan": null, "yes": true, "id": "7",
        });
        assert_eq!(line, expected);
        let time = line["timestamp"].as_str().unwrap();
        assert_eq!((time.len(), &time[10..11], &time[26..]), (27, "T", "Z"), "{time}");
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        for value in [
            0.0,
            1.0,
            0.001,
            0.25,
            12.5,
            999.999,
            1e8 + 0.125,
            1e9,
            0.1 + 0.2,
            1.0 / 3.0,
            -0.5,
            1e300,
        ] {
            let line = parsed(|| tracing::info!(value));
            assert_eq!(line["value"].as_f64(), Some(value));
        }
        let mut text = String::new();
        assert!(thousandths(&mut text, 7.05));
        assert_eq!(text, "7.05");
    }

    #[test]
    fn every_special_byte_is_seen_wherever_it_stands() {
        for byte in 0..=127_u8 {
            for at in 0..19 {
                let mut text = *b"plain \xc3\xa4 text, 19 b";
                text[at] = byte;
                assert_eq!(is_plain(&text[..19]), !is_special(byte), "{byte} at {at}");
            }
        }
        assert!(is_plain("\u{80}\u{ff}\u{20ac}\u{1f600}".as_bytes()));
    }

    #[test]
    fn any_text_is_a_valid_string() {
        let evil = "\"\\\n\r\t\u{0}\u{1b}[2J\u{7f}ä\u{2028}";
        let line = parsed(|| tracing::info!(text = evil, shown = %evil, "{evil}"));
        for key in ["text", "shown", "message"] {
            assert_eq!(line[key], evil);
        }
        let raw = logged(Json, || tracing::info!(text = evil, "x"));
        assert!(!raw.trim_end().chars().any(char::is_control), "{raw:?}");
    }
}
