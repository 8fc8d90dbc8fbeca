//! Lines for the log of the host, through standard error.

use std::fmt::{Arguments, Write as _};
use std::io::Write as _;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// Something worth knowing.
    Info,
    /// For whoever looks for a mistake.
    Debug,
    /// Every step.
    Trace,
}

impl Level {
    /// The word that a line begins with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

/// Writes one line; the macro `log!` calls this. A line that cannot be written is lost.
pub fn write(level: Level, text: Arguments<'_>) {
    let mut message = String::new();
    // A formatter of the caller's may fail; what it wrote before is logged.
    let _ = message.write_fmt(text);
    write_text(level, &message);
}

/// Writes one line, as it is but for its line breaks.
pub(crate) fn write_text(level: Level, text: &str) {
    let line = line(level, text);
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// One line, however many the text has.
fn line(level: Level, text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 7);
    line.push_str(level.as_str());
    line.push(' ');
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            other => line.push(other),
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::{line, Level};

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(line(Level::Info, "a\nb\r\nc"), "INFO a\\nb\\r\\nc\n");
        assert_eq!(line(Level::Error, ""), "ERROR \n");
    }
}
