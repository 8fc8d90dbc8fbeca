//! What a client accepts: `accept-encoding` (RFC 9110, 12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use super::coding::Coding;

/// Bytes of the field that are looked at: many times what a browser sends.
const BYTES: usize = 1_024;
/// Codings in it that are looked at.
const CODINGS: usize = 64;

/// A weight in thousandths.
type Weight = u16;

/// The coding among `offered`, the preferred one first, that the client likes best. `None` is identity:
/// where it accepts none of them, likes identity better, or does not say. A client that refuses identity
/// as well gets it all the same, rather than nothing.
pub(super) fn choose(headers: &HeaderMap, offered: &[Coding]) -> Option<Coding> {
    if offered.is_empty() || !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let accepted = Accepted::read(headers);
    let mut best: Option<(Coding, Weight)> = None;
    for &coding in offered {
        let weight = accepted.weight(coding);
        if weight > best.map_or(0, |(_, best)| best) {
            best = Some((coding, weight));
        }
    }
    let identity = accepted.identity.unwrap_or(0);
    best.filter(|(_, weight)| *weight >= identity).map(|(coding, _)| coding)
}

/// What is said of the codings that concern us. Where one is named twice, the first counts.
#[derive(Default)]
struct Accepted {
    named: [Option<Weight>; Coding::ALL.len()],
    identity: Option<Weight>,
    any: Option<Weight>,
}

impl Accepted {
    fn read(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let mut left = BYTES;
        let lines = headers.get_all(ACCEPT_ENCODING).iter().map(|value| {
            let line = beginning(value.as_bytes(), left);
            left = left.saturating_sub(value.len());
            line
        });
        for entry in lines.flat_map(|line| line.split(|b| *b == b',')).take(CODINGS) {
            accepted.add(entry);
        }
        accepted
    }

    fn add(&mut self, entry: &[u8]) {
        let (name, parameters) = match entry.iter().position(|b| *b == b';') {
            Some(at) => (&entry[..at], Some(&entry[at + 1..])),
            None => (entry, None),
        };
        let name = name.trim_ascii();
        let slot = match Coding::named(name) {
            Some(coding) => &mut self.named[coding as usize],
            None if name == b"*" => &mut self.any,
            None if name.eq_ignore_ascii_case(b"identity") => &mut self.identity,
            None => return,
        };
        // What does not read is not accepted.
        let weight = parameters.map_or(Some(1_000), weight).unwrap_or(0);
        slot.get_or_insert(weight);
    }

    fn weight(&self, coding: Coding) -> Weight {
        self.named[coding as usize].or(self.any).unwrap_or(0)
    }
}

/// At most `max` bytes of a line, without an entry that would be cut.
fn beginning(line: &[u8], max: usize) -> &[u8] {
    if line.len() <= max {
        return line;
    }
    let end = line[..max].iter().rposition(|b| *b == b',').unwrap_or(0);
    &line[..end]
}

/// Reads `q=0.5`: a number from 0 to 1 with at most three decimals (RFC 9110, 12.4.2).
fn weight(parameter: &[u8]) -> Option<Weight> {
    let [b'q' | b'Q', b'=', number @ ..] = parameter.trim_ascii() else { return None };
    let (whole, decimals) = match number {
        [whole] => (whole, [].as_slice()),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let digits = decimals.iter().chain(std::iter::repeat(&b'0')).take(3);
    let thousandths = std::iter::once(whole).chain(digits).try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + Weight::from(digit - b'0'))
    })?;
    (thousandths <= 1_000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const ALL: [Coding; 3] = [Coding::Zstd, Coding::Br, Coding::Gzip];

    fn headers(lines: &[&str]) -> HeaderMap {
        let line = |line: &&str| (ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
        lines.iter().map(line).collect()
    }

    fn chosen(line: &str, offered: &[Coding]) -> Option<Coding> {
        choose(&headers(&[line]), offered)
    }

    #[test]
    fn gzip_is_chosen_where_it_is_accepted() {
        for line in [
            "gzip",
            "GZIP",
            "x-gzip",
            "deflate, gzip;q=1.0, *;q=0.5",
            "gzip ; q=0.001",
            "gzip;Q=1.000",
            "*",
            "*;q=0.1, identity;q=0",
            "identity, gzip",
            "identity;q=0.5, gzip;q=0.5",
            "br;q=0,, gzip",
            "gzip, gzip;q=0",
        ] {
            assert_eq!(chosen(line, &[Coding::Gzip]), Some(Coding::Gzip), "{line}");
        }
    }

    #[test]
    fn identity_is_chosen_otherwise() {
        for line in [
            "",
            "identity",
            "br",
            "deflate",
            "gzip;q=0",
            "gzip;q=0.000",
            "*;q=0",
            "gzip;q=0, *",
            "identity, gzip;q=0.9",
            "identity;q=0",
            // Weights that are none.
            "*;q=0, gzip;q=9",
            "gzip;q=9",
            "gzip;q=1.001",
            "gzip;q=0.0001",
            "gzip;q=-1",
            "gzip;q=",
            "gzip;q",
            "gzip;q=.5",
            "gzip;level=9",
            "gzip;q=1;q=0",
            "gzip gzip",
        ] {
            assert_eq!(chosen(line, &[Coding::Gzip]), None, "{line}");
        }
        assert_eq!(choose(&headers(&[]), &ALL), None);
        assert_eq!(chosen("gzip, br", &[]), None);
    }

    #[test]
    fn the_larger_weight_counts_and_then_the_order_of_the_server() {
        for (line, expected) in [
            ("gzip, br, zstd", Coding::Zstd),
            ("gzip, br", Coding::Br),
            ("gzip;q=0.9, br;q=0.8, zstd;q=0.7", Coding::Gzip),
            ("*", Coding::Zstd),
            ("*;q=0.5, br", Coding::Br),
            ("*;q=0.5, zstd;q=0, br;q=0.1", Coding::Gzip),
        ] {
            assert_eq!(chosen(line, &ALL), Some(expected), "{line}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(choose(&headers(&["br;q=0.5", "gzip"]), &ALL), Some(Coding::Gzip));
    }

    #[test]
    fn only_the_beginning_of_a_long_list_is_read() {
        let many = |codings: usize| vec!["x"; codings].join(",");
        assert_eq!(chosen(&format!("{},gzip", many(63)), &ALL), Some(Coding::Gzip));
        assert_eq!(chosen(&format!("{},gzip", many(64)), &ALL), None);
        let long = format!("{},gzip", "x".repeat(2_000));
        assert_eq!(chosen(&long, &ALL), None);
        // An entry that is cut must not lose its weight.
        let cut = format!("{},gzip;q=0", "x".repeat(BYTES - 6));
        assert_eq!(chosen(&cut, &ALL), None);
        assert_eq!(choose(&headers(&[&long, "gzip"]), &ALL), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.insert(ACCEPT_ENCODING, value);
            }
            choose(&headers, &ALL);
        }

        #[test]
        fn the_choice_has_the_largest_weight(
            weights in prop::collection::vec(0..=1_000_u16, 3),
            order in Just(Coding::ALL).prop_shuffle(),
            listed in Just(Coding::ALL).prop_shuffle(),
        ) {
            let weight = |coding: Coding| weights[coding as usize];
            let entry = |coding: &Coding| {
                let weight = weight(*coding);
                format!("{coding}; q={}.{:03}", weight / 1_000, weight % 1_000)
            };
            let line = listed.iter().map(entry).collect::<Vec<_>>().join(" ,\t");
            let best = weights.iter().copied().max().unwrap();
            let expected = order.iter().copied().find(|c| best > 0 && weight(*c) == best);
            prop_assert_eq!(chosen(&line, &order), expected, "{}", line);
        }
    }
}
