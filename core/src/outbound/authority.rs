//! Whom a request goes to, in one normal form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;

/// The host of a URI: a name in lower case without a trailing dot, or an address.
///
/// An IPv4 address is written as four decimal numbers. The other spellings that `inet_aton` knows
/// (`127.1`, `0x7f000001`, `2130706433`) are neither names nor addresses here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Name(Box<str>),
    Address(IpAddr),
}

impl Host {
    /// Longest name, in bytes (RFC 1035, 2.3.4).
    const MAX_LEN: usize = 253;

    /// Reads a host as it stands in a URI, IPv6 addresses in brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let address: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.to_canonical()));
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        is_name(text).then(|| Self::Name(text.to_ascii_lowercase().into()))
    }
}

fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let label = |label: &str| !label.is_empty() && label.bytes().all(plain);
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= Host::MAX_LEN && text.split('.').all(label) && !is_number(last)
}

/// Whether the resolver would take a name that ends in `label` for an IPv4 address.
fn is_number(label: &str) -> bool {
    match label.as_bytes() {
        [b'0', b'x' | b'X', hex @ ..] => hex.iter().all(u8::is_ascii_hexdigit),
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// Host and port of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: u16,
}

impl Authority {
    /// The authority of `uri`, with the scheme's port where it names none. The error says what is
    /// wrong with it.
    pub(super) fn of(uri: &Uri) -> Result<Self, &'static str> {
        let authority = uri.authority().ok_or("the URI has no authority")?;
        if authority.as_str().contains('@') {
            return Err("user information in a URI is not allowed");
        }
        let host =
            Host::parse(authority.host()).ok_or("the host is neither a name nor an address")?;
        let port = match authority.as_str().get(authority.host().len()..).unwrap_or_default() {
            "" if uri.scheme() == Some(&Scheme::HTTPS) => 443,
            "" => 80,
            port => parse_port(port).ok_or("the port is not a number from 1 to 65535")?,
        };
        Ok(Self { host, port })
    }
}

/// Reads a port with its colon.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(':')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_form() {
        let name = |text: &str| Some(Host::Name(text.into()));
        let address = |text: &str| Some(Host::Address(text.parse().unwrap()));
        for (text, host) in [
            ("API.Example.com", name("api.example.com")),
            ("api.example.com.", name("api.example.com")),
            ("a_b.mik.internal", name("a_b.mik.internal")),
            ("localhost", name("localhost")),
            ("10.0.0.5", address("10.0.0.5")),
            ("10.0.0.5.", address("10.0.0.5")),
            ("[::1]", address("::1")),
            ("[::ffff:127.0.0.1]", address("127.0.0.1")),
            ("", None),
            (".", None),
            ("a..b", None),
            ("a b", None),
            ("ä.example", None),
            ("%65xample.com", None),
            ("[::1%25eth0]", None),
            ("[v1.x]", None),
            ("127.1", None),
            ("2130706433", None),
            ("0x7f000001", None),
            ("0177.0.0.1", None),
            ("example.0x", None),
        ] {
            assert_eq!(Host::parse(text), host, "{text:?}");
        }
        assert_eq!(Host::parse(&"x".repeat(254)), None);
    }

    #[test]
    fn authorities_have_a_port() {
        let port = |uri: &str| Authority::of(&uri.parse().unwrap()).map(|authority| authority.port);
        assert_eq!(port("http://a.example/"), Ok(80));
        assert_eq!(port("https://a.example/"), Ok(443));
        assert_eq!(port("https://a.example:80/"), Ok(80));
        assert_eq!(port("http://[::1]:3000/"), Ok(3000));
        for bad in ["/x", "http://u@a.example/", "http://a:b@a.example/", "http://a.example:/"] {
            assert!(port(bad).is_err(), "{bad}");
        }
        for bad in ["http://a.example:0/", "http://a.example:65536/", "http://127.1/"] {
            assert!(port(bad).is_err(), "{bad}");
        }
    }
}
