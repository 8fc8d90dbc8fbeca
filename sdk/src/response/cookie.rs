//! Cookies that an answer sets.

use std::time::Duration;

use crate::time::Timestamp;

/// A cookie to set (RFC 6265).
///
/// Unless told otherwise, it holds for the whole site, scripts of the page do not see it, and it is not sent along with
/// requests that other sites make: `Path=/; HttpOnly; SameSite=Lax`.
#[derive(Debug, Clone)]
pub struct Cookie<'a> {
    name: &'a str,
    value: &'a str,
    path: &'a str,
    domain: Option<&'a str>,
    age: Option<Duration>,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
}

/// Whether a cookie comes along with requests that other sites make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// Where the user follows a link.
    Lax,
    /// Always; browsers ask for [`secure`](Cookie::secure) then.
    None,
}

impl<'a> Cookie<'a> {
    /// A cookie that the browser keeps until it is closed.
    pub fn new(name: &'a str, value: &'a str) -> Self {
        Self {
            name,
            value,
            path: "/",
            domain: None,
            age: None,
            secure: false,
            http_only: true,
            same_site: SameSite::Lax,
        }
    }

    /// The browser is to forget the cookie. It must have the path and domain that it was set with.
    pub fn removal(name: &'a str) -> Self {
        Self::new(name, "").max_age(Duration::ZERO)
    }

    /// For paths below this one.
    #[must_use]
    pub fn path(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }

    /// For this domain and those below it, rather than for this host alone.
    #[must_use]
    pub fn domain(mut self, domain: &'a str) -> Self {
        self.domain = Some(domain);
        self
    }

    /// The browser is to keep it that long, to the second.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Over TLS only.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether scripts of the page do not see it; yes, unless told otherwise.
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Whether it comes along with requests that other sites make.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// The value of `set-cookie`. `None`: something in it is not allowed.
    pub(super) fn to_field(&self) -> Option<String> {
        let is_attribute = |text: &str| text.bytes().all(|b| matches!(b, 0x20..=0x7e) && b != b';');
        let is_valid = super::is_token(self.name)
            && self.value.bytes().all(is_cookie_octet)
            && is_attribute(self.path)
            && self.domain.is_none_or(is_attribute);
        if !is_valid {
            return None;
        }
        let mut field = String::with_capacity(self.name.len() + self.value.len() + 64);
        for part in [self.name, "=", self.value, "; Path=", self.path] {
            field.push_str(part);
        }
        if let Some(domain) = self.domain {
            field.push_str("; Domain=");
            field.push_str(domain);
        }
        if let Some(age) = self.age {
            field.push_str("; Max-Age=");
            field.push_str(&age.as_secs().to_string());
            if age.is_zero() {
                // For those that do not know `Max-Age`.
                field.push_str("; Expires=");
                field.push_str(&Timestamp::from_unix_seconds(0).to_http_date());
            }
        }
        if self.secure {
            field.push_str("; Secure");
        }
        if self.http_only {
            field.push_str("; HttpOnly");
        }
        field.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        Some(field)
    }
}

/// What the value of a cookie is made of.
fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(cookie: &Cookie<'_>) -> String {
        cookie.to_field().unwrap()
    }

    #[test]
    fn a_cookie_is_careful_unless_told_otherwise() {
        assert_eq!(field(&Cookie::new("id", "7")), "id=7; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn each_attribute_is_written() {
        let cookie = Cookie::new("id", "7")
            .path("/shop")
            .domain("example.org")
            .max_age(Duration::from_secs(60))
            .secure(true)
            .http_only(false)
            .same_site(SameSite::None);
        assert_eq!(
            field(&cookie),
            "id=7; Path=/shop; Domain=example.org; Max-Age=60; Secure; SameSite=None"
        );
        assert_eq!(
            field(&Cookie::removal("id")),
            "id=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn nothing_can_be_slipped_in() {
        for cookie in [
            Cookie::new("", "7"),
            Cookie::new("a b", "7"),
            Cookie::new("id", "7; Domain=evil"),
            Cookie::new("id", "a\r\nx: y"),
            Cookie::new("id", "ü"),
            Cookie::new("id", "7").path("/; Secure"),
            Cookie::new("id", "7").domain("a\n"),
        ] {
            assert_eq!(cookie.to_field(), None, "{cookie:?}");
        }
    }
}
