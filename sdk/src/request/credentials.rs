//! Who asks: cookies and tokens.

use super::Request;

impl Request {
    /// The value of a cookie, as it came.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// All cookies, names and values, as they came (RFC 6265, section 5.4).
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers().get_all("cookie").flat_map(|line| line.split(';')).filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            Some((name.trim(), quoted.unwrap_or(value)))
        })
    }

    /// The token of `authorization: Bearer TOKEN` (RFC 6750).
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.trim().split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }
}
