//! `allowed_hosts`: which hosts a module may send requests to.

use std::fmt;
use std::sync::Arc;

use http::Uri;

use super::address::AddressGrants;
use super::authority::Authority;
use super::entry::AllowedHost;

/// The hosts that a module may send requests to. Nothing by default. Cloning is cheap.
///
/// A host that is allowed by its name must also resolve to a public address, or to one that the list
/// names itself: a name allows nothing in the host's own network.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    entries: Arc<[AllowedHost]>,
    addresses: AddressGrants,
}

impl AllowedHosts {
    /// Whether requests to the host and port of `uri` may be tried. A URI that names no host, or names
    /// it with user information, is not allowed.
    ///
    /// The address that the host resolves to is judged later, when the connection is made.
    pub fn allow(&self, uri: &Uri) -> bool {
        Authority::of(uri).is_ok_and(|authority| self.allows(&authority))
    }

    /// The entries in the order in which they were given.
    pub fn iter(&self) -> std::slice::Iter<'_, AllowedHost> {
        self.entries.iter()
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn allows(&self, authority: &Authority) -> bool {
        self.entries.iter().any(|entry| entry.covers(authority))
    }

    /// The non-public addresses that the list names.
    pub(super) fn addresses(&self) -> &AddressGrants {
        &self.addresses
    }
}

impl FromIterator<AllowedHost> for AllowedHosts {
    fn from_iter<I: IntoIterator<Item = AllowedHost>>(entries: I) -> Self {
        let entries: Arc<[AllowedHost]> = entries.into_iter().collect();
        let addresses = entries.iter().filter_map(AllowedHost::grant).collect();
        Self { entries, addresses }
    }
}

impl<'a> IntoIterator for &'a AllowedHosts {
    type Item = &'a AllowedHost;
    type IntoIter = std::slice::Iter<'a, AllowedHost>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for AllowedHosts {
    /// The entries, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, entry) in self.iter().enumerate() {
            write!(f, "{}{entry}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for AllowedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AllowedHosts {
        entries.iter().map(|entry| entry.parse::<AllowedHost>().unwrap()).collect()
    }

    /// One entry, URIs that it allows, URIs that it does not.
    const TABLE: &[(&str, &[&str], &[&str])] = &[
        (
            "api.example.com",
            &[
                "http://api.example.com/x",
                "https://API.example.com.:8443/",
                "http://api.example.com:1/",
            ],
            &[
                "http://example.com/",
                "http://x.api.example.com/",
                "http://api.example.com.evil.com/",
            ],
        ),
        (
            "API.Example.com.:443",
            &["https://api.example.com/", "http://api.example.com:443/"],
            &["http://api.example.com/", "https://api.example.com:8443/"],
        ),
        (
            "*.example.com",
            &["http://a.example.com/", "http://a.b.example.com/"],
            &["http://example.com/", "http://notexample.com/", "http://a.example.com.evil.com/"],
        ),
        ("*.example.com:8080", &["http://a.example.com:8080/"], &["http://a.example.com/"]),
        (
            "10.0.0.5",
            &["http://10.0.0.5/", "http://10.0.0.5:99/", "http://[::ffff:10.0.0.5]/"],
            &["http://10.0.0.50/", "http://10.5/", "http://0xa000005/", "http://167772165/"],
        ),
        ("[FD00::1]:80", &["http://[fd00::1]/", "http://[fd00:0::1]/"], &["https://[fd00::1]/"]),
        (
            "localhost",
            &[
                "http://localhost/",
                "http://LOCALHOST:3000/",
                "http://127.0.0.1/",
                "http://[::1]:1/",
            ],
            &["http://x.localhost/", "http://localhost.example.com/", "http://10.0.0.1/"],
        ),
        ("localhost:3000", &["http://127.0.0.1:3000/"], &["http://localhost/"]),
        ("127.0.0.1", &["http://127.0.0.1/"], &["http://localhost/", "http://127.0.0.2/"]),
        (
            "*",
            &["https://example.com/", "http://8.8.8.8/", "http://notmik.internal/"],
            &[
                "http://orders.mik.internal/",
                "http://MIK.internal/",
                "http://a.script.mik.internal./",
                "http://localhost/",
                "http://10.0.0.1/",
                "http://[::1]/",
            ],
        ),
        ("*:443", &["https://example.com/"], &["http://example.com/"]),
        ("*.internal", &["http://a.internal/"], &["http://orders.mik.internal/"]),
        (
            "*.mik.internal",
            &["http://orders.mik.internal/x", "http://checkout.script.mik.internal/"],
            &["http://mik.internal/", "http://a.internal/"],
        ),
        ("orders.mik.internal", &["http://orders.mik.internal/"], &["http://users.mik.internal/"]),
        ("*.script.mik.internal", &["http://a.script.mik.internal/"], &["http://a.mik.internal/"]),
    ];

    #[test]
    fn an_entry_allows_what_it_says() {
        for (entry, allowed, denied) in TABLE {
            let hosts = list(&[entry]);
            for uri in *allowed {
                assert!(hosts.allow(&uri.parse().unwrap()), "{entry} allows {uri}");
            }
            for uri in *denied {
                assert!(!hosts.allow(&uri.parse().unwrap()), "{entry} denies {uri}");
            }
        }
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let hosts = AllowedHosts::default();
        assert!(hosts.is_empty());
        assert!(!hosts.allow(&"http://example.com/".parse().unwrap()));
    }

    #[test]
    fn user_information_and_a_missing_host_are_not_allowed() {
        let hosts = list(&["*", "example.com"]);
        for uri in ["http://example.com@evil.com/", "http://u:p@example.com/", "/x", "*"] {
            assert!(!hosts.allow(&uri.parse().unwrap()), "{uri}");
        }
    }

    #[test]
    fn entries_print_in_one_form() {
        let hosts =
            list(&["API.example.com.", "*.Example.com:80", "[FD00:0::1]:1", "10.0.0.5", "*"]);
        let printed = "api.example.com, *.example.com:80, [fd00::1]:1, 10.0.0.5, *";
        assert_eq!(hosts.to_string(), printed);
        assert_eq!(list(&printed.split(", ").collect::<Vec<_>>()), hosts);
    }
}
