//! The parts of a URL that a request needs.

/// An absolute URL of `http` or `https`, taken apart.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "outside a host nothing is sent")
)]
pub(super) struct Url<'a> {
    pub(super) is_secure: bool,
    pub(super) authority: &'a str,
    /// Path and query, as they are to be sent.
    pub(super) target: String,
}

impl<'a> Url<'a> {
    /// Takes a URL apart; what may not stand in a path or a query is put behind percent signs. The fragment is no part of
    /// a request.
    pub(super) fn parse(url: &'a str) -> Result<Self, String> {
        let refused = |why: &str| Err([why, ": `", url, "`"].concat());
        let Some((scheme, rest)) = url.split_once("://") else {
            return refused("the URL is not absolute");
        };
        let is_secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ => return refused("the URL is neither of http nor of https"),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() {
            return refused("the URL names no server");
        }
        if authority.contains('@') {
            return refused(
                "the URL has a user name, which belongs into the field `authorization`",
            );
        }
        Ok(Self { is_secure, authority, target: sendable(target) })
    }
}

/// A path and query that begin with a slash and have only characters that may be sent.
fn sendable(target: &str) -> String {
    let mut sendable = String::with_capacity(target.len() + 1);
    if !target.starts_with('/') {
        sendable.push('/');
    }
    for byte in target.bytes() {
        match byte {
            b'!' | b'#'..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~' => {
                sendable.push(char::from(byte));
            }
            other => {
                sendable.push('%');
                for digit in [other >> 4, other & 15] {
                    sendable.push(char::from(if digit < 10 {
                        b'0' + digit
                    } else {
                        b'A' + digit - 10
                    }));
                }
            }
        }
    }
    sendable
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn urls_are_taken_apart() {
        for (url, is_secure, authority, target) in [
            ("http://example.org", false, "example.org", "/"),
            ("HTTPS://example.org:8443/a/b?c=d#e", true, "example.org:8443", "/a/b?c=d"),
            ("http://[::1]:80?q", false, "[::1]:80", "/?q"),
            ("http://h/a b/ü?x=\"y\"&z=%20", false, "h", "/a%20b/%C3%BC?x=%22y%22&z=%20"),
        ] {
            let target = target.to_owned();
            assert_eq!(Url::parse(url), Ok(Url { is_secure, authority, target }), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in ["", "/a", "example.org", "ftp://h/", "http://", "http:///a", "http://u:p@h/"] {
            let error = Url::parse(url).unwrap_err();
            assert!(error.ends_with(&format!("`{url}`")), "{error}");
        }
    }
}
