//! Ranges: RFC 9110, section 14.

use http::header::RANGE;
use http::{HeaderMap, HeaderValue};

/// What of a representation is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// All of it.
    Whole,
    /// The bytes from `first` to `last`, both included.
    Part { first: u64, last: u64 },
    /// Nothing: the range lies past the end.
    Unsatisfiable,
}

impl Range {
    /// What a GET with these headers asks of a representation of `length` bytes.
    ///
    /// One range of bytes is granted. Whatever else there may be is ignored, as section 14.2 allows: other
    /// units, what is malformed, and several ranges at once, which cost more than they are worth.
    pub(super) fn of(headers: &HeaderMap, length: u64) -> Self {
        let mut values = headers.get_all(RANGE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Self::Whole };
        match value.to_str().ok().and_then(Spec::parse) {
            None => Self::Whole,
            Some(Spec::Last(bytes)) => match bytes.min(length) {
                _ if bytes == 0 => Self::Unsatisfiable,
                // All of nothing.
                0 => Self::Whole,
                bytes => Self::Part { first: length - bytes, last: length - 1 },
            },
            Some(Spec::From(first, _)) if first >= length => Self::Unsatisfiable,
            Some(Spec::From(first, last)) => Self::Part { first, last: last.min(length - 1) },
        }
    }

    /// `content-range`, where the answer has one.
    pub(super) fn told(self, length: u64) -> Option<HeaderValue> {
        let text = match self {
            Self::Whole => return None,
            Self::Part { first, last } => format!("bytes {first}-{last}/{length}"),
            Self::Unsatisfiable => format!("bytes */{length}"),
        };
        HeaderValue::try_from(text).ok()
    }
}

/// One range as a client writes it.
enum Spec {
    /// `first-` and `first-last`.
    From(u64, u64),
    /// `-bytes`.
    Last(u64),
}

impl Spec {
    fn parse(text: &str) -> Option<Self> {
        let (unit, range) = text.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
        match (first, last) {
            ("", bytes) => number(bytes).map(Self::Last),
            (first, "") => Some(Self::From(number(first)?, u64::MAX)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, last))
            }
        }
    }
}

/// Digits and nothing else. What does not fit is past the end of any file.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Range::{Part, Unsatisfiable, Whole};
    use super::*;

    fn range(value: &str, length: u64) -> Range {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(value).unwrap());
        Range::of(&headers, length)
    }

    #[test]
    fn one_range_is_granted() {
        for (value, expected) in [
            ("bytes=0-0", Part { first: 0, last: 0 }),
            ("bytes=0-9", Part { first: 0, last: 9 }),
            ("bytes=3-5", Part { first: 3, last: 5 }),
            ("BYTES = 3-5 ", Part { first: 3, last: 5 }),
            ("bytes=3-", Part { first: 3, last: 9 }),
            ("bytes=9-", Part { first: 9, last: 9 }),
            ("bytes=3-100", Part { first: 3, last: 9 }),
            ("bytes=3-99999999999999999999999", Part { first: 3, last: 9 }),
            ("bytes=-1", Part { first: 9, last: 9 }),
            ("bytes=-10", Part { first: 0, last: 9 }),
            ("bytes=-99999999999999999999999", Part { first: 0, last: 9 }),
            ("bytes=10-", Unsatisfiable),
            ("bytes=10-20", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
        ] {
            assert_eq!(range(value, 10), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-3",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes=0x1-2",
            "bytes=--1",
            "bytes=1 - 2",
            "bytes=0-0,5-6",
            "bytes=0-0,",
            "items=0-1",
            "bytes 0-1",
            "bytes=1.0-2",
        ] {
            assert_eq!(range(value, 10), Whole, "{value}");
        }
        let many = format!("bytes={}", vec!["0-9"; 1_000].join(","));
        assert_eq!(range(&many, 10), Whole);
        let mut twice = HeaderMap::new();
        twice.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        twice.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        assert_eq!(Range::of(&twice, 10), Whole);
    }

    #[test]
    fn an_empty_file_has_no_parts() {
        assert_eq!(range("bytes=0-", 0), Unsatisfiable);
        assert_eq!(range("bytes=-5", 0), Whole);
        assert_eq!(range("bytes=-0", 0), Unsatisfiable);
    }

    #[test]
    fn it_is_told_where_a_part_lies() {
        assert_eq!(Whole.told(10), None);
        assert_eq!(Part { first: 3, last: 5 }.told(10).unwrap(), "bytes 3-5/10");
        assert_eq!(Unsatisfiable.told(10).unwrap(), "bytes */10");
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_file(value in "bytes=[0-9,-]{0,24}", length in any::<u64>()) {
            if let Part { first, last } = range(&value, length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
