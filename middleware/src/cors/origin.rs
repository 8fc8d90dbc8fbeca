//! An origin as browsers send it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use http::HeaderValue;
use mik_core::values::Checked;

/// An origin in the one form in which browsers send it: scheme, host in lower case, and the port where it
/// is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin(pub(super) HeaderValue);

/// A text that is not an origin as browsers send it, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOrigin {
    given: String,
    reason: String,
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let fault = |reason: &str| InvalidOrigin { given: text.into(), reason: reason.into() };
        if text == "null" {
            return Err(fault("any sandboxed page sends it, whoever wrote it"));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| fault("it needs a scheme, as in \"https://app.example.com\""))?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if !is_scheme {
            return Err(fault("its scheme has other characters than letters and digits"));
        }
        if rest.contains(['/', '?', '#', '@']) {
            return Err(fault("it ends after host and port: no path, no trailing '/', no user"));
        }
        if rest.contains('*') {
            return Err(fault("each origin is written out, or \"*\" alone stands for all"));
        }
        let plain = plain(scheme, rest).map_err(fault)?;
        if plain != text {
            return Err(fault(&format!("browsers send it as {plain:?}: write it like that")));
        }
        HeaderValue::try_from(plain).map(Self).map_err(|_| fault("it is not printable ASCII"))
    }
}

/// Scheme, host and port in the form that browsers send.
fn plain(scheme: &str, authority: &str) -> Result<String, &'static str> {
    let (host, port) = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => {
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        _ => (authority, None),
    };
    let host = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(address) => {
            let address = address.and_then(|address| address.parse::<Ipv6Addr>().ok());
            format!("[{}]", address.ok_or("its host is not an IPv6 address")?)
        }
        None if host.is_empty() => return Err("it has no host"),
        None if host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) => {
            host.to_ascii_lowercase()
        }
        None => {
            return Err("its host is not a name in ASCII (an international one starts with xn--)");
        }
    };
    let scheme = scheme.to_ascii_lowercase();
    let own = match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let port = port.map(|port| digits(port).ok_or("its port is not a number up to 65535"));
    Ok(match port.transpose()? {
        Some(port) if Some(port) != own => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

fn digits(port: &str) -> Option<u16> {
    // The number's own parser takes a sign as well.
    port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse().ok()).flatten()
}

impl Checked for Origin {
    const EXPECTED: &'static str = "an origin, such as \"https://app.example.com\"";
    const PATTERN: &'static str = "^[A-Za-z][A-Za-z0-9+.-]*://[^/?#@]+$";
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an origin that can be allowed: {}", self.given, self.reason)
    }
}

impl std::error::Error for InvalidOrigin {}
