//! Content codings: RFC 9110, section 12.5.3.

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

/// A coding in which a file may lie beside the file itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Coding {
    /// Brotli, in `FILE.br`.
    Br,
    /// Zstandard, in `FILE.zst`.
    Zstd,
    /// In `FILE.gz`.
    Gzip,
}

impl Coding {
    /// All of them, the smallest first.
    pub(super) const ALL: [Self; 3] = [Self::Br, Self::Zstd, Self::Gzip];

    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Br => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }

    pub(super) const fn name(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        })
    }

    /// Those of `offered` that a client accepts at least as gladly as the plain file, the most welcome
    /// first; among equals, in the order in which they are offered.
    pub(super) fn accepted(headers: &HeaderMap, offered: &[Self]) -> Vec<Self> {
        if offered.is_empty() || !headers.contains_key(ACCEPT_ENCODING) {
            return Vec::new();
        }
        let weights = Weights::of(headers);
        let mut accepted: Vec<_> = offered
            .iter()
            .map(|coding| (weights.coding(*coding), *coding))
            .filter(|(weight, _)| *weight > 0 && *weight >= weights.identity.unwrap_or(0))
            .collect();
        accepted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        accepted.into_iter().map(|(_, coding)| coding).collect()
    }
}

/// What a client says of each coding, in thousandths.
#[derive(Default)]
struct Weights {
    br: Option<u16>,
    zstd: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    others: Option<u16>,
}

impl Weights {
    fn of(headers: &HeaderMap) -> Self {
        let mut weights = Self::default();
        let values =
            headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for (name, weight) in values.flat_map(|value| value.split(',')).filter_map(entry) {
            let place = match name.to_ascii_lowercase().as_str() {
                "br" => &mut weights.br,
                "zstd" => &mut weights.zstd,
                "gzip" | "x-gzip" => &mut weights.gzip,
                "identity" => &mut weights.identity,
                "*" => &mut weights.others,
                _ => continue,
            };
            *place = Some(weight);
        }
        weights
    }

    fn coding(&self, coding: Coding) -> u16 {
        let own = match coding {
            Coding::Br => self.br,
            Coding::Zstd => self.zstd,
            Coding::Gzip => self.gzip,
        };
        own.or(self.others).unwrap_or(0)
    }
}

/// A coding and its weight; `None` for what is malformed.
fn entry(text: &str) -> Option<(&str, u16)> {
    let Some((name, weight)) = text.split_once(';') else { return Some((text.trim(), 1_000)) };
    let (q, weight) = weight.split_once('=')?;
    q.trim().eq_ignore_ascii_case("q").then(|| Some((name.trim(), thousandths(weight.trim())?)))?
}

/// A weight (RFC 9110, 12.4.2): 0 to 1 with at most three digits after the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = format!("{rest:0<3}").parse().ok()?;
    match (whole, rest) {
        ("0", rest) => Some(rest),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Coding::{Br, Gzip, Zstd};
    use super::*;

    fn accepted(values: &[&'static str]) -> Vec<Coding> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        Coding::accepted(&headers, &Coding::ALL)
    }

    #[test]
    fn the_most_welcome_comes_first() {
        for (values, expected) in [
            (&[][..], &[][..]),
            (&[""], &[]),
            (&["gzip, deflate, br, zstd"], &[Br, Zstd, Gzip]),
            (&["gzip", "br"], &[Br, Gzip]),
            (&["GZIP"], &[Gzip]),
            (&["x-gzip"], &[Gzip]),
            (&["gzip;q=1.0, br;q=0.5"], &[Gzip, Br]),
            (&["gzip;Q=0.002, br;q=0.001"], &[Gzip, Br]),
            (&["gzip ; q = 0.5"], &[Gzip]),
            (&["*"], &[Br, Zstd, Gzip]),
            (&["*, br;q=0"], &[Zstd, Gzip]),
            (&["*;q=0.5, gzip"], &[Gzip, Br, Zstd]),
            (&["identity"], &[]),
            (&["identity, gzip"], &[Gzip]),
            (&["identity;q=0.5, gzip;q=0.4, br;q=0.5"], &[Br]),
            (&["identity;q=0"], &[]),
            (&["gzip;q=0"], &[]),
            (&["gzip;q=0.000"], &[]),
        ] {
            assert_eq!(accepted(values), expected, "{values:?}");
        }
    }

    #[test]
    fn what_is_malformed_says_nothing() {
        let malformed = [
            "*;q=0, gzip;q=9",
            "gzip;q=",
            "gzip;q=1.001",
            "gzip;q=0.0001",
            "gzip;q=-1",
            "gzip;q=.5",
            "gzip;q=0,5",
            "gzip;x=1",
            "gzip;",
            ";q=1",
            ",,,",
            "gzipp",
        ];
        for value in malformed {
            assert_eq!(accepted(&[value]), [], "{value}");
        }
    }

    #[test]
    fn only_what_is_offered_counts() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        assert_eq!(Coding::accepted(&headers, &[Gzip, Br]), [Gzip, Br], "in that order");
        assert_eq!(Coding::accepted(&headers, &[Zstd]), []);
        assert_eq!(Coding::accepted(&headers, &[]), []);
    }
}
