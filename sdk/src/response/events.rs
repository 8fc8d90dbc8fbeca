//! Server-sent events.

use std::time::Duration;

/// One server-sent event (the section "Server-sent events" of the HTML standard).
///
/// ```
/// use mik_sdk::response::Event;
/// use mik_sdk::{time, Response};
/// use std::time::Duration;
///
/// let ticks = (0..3).map(|n| {
///     time::sleep(Duration::from_secs(1));
///     Event::new("tick").name("clock").id(if n == 0 { "first" } else { "later" })
/// });
/// let response = Response::events(ticks);
/// ```
#[derive(Debug, Clone)]
pub struct Event(String);

impl Event {
    /// With this text, of any number of lines.
    pub fn new(data: &str) -> Self {
        let mut event = Self(String::with_capacity(data.len() + 16));
        for line in lines(data) {
            event.push("data", line);
        }
        event
    }

    /// A line that browsers ignore; it keeps an idle connection open.
    pub fn comment(text: &str) -> Self {
        let mut event = Self(String::new());
        for line in lines(text) {
            event.push("", line);
        }
        event
    }

    /// Of a kind of its own; without a name, `message`. Line breaks are left out.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.push("event", name);
        self
    }

    /// With an id, which a browser that comes back sends in `last-event-id`. Line breaks are left out.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.push("id", id);
        self
    }

    /// How long a browser is to wait before it comes back.
    #[must_use]
    pub fn retry(mut self, after: Duration) -> Self {
        self.push("retry", &after.as_millis().to_string());
        self
    }

    fn push(&mut self, field: &str, value: &str) {
        self.0.push_str(field);
        self.0.push_str(": ");
        self.0.extend(value.chars().filter(|character| !matches!(character, '\n' | '\r' | '\0')));
        self.0.push('\n');
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.0.push('\n');
        self.0.into_bytes()
    }
}

/// A line ends with LF, CR, or both.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: Event) -> String {
        String::from_utf8(event.into_bytes()).unwrap()
    }

    #[test]
    fn an_event_is_written_as_browsers_read_it() {
        let event = Event::new("a\nb\r\nc\rd").name("n\nx").id("7").retry(Duration::from_secs(2));
        assert_eq!(
            written(event),
            "data: a\ndata: b\ndata: c\ndata: d\nevent: nx\nid: 7\nretry: 2000\n\n"
        );
        assert_eq!(written(Event::new("")), "data: \n\n");
        assert_eq!(written(Event::comment("idle")), ": idle\n\n");
    }
}
