//! JSON as a module.

use serde::de::IgnoredAny;

use super::SourceError;
use super::report::{Place, Report};

/// A module whose default export is what `text` says; `name` is for messages.
///
/// `JSON.parse` makes `__proto__` a key like any other, which an object literal would not.
pub(super) fn module(name: &str, text: &str) -> Result<String, SourceError> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(SourceError::Syntax(report(name, text, &error)));
    }
    Ok(format!("export default JSON.parse({});", quoted(text)))
}

fn report(name: &str, text: &str, error: &serde_json::Error) -> Report {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let message = message.trim_end_matches(&format!(" at line {line} column {column}"));
    let line_start: usize =
        text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    // The column counts bytes, from 1; it is 0 at the very beginning of a line.
    let place = Place::of_byte(text, line_start + column.saturating_sub(1));
    Report::new(name, format!("not JSON: {message}")).at(place)
}

/// A string literal of JavaScript.
fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + text.len() / 8 + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            // Ends a line, and with it the string, for readers older than ES2019.
            '\u{2028}' => literal.push_str("\\u2028"),
            '\u{2029}' => literal.push_str("\\u2029"),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}
