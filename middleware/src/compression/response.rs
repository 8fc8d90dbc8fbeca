//! Which responses are compressed, and what that changes in their heads.

use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
};
use mik_core::units::ByteSize;
use mik_core::{Body, Response};

use super::coding::Coding;
use super::{DIGESTS, MediaRange};

/// Which responses are compressed where the client accepts it.
#[derive(Debug)]
pub(super) struct Compressible {
    pub(super) min_size: ByteSize,
    pub(super) types: Vec<MediaRange>,
}

impl Compressible {
    /// Whether `response` is one of them.
    pub(super) fn contains(&self, response: &Response) -> bool {
        // What most responses fail at comes first.
        let headers = response.headers();
        let declared = match Declared::of(headers) {
            Declared::Nothing => response.body().length(),
            Declared::Length(length) => Some(length),
            // Not ours to judge: as it is, it is not sent.
            Declared::Nonsense => return false,
        };
        declared.is_none_or(|length| length >= self.min_size.get().max(1))
            && has_whole_content(response.status())
            && headers.get(CONTENT_TYPE).is_some_and(|given| self.is_of_type(given))
            && !headers.contains_key(CONTENT_ENCODING)
            && !headers.contains_key(CONTENT_RANGE)
            && !has_item(headers, &CACHE_CONTROL, "no-transform")
    }

    fn is_of_type(&self, content_type: &HeaderValue) -> bool {
        self.types.iter().any(|range| range.contains(content_type.as_bytes()))
    }
}

/// What `content-length` says.
enum Declared {
    Nothing,
    Length(u64),
    Nonsense,
}

impl Declared {
    fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_LENGTH).iter();
        match (values.next().map(HeaderValue::as_bytes), values.next()) {
            (None, _) => Self::Nothing,
            (Some(digits), None) if digits.iter().all(u8::is_ascii_digit) => {
                let length = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
                length.map_or(Self::Nonsense, Self::Length)
            }
            _ => Self::Nonsense,
        }
    }
}

/// Says that another client may get this response in another coding.
pub(super) fn vary(headers: &mut HeaderMap) {
    if !has_item(headers, &VARY, "*") && !has_item(headers, &VARY, ACCEPT_ENCODING.as_str()) {
        headers.append(VARY, HeaderValue::from_static(ACCEPT_ENCODING.as_str()));
    }
}

/// Makes the head of a response that of its encoded form, and takes its body.
pub(super) fn encoded(response: &mut Response, coding: Coding) -> Body {
    let body = std::mem::take(response.body_mut());
    let headers = response.headers_mut();
    // Who promised a length is still held to it: what is short must not end like something whole.
    let body = match (body.length(), Declared::of(headers)) {
        (None, Declared::Length(length)) => body.with_length(length),
        _ => body,
    };
    headers.remove(CONTENT_LENGTH);
    // Ranges are of the encoded bytes, which are other ones each time.
    headers.remove(ACCEPT_RANGES);
    DIGESTS.iter().for_each(|digest| drop(headers.remove(digest)));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
    weaken(headers);
    body
}

/// Makes the head of a 304 one that fits what the client has (RFC 9110, 15.4.5): a response that was encoded
/// here, unless whoever made it may have chosen the coding and the client knows no weak tag.
pub(super) fn unchanged(headers: &mut HeaderMap, has_weak: bool) {
    let is_chosen = has_item(headers, &VARY, ACCEPT_ENCODING.as_str());
    if (has_weak || !is_chosen) && !has_item(headers, &CACHE_CONTROL, "no-transform") {
        vary(headers);
        weaken(headers);
    }
}

/// Whether a request holds the weak tag of a response that its client has.
pub(super) fn names_weak_tag(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter();
    lines.flat_map(|line| line.as_bytes().windows(3)).any(|three| three == b"W/\"")
}

/// A strong validator is that of other bytes (RFC 9110, 8.8.3).
fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(ETAG).map(HeaderValue::as_bytes) else { return };
    if tag.starts_with(b"W/") {
        return;
    }
    let weak = tag.starts_with(b"\"").then(|| HeaderValue::from_bytes(&[b"W/", tag].concat()));
    match weak {
        Some(Ok(weak)) => drop(headers.insert(ETAG, weak)),
        _ => drop(headers.remove(ETAG)),
    }
}

/// Whether a response of that status has content, and all of it.
fn has_whole_content(status: StatusCode) -> bool {
    !status.is_informational()
        && !matches!(
            status,
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        )
}

/// Whether a field that is a list has this item.
fn has_item(headers: &HeaderMap, field: &HeaderName, item: &str) -> bool {
    let lines = headers.get_all(field).iter();
    let mut items = lines.flat_map(|line| line.as_bytes().split(|b| *b == b','));
    items.any(|it| it.trim_ascii().eq_ignore_ascii_case(item.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn a_304_fits_the_response_that_was_encoded() {
        for (lines, known, tag, varies) in [
            (&[("etag", "\"a\"")][..], "\"a\"", "W/\"a\"", true),
            (&[("etag", "W/\"a\"")], "\"b\", W/\"a\"", "W/\"a\"", true),
            // Its maker may have a form of its own for each coding.
            (&[("etag", "\"a\""), ("vary", "accept-encoding")], "\"a\"", "\"a\"", true),
            (&[("etag", "\"a\""), ("vary", "accept-encoding")], "W/\"a\"", "W/\"a\"", true),
            (&[("etag", "\"a\""), ("cache-control", "no-transform")], "W/\"a\"", "\"a\"", false),
        ] {
            let mut fields = headers(lines);
            unchanged(&mut fields, names_weak_tag(&headers(&[("if-none-match", known)])));
            assert_eq!(fields[ETAG], tag, "{lines:?}");
            assert_eq!(fields.contains_key(VARY), varies, "{lines:?}");
        }
    }

    #[test]
    fn vary_is_added_to_what_is_there_once() {
        for (before, after) in [
            (&[][..], &["accept-encoding"][..]),
            (&["origin"], &["origin", "accept-encoding"]),
            (&["origin, Accept-Encoding"], &["origin, Accept-Encoding"]),
            (&["origin", "accept-encoding"], &["origin", "accept-encoding"]),
            (&["*"], &["*"]),
            (&["origin, *"], &["origin, *"]),
            (&["x-accept-encoding"], &["x-accept-encoding", "accept-encoding"]),
        ] {
            let fields: Vec<_> = before.iter().map(|value| ("vary", *value)).collect();
            let mut headers = headers(&fields);
            vary(&mut headers);
            assert_eq!(headers.get_all(VARY).iter().collect::<Vec<_>>(), after);
        }
    }

    #[test]
    fn a_strong_validator_becomes_a_weak_one() {
        for (before, after) in [
            ("\"abc\"", Some("W/\"abc\"")),
            ("\"\"", Some("W/\"\"")),
            ("W/\"abc\"", Some("W/\"abc\"")),
            ("abc", None),
        ] {
            let mut headers = headers(&[("etag", before)]);
            weaken(&mut headers);
            assert_eq!(headers.get(ETAG).map(|tag| tag.to_str().unwrap()), after);
        }
    }

    #[test]
    fn a_directive_is_found_wherever_it_stands() {
        for (lines, found) in [
            (&[("cache-control", "no-transform")][..], true),
            (&[("cache-control", "public, No-Transform ,max-age=1")], true),
            (&[("cache-control", "public"), ("cache-control", "no-transform")], true),
            (&[("cache-control", "no-transforms, public")], false),
            (&[("vary", "no-transform")], false),
        ] {
            assert_eq!(has_item(&headers(lines), &CACHE_CONTROL, "no-transform"), found);
        }
    }
}
