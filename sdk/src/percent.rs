//! Percent-encoding (RFC 3986, section 2.1).

use std::borrow::Cow;

/// The text behind percent signs. `None`: a percent sign without two digits, or bytes that are no text.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Writes a text so that it is one name or value of a query or a form (the section "application/x-www-form-urlencoded" of the
/// URL standard).
pub(crate) fn encode_form(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => {
                out.push('%');
                out.push(hexadecimal(other >> 4));
                out.push(hexadecimal(other & 15));
            }
        }
    }
}

pub(crate) fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn hexadecimal(digit: u8) -> char {
    char::from(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_strictly() {
        assert_eq!(decode("a+b").as_deref(), Some("a+b"));
        assert_eq!(decode("%C3%bc%2F").as_deref(), Some("ü/"));
        for bad in ["%", "%2", "%zz", "%C3", "a%FFb", "%+1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        let text = "a b&c=d%é\u{1f600}\n*-._~+";
        let mut encoded = String::new();
        encode_form(text, &mut encoded);
        assert_eq!(encoded, "a+b%26c%3Dd%25%C3%A9%F0%9F%98%80%0A*-._%7E%2B");
        assert_eq!(crate::text::decoded(&encoded, true), text);
    }
}
