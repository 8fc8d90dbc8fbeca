//! One entry of `allowed_hosts`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};

use super::address::{AddressGrant, is_local, is_public};
use super::authority::{Authority, Host, parse_port};

/// The domain of the modules and scripts of this host.
const INTERNAL: &str = "mik.internal";

/// One entry of `allowed_hosts`. Case and a trailing dot do not matter.
///
/// | entry | allows |
/// |---|---|
/// | `api.example.com` | that host, where it resolves to a public address or one that is listed too |
/// | `*.example.com` | its subdomains at any depth, but not `example.com` itself |
/// | `10.0.0.5`, `[fd00::1]` | that address, named in the URI or reached by a name that is allowed |
/// | `localhost` | `localhost`, `127.0.0.0/8` and `[::1]` in the URI, and loopback addresses for them |
/// | `*` | every public host; no module of this host and no address of its network |
/// | `orders.mik.internal` | the module `orders` of this host |
/// | `*.mik.internal` | all modules and scripts of this host |
///
/// Each may end in `:port`; without it, all ports are allowed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AllowedHost {
    pattern: Pattern,
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Public,
    /// What is below this domain; it starts with a dot.
    Below(Box<str>),
    Name(Box<str>),
    Address(IpAddr),
}

impl AllowedHost {
    pub(super) fn covers(&self, authority: &Authority) -> bool {
        self.port.is_none_or(|port| port == authority.port) && self.pattern.covers(&authority.host)
    }

    /// What the entry grants beyond public addresses.
    pub(super) fn grant(&self) -> Option<AddressGrant> {
        match &self.pattern {
            Pattern::Address(address) if !is_public(*address) => {
                Some(AddressGrant::Listed(*address, self.port))
            }
            pattern if pattern.is_localhost() => Some(AddressGrant::Localhost(self.port)),
            _ => None,
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::Public);
        }
        if let Some(domain) = text.strip_prefix("*.") {
            return match Host::parse(domain) {
                Some(Host::Name(domain)) => Ok(Self::Below(format!(".{domain}").into())),
                _ => Err("\"*.\" stands before the name of a domain"),
            };
        }
        match Host::parse(text) {
            Some(Host::Name(name)) => Ok(Self::Name(name)),
            Some(Host::Address(address)) => Ok(Self::Address(address)),
            None => Err("it is neither a name nor an address"),
        }
    }

    fn covers(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Public, Host::Name(name)) => !is_internal(name) && !is_local(host),
            (Self::Public, Host::Address(address)) => is_public(*address),
            // A wildcard for a wider domain, such as `*.internal`, does not open the modules.
            (Self::Below(domain), Host::Name(name)) => {
                name.ends_with(&**domain) && (is_internal(&domain[1..]) || !is_internal(name))
            }
            (Self::Below(_), Host::Address(_)) => false,
            (Self::Name(allowed), Host::Name(name)) => allowed == name,
            (Self::Name(_), Host::Address(_)) => self.is_localhost() && is_local(host),
            (Self::Address(allowed), Host::Address(address)) => allowed == address,
            (Self::Address(_), Host::Name(_)) => false,
        }
    }

    fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if &**name == "localhost")
    }
}

/// Whether `name` is `mik.internal` or lies below it.
pub(super) fn is_internal(name: &str) -> bool {
    let rest = name.strip_suffix(INTERNAL);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A text that is no entry of `allowed_hosts`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is not a host: {reason}; write a name (\"api.example.com\"), \"*.example.com\" for its \
     subdomains, an address (\"10.0.0.5\", \"[fd00::1]\"), \"localhost\", or \"*\" for every public \
     host, each with \":port\" or without"
)]
pub struct InvalidAllowedHost {
    given: String,
    reason: &'static str,
}

impl FromStr for AllowedHost {
    type Err = InvalidAllowedHost;

    fn from_str(text: &str) -> Result<Self, InvalidAllowedHost> {
        let fault = |reason| InvalidAllowedHost { given: text.into(), reason };
        if text.contains('/') {
            return Err(fault("a scheme, path or network prefix is not allowed"));
        }
        if text.contains('@') {
            return Err(fault("user information is not allowed"));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(fault("an IPv6 address stands in brackets"));
        }
        let colon = match text.rfind(':') {
            Some(colon) if !text.ends_with(']') => colon,
            _ => text.len(),
        };
        let (host, port) = text.split_at(colon);
        let port = match port {
            "" => None,
            port => {
                Some(parse_port(port).ok_or(fault("the port is not a number from 1 to 65535"))?)
            }
        };
        Ok(Self { pattern: Pattern::parse(host).map_err(fault)?, port })
    }
}

impl From<IpAddr> for AllowedHost {
    /// The entry for one address, at all ports.
    fn from(address: IpAddr) -> Self {
        Self { pattern: Pattern::Address(address.to_canonical()), port: None }
    }
}

impl<'de> Deserialize<'de> for AllowedHost {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Pattern::Public => f.write_str("*")?,
            Pattern::Below(domain) => write!(f, "*{domain}")?,
            Pattern::Name(name) => f.write_str(name)?,
            Pattern::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            Pattern::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_is_refused_with_the_way_out() {
        for (bad, reason) in [
            ("", "neither a name"),
            ("http://example.com", "scheme"),
            ("example.com/path", "path"),
            ("10.0.0.0/8", "network prefix"),
            ("u@example.com", "user information"),
            ("::1", "brackets"),
            ("example.com:", "port"),
            ("example.com:0", "port"),
            ("example.com:+80", "port"),
            ("example.com:65536", "port"),
            ("*example.com", "neither a name"),
            ("a.*.com", "neither a name"),
            ("*.", "domain"),
            ("*.*", "domain"),
            ("*.10.0.0.1", "domain"),
            ("a b", "neither a name"),
            ("münchen.example", "neither a name"),
            ("127.1", "neither a name"),
            ("[::1", "neither a name"),
        ] {
            let error = bad.parse::<AllowedHost>().unwrap_err().to_string();
            assert!(error.contains(reason), "{bad:?}: {error}");
            assert!(error.contains("*.example.com"), "{error}");
        }
    }

    #[test]
    fn an_entry_is_read_from_a_string() {
        let entries: Vec<AllowedHost> = serde_json::from_str(r#"["*.example.com:80"]"#).unwrap();
        assert_eq!(entries[0].to_string(), "*.example.com:80");
        assert!(serde_json::from_str::<AllowedHost>("\"a/b\"").is_err());
    }
}
