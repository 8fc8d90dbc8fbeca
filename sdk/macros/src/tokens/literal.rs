//! Names and literals.

use proc_macro::{Delimiter, Ident, Span, TokenTree};

/// The value of a string literal, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) span: Span,
}

/// The name of an identifier; that of `r#type` is `type`.
pub(crate) fn name_of(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// The only token of a group without delimiters, which is how a macro hands on what it was given.
pub(crate) fn unwrapped(token: &TokenTree) -> TokenTree {
    if let TokenTree::Group(group) = token {
        let mut inside = group.stream().into_iter();
        if let (Delimiter::None, Some(only), None) =
            (group.delimiter(), inside.next(), inside.next())
        {
            return unwrapped(&only);
        }
    }
    token.clone()
}

/// The value of a token that is a string literal.
pub(crate) fn string_value(token: &TokenTree) -> Option<Text> {
    let TokenTree::Literal(literal) = unwrapped(token) else { return None };
    let value = unquoted(&literal.to_string())?;
    Some(Text { value, span: literal.span() })
}

/// The value of a string literal as it is written in Rust. `None`: it is another kind of literal.
fn unquoted(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('r') {
        let inside = raw.trim_start_matches('#').strip_prefix('"')?;
        return Some(inside.trim_end_matches('#').strip_suffix('"')?.to_owned());
    }
    let inside = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next()? {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            '0' => value.push('\0'),
            'x' => value.push(char::from_u32(hexadecimal(characters.by_ref().take(2))?)?),
            'u' => {
                characters.next();
                let digits = characters.by_ref().take_while(|&c| c != '}').filter(|&c| c != '_');
                value.push(char::from_u32(hexadecimal(digits)?)?);
            }
            // The line goes on after the blanks.
            '\n' => characters = characters.as_str().trim_start().chars(),
            same => value.push(same),
        }
    }
    Some(value)
}

fn hexadecimal(digits: impl Iterator<Item = char>) -> Option<u32> {
    let mut value = 0_u32;
    for digit in digits {
        value = value.checked_mul(16)?.checked_add(digit.to_digit(16)?)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn string_literals_have_the_value_that_rust_gives_them() {
        assert_eq!(
            unquoted(r#""a\n\t\\\"\'\0\x41\u{1_F600}b""#).as_deref(),
            Some("a\n\t\\\"'\0A\u{1F600}b")
        );
        assert_eq!(unquoted("\"a\\\n   b\"").as_deref(), Some("ab"));
        assert_eq!(unquoted(r##"r#"a\n"b"#"##).as_deref(), Some("a\\n\"b"));
        assert_eq!(unquoted("b\"a\""), None);
        assert_eq!(unquoted("1"), None);
        assert_eq!(unquoted("'a'"), None);
    }
}
