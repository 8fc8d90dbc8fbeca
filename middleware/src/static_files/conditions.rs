//! Conditional requests: RFC 9110, section 13.

use std::time::SystemTime;

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What the preconditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They hold, or there are none.
    Go,
    /// The client has it already: 304.
    NotModified,
    /// 412.
    Failed,
}

/// What a representation is compared by.
#[derive(Debug, Clone)]
pub(super) struct Validators {
    /// A strong entity tag.
    pub(super) tag: HeaderValue,
    /// Whole seconds.
    pub(super) modified: Option<SystemTime>,
}

impl Validators {
    /// Evaluates the preconditions of a GET or HEAD, in the order of section 13.2.2.
    pub(super) fn check(&self, headers: &HeaderMap) -> Verdict {
        if headers.contains_key(IF_MATCH) {
            if !self.matches(headers, &IF_MATCH, Comparison::Strong) {
                return Verdict::Failed;
            }
        } else if let (Some(limit), Some(modified)) =
            (date(headers, &IF_UNMODIFIED_SINCE), self.modified)
            && modified > limit
        {
            return Verdict::Failed;
        }
        let is_known = if headers.contains_key(IF_NONE_MATCH) {
            self.matches(headers, &IF_NONE_MATCH, Comparison::Weak)
        } else {
            let since = date(headers, &IF_MODIFIED_SINCE);
            since.zip(self.modified).is_some_and(|(since, modified)| modified <= since)
        };
        if is_known { Verdict::NotModified } else { Verdict::Go }
    }

    /// Whether `if-range` lets a range through. A date never does: two versions may lie within its second, and
    /// a client that has the tag must send that (section 13.1.5).
    pub(super) fn allow_range(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(IF_RANGE).iter();
        match (values.next(), values.next()) {
            (None, _) => true,
            (Some(tag), None) => *tag == self.tag,
            _ => false,
        }
    }

    fn matches(&self, headers: &HeaderMap, name: &HeaderName, by: Comparison) -> bool {
        headers.get_all(name).iter().any(|value| match value.as_bytes().trim_ascii() {
            b"*" => true,
            list => Tags(list).any(|tag| match (tag, by) {
                (Tag { is_weak: true, .. }, Comparison::Strong) => false,
                (Tag { opaque, .. }, _) => opaque == self.tag.as_bytes(),
            }),
        })
    }
}

#[derive(Clone, Copy)]
enum Comparison {
    Strong,
    Weak,
}

/// An entity tag, quotes included.
struct Tag<'a> {
    opaque: &'a [u8],
    is_weak: bool,
}

/// The tags of a list, up to the first that is none.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let start = self.0.iter().position(|byte| !b" \t,".contains(byte))?;
        let list = &self.0[start..];
        let (is_weak, list) = match list.strip_prefix(b"W/") {
            Some(list) => (true, list),
            None => (false, list),
        };
        self.0 = &[];
        let inner = list.strip_prefix(b"\"")?;
        let end = inner.iter().position(|byte| *byte == b'"')? + 2;
        self.0 = &list[end..];
        Some(Tag { opaque: &list[..end], is_weak })
    }
}

/// The one date of a field; `None` where it is none, which counts as absent.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => httpdate::parse_http_date(value.to_str().ok()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

    fn validators() -> Validators {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        Validators { tag: HeaderValue::from_static("\"a,b\""), modified: Some(modified) }
    }

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_order_is_that_of_the_rfc() {
        use Verdict::{Failed, Go, NotModified};
        let cases: &[(&[(&'static str, &'static str)], Verdict)] = &[
            (&[], Go),
            // 13.1.1: strong comparison.
            (&[("if-match", "\"a,b\"")], Go),
            (&[("if-match", "*")], Go),
            (&[("if-match", "\"x\", \"a,b\"")], Go),
            (&[("if-match", "\"x\""), ("if-match", "\"a,b\"")], Go),
            (&[("if-match", "W/\"a,b\"")], Failed),
            (&[("if-match", "\"x\"")], Failed),
            (&[("if-match", "")], Failed),
            (&[("if-match", "a,b")], Failed),
            (&[("if-match", "\"a,b")], Failed),
            // 13.1.2: weak comparison.
            (&[("if-none-match", "\"a,b\"")], NotModified),
            (&[("if-none-match", "W/\"a,b\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", ",, \"x\"\t, W/\"a,b\" ")], NotModified),
            (&[("if-none-match", "\"a\"")], Go),
            (&[("if-none-match", "\"x\"")], Go),
            (&[("if-none-match", "w/\"a,b\"")], Go),
            (&[("if-none-match", "junk, \"a,b\"")], Go),
            // 13.1.3 and 13.1.4.
            (&[("if-modified-since", AT)], NotModified),
            (&[("if-modified-since", AFTER)], NotModified),
            (&[("if-modified-since", BEFORE)], Go),
            (&[("if-modified-since", "yesterday")], Go),
            (&[("if-modified-since", AT), ("if-modified-since", AT)], Go),
            (&[("if-unmodified-since", AT)], Go),
            (&[("if-unmodified-since", AFTER)], Go),
            (&[("if-unmodified-since", BEFORE)], Failed),
            (&[("if-unmodified-since", "0")], Go),
            // 13.2.2: a tag goes before a date, and what fails before what is not modified.
            (&[("if-match", "\"a,b\""), ("if-unmodified-since", BEFORE)], Go),
            (&[("if-match", "\"x\""), ("if-none-match", "\"a,b\"")], Failed),
            (&[("if-match", "\"a,b\""), ("if-none-match", "\"a,b\"")], NotModified),
            (&[("if-unmodified-since", BEFORE), ("if-none-match", "\"a,b\"")], Failed),
            (&[("if-none-match", "\"x\""), ("if-modified-since", AT)], Go),
            (&[("if-none-match", "\"a,b\""), ("if-modified-since", BEFORE)], NotModified),
        ];
        for (fields, verdict) in cases {
            assert_eq!(validators().check(&headers(fields)), *verdict, "{fields:?}");
        }
    }

    #[test]
    fn without_a_date_there_is_nothing_to_compare_with() {
        let validators = Validators { modified: None, ..validators() };
        for field in ["if-modified-since", "if-unmodified-since"] {
            assert_eq!(validators.check(&headers(&[(field, AT)])), Verdict::Go);
        }
    }

    #[test]
    fn a_range_needs_the_same_strong_tag() {
        for (fields, allowed) in [
            (&[][..], true),
            (&[("if-range", "\"a,b\"")], true),
            (&[("if-range", "W/\"a,b\"")], false),
            (&[("if-range", "\"x\"")], false),
            (&[("if-range", AT)], false),
            (&[("if-range", "")], false),
            (&[("if-range", "\"a,b\""), ("if-range", "\"a,b\"")], false),
        ] {
            assert_eq!(validators().allow_range(&headers(fields)), allowed, "{fields:?}");
        }
    }
}
