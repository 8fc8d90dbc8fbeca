//! Which addresses a guest may reach, whatever name led there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::authority::Host;

/// The non-public addresses that an allow-list grants. Part of the key under which connections are
/// pooled, so that what one module may reach is never handed to another that may not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct AddressGrants(Arc<[AddressGrant]>);

/// One grant; without a port it holds for all ports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum AddressGrant {
    /// Exactly this address, whatever name resolved to it.
    Listed(IpAddr, Option<u16>),
    /// Every loopback address, for a request to `localhost` or to a literal loopback address.
    Localhost(Option<u16>),
}

impl AddressGrants {
    /// Whether a request to `host` may connect to `address` at `port`.
    pub(super) fn permit(&self, host: &Host, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.iter().any(|grant| grant.covers(host, address, port))
    }
}

impl FromIterator<AddressGrant> for AddressGrants {
    fn from_iter<I: IntoIterator<Item = AddressGrant>>(grants: I) -> Self {
        let mut grants: Vec<_> = grants.into_iter().collect();
        grants.sort();
        grants.dedup();
        Self(grants.into())
    }
}

impl AddressGrant {
    fn covers(&self, host: &Host, address: IpAddr, to: u16) -> bool {
        match self {
            Self::Listed(listed, port) => *listed == address && port.is_none_or(|port| port == to),
            Self::Localhost(port) => {
                is_local(host) && address.is_loopback() && port.is_none_or(|port| port == to)
            }
        }
    }
}

/// Whether `host` means this machine by itself, without a resolver saying so.
pub(super) fn is_local(host: &Host) -> bool {
    match host {
        Host::Name(name) => &**name == "localhost",
        Host::Address(address) => address.is_loopback(),
    }
}

/// Whether `address` is on the public internet: by the special-purpose registries of IANA (RFC 6890
/// and its updates), and by what an IPv6 address carries an IPv4 address for.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Networks that are not public, and one public address that clouds serve their metadata at.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),          // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),         // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),      // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),        // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32),   // the host of an Azure machine
    (Ipv4Addr::new(169, 254, 0, 0), 16),     // link-local, cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),      // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),       // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),       // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),     // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),     // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),      // benchmarking
    (Ipv4Addr::new(198, 51, 100, 0), 24),    // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),     // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),        // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),        // reserved
    (Ipv4Addr::new(255, 255, 255, 255), 32), // broadcast
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(network, bits): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ network.to_bits()).leading_zeros() >= *bits
    };
    !NOT_PUBLIC_V4.iter().any(within)
}

/// Only `2000::/3` is public unicast. Loopback, unspecified, IPv4-compatible, unique local, link-local,
/// site-local, multicast and discard addresses all lie outside it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    match [a, b, c, d, e, f, g, h] {
        // IPv4-mapped.
        [0, 0, 0, 0, 0, 0xffff, ..] => is_public_v4(v4(g, h)),
        // NAT64, the well-known prefix (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => is_public_v4(v4(g, h)),
        // Teredo (RFC 4380): its server, and the client's address with all bits turned.
        [0x2001, 0, ..] => is_public_v4(v4(c, d)) && is_public_v4(v4(!g, !h)),
        // Protocol assignments: benchmarking, ORCHID and others.
        [0x2001, 0..0x200, ..] => false,
        // Documentation.
        [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => false,
        // 6to4 (RFC 3056).
        [0x2002, ..] => is_public_v4(v4(b, c)),
        _ => a & 0xe000 == 0x2000,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.15",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808::fefe:fefe",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn all_others_are_not() {
        for other in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::",
            "2001:0:a00:1::fefe:fefe",
            "2001:0:808:808::80ff:fffe",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_grant_holds_for_its_address_and_port() {
        let name = Host::Name("db.example".into());
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let grants = AddressGrants::from_iter([AddressGrant::Listed(ip("10.0.0.5"), Some(80))]);
        assert!(grants.permit(&name, ip("10.0.0.5"), 80));
        assert!(grants.permit(&name, ip("::ffff:10.0.0.5"), 80));
        assert!(!grants.permit(&name, ip("10.0.0.5"), 81));
        assert!(!grants.permit(&name, ip("10.0.0.6"), 80));
        assert!(!grants.permit(&name, ip("2002:a00:5::1"), 80));
        assert!(grants.permit(&name, ip("1.1.1.1"), 81));
    }

    #[test]
    fn localhost_is_granted_to_those_who_ask_for_it() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let grants = AddressGrants::from_iter([AddressGrant::Localhost(None)]);
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let host = Host::parse(host).unwrap();
            assert!(grants.permit(&host, ip("127.0.0.1"), 80), "{host:?}");
            assert!(grants.permit(&host, ip("::1"), 80), "{host:?}");
            assert!(!grants.permit(&host, ip("10.0.0.1"), 80), "{host:?}");
        }
        let rebinding = Host::parse("rebinding.example").unwrap();
        assert!(!grants.permit(&rebinding, ip("127.0.0.1"), 80));
    }
}
