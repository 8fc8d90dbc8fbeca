//! Text of others, made harmless for those who read it.

use std::borrow::Cow;

/// The text with each character that is `harmful` escaped, as Rust writes it in a string: `\u{1b}`, `\n`.
pub fn escape<'a>(text: impl Into<Cow<'a, str>>, harmful: impl Fn(char) -> bool) -> Cow<'a, str> {
    let text = text.into();
    // Nearly no text has any.
    if !text.contains(&harmful) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if harmful(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped.into()
}

/// Whether a character in text of several lines moves a terminal's cursor, or does worse: a control character that is
/// no line end.
pub fn moves_cursor(c: char) -> bool {
    c.is_control() && c != '\n'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_harmful_is_escaped() {
        let escaped = escape("a\n\u{1b}[2J\tb\u{7f}é", moves_cursor);
        assert_eq!(escaped, "a\n\\u{1b}[2J\\tb\\u{7f}é");
        assert_eq!(escape("a\nb", char::is_control), "a\\nb");
        assert!(matches!(escape("a\nb", moves_cursor), Cow::Borrowed(_)));
    }
}
