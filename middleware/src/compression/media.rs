//! Media types that are worth compressing.

use std::fmt;
use std::str::FromStr;

use mik_core::values::Checked;

/// Media types: `application/json`, all of one kind as in `text/*`, all of one syntax as in `+json`, or
/// `*/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRange(Range);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Range {
    All,
    /// With its slash.
    Kind(String),
    /// With its plus sign.
    Syntax(String),
    One(String),
}

/// What is compressed unless said otherwise.
const DEFAULT: [&str; 22] = [
    "text/*",
    "+json",
    "+xml",
    "+text",
    "+yaml",
    "application/json",
    "application/json-seq",
    "application/jsonl",
    "application/x-ndjson",
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "application/yaml",
    "application/toml",
    "application/wasm",
    "application/rtf",
    "application/vnd.ms-fontobject",
    "font/ttf",
    "font/otf",
    "font/collection",
    "image/bmp",
    "image/x-icon",
];

impl MediaRange {
    /// What is compressed unless said otherwise: text, JSON, XML (SVG among it), JavaScript, WebAssembly,
    /// and fonts and images that are not compressed by themselves.
    pub fn compressible() -> Vec<Self> {
        DEFAULT.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Whether the value of a `content-type` is in it.
    pub(super) fn contains(&self, content_type: &[u8]) -> bool {
        let end = content_type.iter().position(|b| *b == b';').unwrap_or(content_type.len());
        let given = content_type[..end].trim_ascii();
        match &self.0 {
            Range::All => true,
            Range::Kind(kind) => {
                given.get(..kind.len()).is_some_and(|it| it.eq_ignore_ascii_case(kind.as_bytes()))
            }
            Range::Syntax(syntax) => {
                let start = given.len().saturating_sub(syntax.len());
                given[start..].eq_ignore_ascii_case(syntax.as_bytes())
            }
            Range::One(one) => given.eq_ignore_ascii_case(one.as_bytes()),
        }
    }
}

impl FromStr for MediaRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The characters of RFC 6838, 4.2.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(plain);
        let range = match text.split_once('/') {
            Some(("*", "*")) => Some(Range::All),
            Some((kind, "*")) if is_name(kind) => Some(Range::Kind(format!("{kind}/"))),
            Some((kind, rest)) if is_name(kind) && is_name(rest) => Some(Range::One(text.into())),
            None if text.strip_prefix('+').is_some_and(is_name) => Some(Range::Syntax(text.into())),
            _ => None,
        };
        range.map(Self).ok_or_else(|| format!("{text:?} is not {}", Self::EXPECTED))
    }
}

impl Checked for MediaRange {
    const EXPECTED: &'static str =
        "a media type, such as \"application/json\", \"text/*\" or \"+json\"";
    const PATTERN: &'static str =
        r"^(\*/\*|\+[A-Za-z0-9!#$&^_.+-]+|[A-Za-z0-9!#$&^_.+-]+/(\*|[A-Za-z0-9!#$&^_.+-]+))$";
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Range::All => f.write_str("*/*"),
            Range::Kind(kind) => write!(f, "{kind}*"),
            Range::Syntax(text) | Range::One(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_compressible(content_type: &str) -> bool {
        MediaRange::compressible().iter().any(|range| range.contains(content_type.as_bytes()))
    }

    #[test]
    fn every_default_reads() {
        let ranges = MediaRange::compressible();
        assert_eq!(ranges.iter().map(ToString::to_string).collect::<Vec<_>>(), DEFAULT);
    }

    #[test]
    fn text_is_compressible_and_pictures_are_not() {
        for yes in [
            "text/plain",
            "TEXT/HTML; charset=utf-8",
            "text/event-stream",
            "application/json ;x=1",
            "application/problem+json",
            "application/LD+JSON",
            "image/svg+xml",
            "application/wasm",
        ] {
            assert!(is_compressible(yes), "{yes}");
        }
        for no in [
            "",
            "text",
            "image/png",
            "video/mp4",
            "application/octet-stream",
            "application/zip",
            "application/jsonx",
            "font/woff2",
            "json",
            "text-plain/x",
        ] {
            assert!(!is_compressible(no), "{no}");
        }
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for bad in ["", "text", "*", "*/json", "text/", "/json", "+", "text/plain; q=1", "a b/c"] {
            let error = bad.parse::<MediaRange>().unwrap_err();
            assert!(error.contains("\"text/*\""), "{error}");
        }
        for good in ["*/*", "text/*", "+json", "application/json"] {
            assert_eq!(good.parse::<MediaRange>().unwrap().to_string(), good);
        }
    }
}
