//! Header fields that were received.

/// Header fields, in their order. Names are compared without regard to case.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    pub(crate) fn new(fields: Vec<(String, Vec<u8>)>) -> Self {
        Self(fields)
    }

    /// The value of the first field with this name, if it is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.first(name)?).ok()
    }

    /// The values of all fields with this name, those that are text.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let fields = self.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        fields.filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Whether there is a field with this name.
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The media type of a `content-type`, without its parameters.
pub(crate) fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// `application/json`, or a type that is written in JSON, such as `application/problem+json` (RFC 6839).
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type.eq_ignore_ascii_case("application/json")
        || media_type
            .len()
            .checked_sub("+json".len())
            .and_then(|at| media_type.get(at..))
            .is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
}

/// The parameter of a field such as `content-type` or `content-disposition` (RFC 9110, section 5.6.6).
pub(crate) fn parameter(field: &str, name: &str) -> Option<String> {
    let mut rest = field;
    loop {
        rest = rest.get(end_of_part(rest) + 1..)?;
        let Some((found, value)) = rest.split_once('=') else { continue };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(unquoted(value[..end_of_part(value)].trim()));
        }
    }
}

/// Where the next semicolon is that does not stand between quotes, or else the end.
fn end_of_part(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn unquoted(text: &str) -> String {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let Some(inside) = inside else { return text.to_owned() };
    let mut value = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let fields = [("Accept", "a"), ("x-id", "7"), ("accept", "b"), ("x-raw", "")];
        let mut fields: Vec<_> = fields.map(|(n, v)| (n.to_owned(), v.as_bytes().to_vec())).into();
        fields[3].1 = vec![0xff];
        let headers = Headers::new(fields);
        assert_eq!(headers.get("ACCEPT"), Some("a"));
        assert_eq!(headers.get_all("accept").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(headers.get("x-none"), None);
        assert_eq!(headers.get("x-raw"), None);
        assert!(headers.contains("x-raw"));
        assert_eq!(headers.iter().last(), Some(("x-raw", [0xff].as_slice())));
        assert_eq!(headers.len(), 4);
    }

    #[test]
    fn media_types_of_json() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("application/jsonp", false),
            ("text/json", false),
            ("+json", true),
            ("json", false),
            ("ü+json", true),
            ("", false),
        ] {
            assert_eq!(is_json(media_type(content_type)), expected, "{content_type}");
        }
    }

    #[test]
    fn parameters_are_read_with_their_quotes() {
        let field = r#"form-data; name="a;b=\"c\\"; filename=x.txt ; empty="#;
        assert_eq!(parameter(field, "NAME").as_deref(), Some(r#"a;b="c\"#));
        assert_eq!(parameter(field, "filename").as_deref(), Some("x.txt"));
        assert_eq!(parameter(field, "empty").as_deref(), Some(""));
        assert_eq!(parameter(field, "b"), None);
        assert_eq!(parameter("form-data", "name"), None);
        assert_eq!(parameter("", "name"), None);
        assert_eq!(parameter("a; flag; name=b", "name").as_deref(), Some("b"));
    }
}
