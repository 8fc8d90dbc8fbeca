//! What decides where a message ends, and what concerns one connection only. Written once, for requests
//! that come in, for those that go out, and for both kinds of response.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName};

/// Tells a guest under which prefix it was reached. Only the host says so.
pub(crate) const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// What concerns one connection only (RFC 9110, 7.6.1 and 11.7), beside what `connection` names.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "proxy-authenticate",
    "proxy-authorization",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
];

/// Removes the fields that concern one connection only, also those that `connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // Few messages have any, and to look through a handful of names is cheaper than nine lookups.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(&name.as_str())) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // A crafted `connection: content-length` must not change where the message ends.
        .filter(|name| *name != CONTENT_LENGTH && *name != HOST)
        .collect();
    for name in named.iter().map(HeaderName::as_str).chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// The one `content-length`, if there is one.
pub(crate) fn content_length(headers: &HeaderMap) -> Result<Option<u64>, &'static str> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            digits(value.as_bytes()).map(Some).ok_or("content-length is not a number")
        }
        _ => Err("more than one content-length"),
    }
}

/// A number as HTTP writes lengths: digits and nothing else (RFC 9110, 8.6).
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(field).fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
    }

    #[test]
    fn fields_of_the_connection_are_stripped() {
        let mut map = headers(&[
            ("connection", "keep-alive, x-secret"),
            ("connection", "content-length"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("content-length", "3"),
            ("x-kept", "1"),
        ]);
        strip_hop_by_hop(&mut map);
        let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "x-kept"]);
    }

    #[test]
    fn a_length_is_one_number_of_digits() {
        assert_eq!(content_length(&headers(&[])), Ok(None));
        assert_eq!(content_length(&headers(&[("content-length", "3")])), Ok(Some(3)));
        for bad in ["+3", "3,3", "0x3", "-1", "", "1_0", "99999999999999999999"] {
            assert!(content_length(&headers(&[("content-length", bad)])).is_err(), "{bad}");
        }
        let two = headers(&[("content-length", "3"), ("content-length", "3")]);
        assert!(content_length(&two).is_err());
    }
}
