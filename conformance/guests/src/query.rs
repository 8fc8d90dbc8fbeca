//! The query string, which is how a test tells a guest what to do.

use wasip2::http::types::IncomingRequest;

/// The parameters of a query string, percent-decoded. A `+` stays a `+`.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The parameters of this request.
    pub fn of(request: &IncomingRequest) -> Self {
        let target = request.path_with_query().unwrap_or_default();
        Self::parse(target.split_once('?').map_or("", |(_, query)| query))
    }

    /// Reads `a=1&b=2`; a parameter without `=` has an empty value.
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    let text = |part| String::from_utf8_lossy(&percent_decoded(part)).into_owned();
                    (text(name), text(value))
                })
                .collect(),
        )
    }

    /// The value of the first parameter of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value as a whole number, if the parameter is there.
    pub fn number(&self, name: &str) -> Result<Option<u64>, String> {
        self.text(name)
            .map(|value| {
                value
                    .parse()
                    .map_err(|_| format!("`{name}` must be a whole number, not `{value}`"))
            })
            .transpose()
    }

    /// The value as a whole number, or `default`.
    pub fn number_or(&self, name: &str, default: u64) -> Result<u64, String> {
        Ok(self.number(name)?.unwrap_or(default))
    }

    /// The same, for a size of something in this guest's 32-bit memory.
    pub fn size_or(&self, name: &str, default: usize) -> Result<usize, String> {
        let number = self.number_or(name, default as u64)?;
        usize::try_from(number).map_err(|_| format!("`{name}` must be below 4294967296"))
    }

    /// Whether the parameter is there and is `1`.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("1")
    }
}

/// Percent-decoding; a `%` that no two hexadecimal digits follow stays as it is.
pub fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        match escaped.and_then(hex_byte) {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let value = |digit: &u8| (*digit as char).to_digit(16);
    Some((value(&digits[0])? * 16 + value(&digits[1])?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_decoded_and_strays_are_kept() {
        let query =
            Query::parse("url=http%3A%2F%2Fh%2F%3Fa%3D1&&t=%1b%0d%0A&x=100%&y=%+1&z=%C3%A9");
        assert_eq!(query.text("url"), Some("http://h/?a=1"));
        assert_eq!(query.text("t"), Some("\u{1b}\r\n"));
        assert_eq!(query.text("x"), Some("100%"));
        assert_eq!(query.text("y"), Some("%+1"));
        assert_eq!(query.text("z"), Some("é"));
        assert_eq!(query.text("none"), None);
    }

    #[test]
    fn a_number_that_is_none_is_an_error() {
        let query = Query::parse("n=12&bad=-1&empty");
        assert_eq!(query.number("n"), Ok(Some(12)));
        assert_eq!(query.number_or("absent", 7), Ok(7));
        assert!(query.number("bad").is_err());
        assert!(query.number("empty").is_err());
    }
}
