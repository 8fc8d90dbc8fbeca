//! The formats of texts that `#[field(format = "…")]` knows.

use std::fmt;

/// What a text must be.
#[derive(Clone, Copy)]
pub struct Format {
    name: &'static str,
    expected: &'static str,
    is_valid: fn(&str) -> bool,
}

impl Format {
    /// Its name in a JSON Schema.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What such a text is, in words.
    pub fn expected(&self) -> &'static str {
        self.expected
    }

    /// Has this text the format?
    pub fn is_valid(&self, text: &str) -> bool {
        (self.is_valid)(text)
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `email`: what HTML accepts in a field for an address.
pub static EMAIL: Format =
    Format { name: "email", expected: "an email address", is_valid: is_email };

/// `uuid`: 32 hexadecimal digits in five groups (RFC 9562).
pub static UUID: Format = Format { name: "uuid", expected: "a UUID", is_valid: is_uuid };

/// `uri`: with a scheme (RFC 3986).
pub static URI: Format = Format { name: "uri", expected: "a URI", is_valid: is_uri };

/// `date`: `2024-02-29` (RFC 3339, full-date).
pub static DATE: Format =
    Format { name: "date", expected: "a date like 2024-02-29", is_valid: is_date };

/// `date-time`: `2024-02-29T12:30:00Z` (RFC 3339).
pub static DATE_TIME: Format = Format {
    name: "date-time",
    expected: "a date and time like 2024-02-29T12:30:00Z",
    is_valid: is_date_time,
};

fn is_email(text: &str) -> bool {
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty() && local.bytes().all(is_local) && domain.split('.').all(is_label)
}

/// A part of a domain's name (RFC 1123, section 2.1).
fn is_label(label: &str) -> bool {
    matches!(label.len(), 1..=63)
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", hierarchy),
    };
    is_scheme
        && is_authority(authority)
        && is_made_of(path, b"/:@")
        && is_made_of(query, b"/:@?")
        && is_made_of(fragment, b"/:@?")
}

fn is_authority(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match host.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        Some((address, port)) => {
            let is_address = !address.is_empty() && is_made_of(address, b":");
            return is_address && is_made_of(user, b":") && is_port(port);
        }
        None => host.split_at(host.rfind(':').unwrap_or(host.len())),
    };
    is_made_of(user, b":") && is_made_of(host, b"") && is_port(port)
}

fn is_port(port: &str) -> bool {
    port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Only characters that stand for themselves everywhere, percent-encoded ones, and those others.
fn is_made_of(part: &str, others: &[u8]) -> bool {
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        let is_valid = if byte == b'%' {
            let mut is_digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
            is_digit() && is_digit()
        } else {
            byte.is_ascii_alphanumeric()
                || b"-._~!$&'()*+,;=".contains(&byte)
                || others.contains(&byte)
        };
        if !is_valid {
            return false;
        }
    }
    true
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) =
        (digits(parts.next(), 4), digits(parts.next(), 2), digits(parts.next(), 2));
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else { return false };
    let Some(zone_at) = time.find(['Z', 'z', '+', '-']) else { return false };
    let (time, zone) = time.split_at(zone_at);
    let zone_seconds = match zone.as_bytes() {
        [b'Z' | b'z'] => Some(0),
        [sign, ..] => {
            zone.get(1..)
                .and_then(clock)
                .map(|minutes| if *sign == b'+' { -minutes } else { minutes })
        }
        [] => None,
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let (Some(zone), Some((clock_time, second))) = (zone_seconds, time.rsplit_once(':')) else {
        return false;
    };
    let (Some(minutes), Some(second)) = (clock(clock_time), digits(Some(second), 2)) else {
        return false;
    };
    // A leap second is the last one of a day in UTC.
    let is_second =
        second < 60 || second == 60 && (minutes + zone).rem_euclid(24 * 60) == 24 * 60 - 1;
    is_date(date) && is_fraction && is_second
}

/// The minutes of `23:59`.
fn clock(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits(Some(hours), 2)?, digits(Some(minutes), 2)?);
    (hours < 24 && minutes < 60).then_some((hours * 60 + minutes) as i32)
}

/// A number of exactly so many digits.
fn digits(text: Option<&str>, count: usize) -> Option<u32> {
    let text =
        text.filter(|text| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(text.bytes().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::{Format, DATE, DATE_TIME, EMAIL, URI, UUID};

    fn assert_valid(format: &Format, texts: &[&str]) {
        for text in texts {
            assert!(format.is_valid(text), "{text}");
        }
    }

    fn assert_not_valid(format: &Format, texts: &[&str]) {
        for text in texts {
            assert!(!format.is_valid(text), "{text}");
        }
    }

    #[test]
    fn email() {
        assert_valid(&EMAIL, &["a@b", "joe.bloggs+x@example.com", "!#$%&'*+/=?^_`{|}~-@a-b.c1"]);
        assert_not_valid(
            &EMAIL,
            &["", "a", "@b", "a@", "a@b@c", "a b@c", "a@-b", "a@b-", "a@b..c", "a@ü.de", "a@b\n"],
        );
        assert!(!EMAIL.is_valid(&format!("a@{}", "b".repeat(64))));
    }

    #[test]
    fn uuid() {
        assert_valid(
            &UUID,
            &["2eb8aa08-AA98-11ea-b4aa-73b441d16380", "00000000-0000-0000-0000-000000000000"],
        );
        assert_not_valid(
            &UUID,
            &[
                "",
                "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
                "2eb8aa08-aa98-11ea-b4aa73b441d16380-",
                "2eb8aa08aa9811eab4aa73b441d16380",
                "2eb8aa08-aa98-11ea-b4ga-73b441d16380",
            ],
        );
    }

    #[test]
    fn uri() {
        assert_valid(
            &URI,
            &[
                "http://foo.bar/?baz=qux#quux",
                "http://foo.bar?x/y",
                "ftp://ftp.is.co.za/rfc/rfc1808.txt",
                "http://user:pass@foo.bar:8080/a%20b",
                "http://[2001:db8::7]:80/c=GB?one",
                "mailto:John.Doe@example.com",
                "urn:oasis:names:tc",
                "tel:+1-816-555-1212",
                "a:",
            ],
        );
        assert_not_valid(
            &URI,
            &[
                "",
                "//foo.bar",
                "/abc",
                "abc",
                ":// x",
                "1a:b",
                "http:// shouldfail.com",
                "http://a b",
                "http://a/%2",
                "http://a/%zz",
                "http://a/<>",
                "http://a/\u{fc}",
                "http://a:b/",
                "http://[::1/",
                "bar,baz:foo",
            ],
        );
    }

    #[test]
    fn date() {
        assert_valid(&DATE, &["2024-02-29", "2000-02-29", "2023-12-31", "0000-01-01"]);
        assert_not_valid(
            &DATE,
            &[
                "",
                "2023-02-29",
                "1900-02-29",
                "2023-13-01",
                "2023-00-01",
                "2023-04-31",
                "2023-1-01",
                "23-01-01",
                "2023-01-00",
                "2023-01-01-",
            ],
        );
    }

    #[test]
    fn date_time() {
        assert_valid(
            &DATE_TIME,
            &[
                "1963-06-19T08:30:06.283185Z",
                "1963-06-19t08:30:06z",
                "1990-12-31T15:59:50.123-08:00",
                "1998-12-31T23:59:60Z",
                "1998-12-31T15:59:60.123-08:00",
            ],
        );
        assert_not_valid(
            &DATE_TIME,
            &[
                "",
                "1998-12-31T22:59:60Z",
                "1990-02-31T15:59:59Z",
                "1990-12-31T15:59:59-24:00",
                "1990-12-31T24:00:00Z",
                "1990-12-31T15:60:00Z",
                "1990-12-31T15:59:61Z",
                "1990-12-31T15:59:59",
                "1990-12-31T15:59Z",
                "1990-12-31T15:59:59.Z",
                "1990-12-31 15:59:59Z",
                "1990-12-31T15:59:59+01:00Z",
                "1990-12-31T15:59:59+1:00",
            ],
        );
    }
}
