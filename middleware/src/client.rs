//! Who a request comes from, also where proxies stand in between.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};
use mik_core::values::Checked;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Addresses that share a prefix: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u32,
}

/// The header field in which trusted proxies say whom they forward for. Only one is read: the other passes
/// through a proxy that does not know it, as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// A list of addresses, to which each proxy adds the one that it sees.
    #[default]
    XForwardedFor,
    /// The same with more said to each (RFC 7239).
    Forwarded,
}

/// Proxies whose word about the client is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TrustedProxies {
    networks: Vec<Network>,
    header: ForwardedHeader,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl TrustedProxies {
    pub(crate) fn new(networks: Vec<Network>, header: ForwardedHeader) -> Self {
        Self { networks, header }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// The address of the client: the last one on the way here that is no trusted proxy. What stands left
    /// of it in the header field is what the client says, and is not looked at. Where a trusted proxy
    /// names no address, that proxy is as far as can be seen.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return peer;
        }
        match self.header {
            ForwardedHeader::XForwardedFor => {
                let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
                let hops = lines.flat_map(|line| line.as_bytes().rsplit(|b| *b == b','));
                self.walk(
                    peer,
                    hops.map(<[u8]>::trim_ascii).filter(|hop| !hop.is_empty()).map(address),
                )
            }
            ForwardedHeader::Forwarded => {
                let lines = headers.get_all(FORWARDED).iter().rev();
                // A line that does not read names nobody.
                let hops =
                    lines.map(|line| forwarded(line.as_bytes()).unwrap_or_else(|| vec![None]));
                self.walk(peer, hops.flat_map(|line| line.into_iter().rev()))
            }
        }
    }

    /// Goes from hop to hop, away from here.
    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops {
            let Some(hop) = hop else { break };
            client = hop;
            if !self.trust(client) {
                break;
            }
        }
        client
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// The network that stands for a client: an IPv4 address as a whole, of an IPv6 address the first `bits`,
/// since one household has all the others.
pub(crate) fn household(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask(bits))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Network {
    /// Whether `address`, an IPv4 address in its own form, is one of them.
    fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            _ => false,
        }
    }

    /// The network of these bits around `address`.
    fn around(address: IpAddr, bits: u32) -> Self {
        let first = match address {
            IpAddr::V4(v4) => {
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (mask(bits + 96) as u32)))
            }
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask(bits))),
        };
        Self { first, bits }
    }
}

/// The first `bits` of 128.
fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (address, bits) = match text.split_once('/') {
                Some((address, bits)) => (address, Some(bits)),
                None => (text, None),
            };
            let address: IpAddr = address.parse().ok()?;
            let width = if address.is_ipv4() { 32 } else { 128 };
            let bits = match bits {
                Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().ok()?,
                Some(_) => return None,
                None => width,
            };
            (bits <= width).then_some((address, bits))
        };
        let (address, bits) = parse()
            .ok_or_else(|| format!("{text:?} is no network: expected {}", Self::EXPECTED))?;
        let network = Self::around(address, bits);
        if network.first != address {
            return Err(format!("{text:?} is an address within a network: write \"{network}\""));
        }
        // An IPv4 address is looked at in its own form, however it is written.
        Ok(match address.to_canonical() {
            v4 @ IpAddr::V4(_) if address.is_ipv6() && bits >= 96 => {
                Self { first: v4, bits: bits - 96 }
            }
            _ => network,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

impl Checked for Network {
    const EXPECTED: &'static str =
        "an address or a network, such as \"10.0.0.0/8\" or \"2001:db8::1\"";
    const PATTERN: &'static str = "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$";
}

/// The address that a proxy names, with or without a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(v6) => IpAddr::V6(v6.parse().ok()?),
        None => text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?,
    };
    Some(address.to_canonical())
}

/// The `for` of each element of one `Forwarded` line (RFC 7239, 4), `None` where it is no address; or
/// `None` for the whole line where a quote is left open: what a client wrote must not swallow what a proxy
/// added behind it.
fn forwarded(line: &[u8]) -> Option<Vec<Option<IpAddr>>> {
    // No address needs a backslash, and without them quotes can be counted.
    let quotes = line.iter().filter(|b| **b == b'"').count();
    if quotes % 2 == 1 || line.contains(&b'\\') {
        return None;
    }
    let elements = split(line, b',').filter(|element| !element.is_empty());
    Some(elements.map(forwarded_for).collect())
}

/// The `for` of one element.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let value = split(element, b';').find_map(|pair| {
        let (name, value) = pair.split_at(pair.iter().position(|b| *b == b'=')?);
        name.eq_ignore_ascii_case(b"for").then_some(&value[1..])
    })?;
    let unquoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    address(unquoted.unwrap_or(value))
}

/// The trimmed pieces of `text` between `separator`s that are not within quotes.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let is_between = move |b: &u8| {
        is_quoted ^= *b == b'"';
        *b == separator && !is_quoted
    };
    text.split(is_between).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
