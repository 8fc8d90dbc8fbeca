//! Patterns of paths: `/users/{id}`, `/files/{path*}`.

use proc_macro::Span;

use crate::tokens::{Error, Result, Text};

#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) span: Span,
    /// What stands between the slashes: nothing for the empty path, one empty text for `/`.
    pub(super) segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Text(String),
    /// `{id}`.
    Parameter(String),
    /// `{path*}`: the rest of the path.
    Rest(String),
}

impl Pattern {
    pub(super) fn parse(text: &Text) -> Result<Self> {
        match segments(&text.value) {
            Ok(segments) => Ok(Self { text: text.value.clone(), span: text.span, segments }),
            Err(message) => Err(Error::new(text.span, message)),
        }
    }

    /// The names of the parameters, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    pub(super) fn has_rest(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Rest(_)))
    }

    /// The path as OpenAPI writes it: which knows neither an empty path nor a rest of one.
    pub(super) fn for_openapi(&self) -> String {
        match self.text.as_str() {
            "" => "/".to_owned(),
            text => text.replace("*}", "}"),
        }
    }
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Parameter(name) | Self::Rest(name) => Some(name),
        }
    }

    /// How particular it is: the least goes first.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Parameter(_) => 1,
            Self::Rest(_) => 2,
        }
    }

    /// Whether both stand for the same paths, whatever their names.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => self.rank() == other.rank(),
        }
    }
}

fn segments(text: &str) -> std::result::Result<Vec<Segment>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(format!("a path begins with a slash; did you mean \"/{text}\"?"));
    };
    if let Some(sign) = text.chars().find(|sign| matches!(sign, '?' | '#')) {
        return Err(format!("a path has no `{sign}`; what the query says is read with `query: …`"));
    }
    let parts: Vec<_> = rest.split('/').collect();
    let mut segments = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let is_last = at + 1 == parts.len();
        let segment = segment(part)?;
        if part.is_empty() && !is_last {
            return Err(format!("there is nothing between two slashes of \"{text}\""));
        }
        if matches!(segment, Segment::Rest(_)) && !is_last {
            return Err(format!("`{part}` stands for the rest of the path: nothing can follow it"));
        }
        if segment.name().is_some()
            && segments.iter().any(|other: &Segment| other.name() == segment.name())
        {
            return Err(format!("`{part}`: there is a parameter of this name before"));
        }
        segments.push(segment);
    }
    Ok(segments)
}

fn segment(part: &str) -> std::result::Result<Segment, String> {
    if let Some(meant) = foreign(part) {
        return Err(format!("`{part}` is no parameter; did you mean `{meant}`?"));
    }
    if !part.contains(['{', '}']) {
        return plain(part);
    }
    let inside = match (part.strip_prefix('{'), part.strip_suffix('}')) {
        (Some(_), Some(_)) => &part[1..part.len() - 1],
        (Some(rest), None) if !rest.contains('}') => {
            return Err(format!("`{part}` lacks a `}}`; did you mean `{part}}}`?"))
        }
        (None, Some(rest)) if !rest.contains('{') => {
            return Err(format!("`{part}` lacks a `{{`; did you mean `{{{part}`?"))
        }
        _ => return Err(format!("`{part}`: a parameter stands alone between two slashes")),
    };
    let (name, is_rest) = match inside.strip_suffix('*') {
        Some(name) => (name, true),
        None => (inside, false),
    };
    if !is_name(name) {
        return Err(match name.split_once(':') {
            Some((name, _)) if is_name(name) => {
                format!("`{part}`: what a parameter is, the type says; did you mean `{{{name}}}`?")
            }
            _ if name.contains(['{', '}']) => {
                format!("`{part}`: a parameter stands alone between two slashes")
            }
            _ => format!("`{part}`: the name of a parameter is one of a field, such as `{{id}}`"),
        });
    }
    Ok(if is_rest { Segment::Rest(name.to_owned()) } else { Segment::Parameter(name.to_owned()) })
}

fn plain(part: &str) -> std::result::Result<Segment, String> {
    if part.contains('%') {
        return Err(format!("`{part}`: a path stands here as it reads, without percent signs"));
    }
    if part == "." || part == ".." {
        return Err(format!("`{part}`: no client sends that"));
    }
    Ok(Segment::Text(part.to_owned()))
}

/// What is meant where a parameter is written as other routers have it.
fn foreign(part: &str) -> Option<String> {
    let named = |name: &str, star: &str| is_name(name).then(|| format!("{{{name}{star}}}"));
    if let Some(name) = part.strip_prefix(':') {
        return named(name, "");
    }
    if let Some(inside) = part.strip_prefix('<').and_then(|part| part.strip_suffix('>')) {
        return match inside.strip_suffix("..") {
            Some(name) => named(name, "*"),
            None => named(inside, ""),
        };
    }
    if let Some(inside) = part.strip_prefix("{*").and_then(|part| part.strip_suffix('}')) {
        return named(inside, "*");
    }
    match part.strip_prefix('*') {
        Some("" | "*") => Some("{rest*}".to_owned()),
        Some(name) => named(name, "*"),
        None => None,
    }
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|other| other.is_alphanumeric() || other == '_')
}

#[cfg(test)]
mod tests {
    use super::{segments, Segment};

    fn text(text: &str) -> Segment {
        Segment::Text(text.to_owned())
    }

    #[test]
    fn patterns_are_read() {
        assert_eq!(segments(""), Ok(vec![]));
        assert_eq!(segments("/"), Ok(vec![text("")]));
        assert_eq!(segments("/users/"), Ok(vec![text("users"), text("")]));
        let parameter = Segment::Parameter("id".to_owned());
        assert_eq!(segments("/users/{id}/x"), Ok(vec![text("users"), parameter, text("x")]));
        assert_eq!(segments("/{r*}"), Ok(vec![Segment::Rest("r".to_owned())]));
        assert_eq!(segments("/straße/a.b-c"), Ok(vec![text("straße"), text("a.b-c")]));
    }

    #[test]
    fn mistakes_are_told() {
        for (pattern, message) in [
            ("users", "a path begins with a slash; did you mean \"/users\"?"),
            ("/a//b", "there is nothing between two slashes of \"/a//b\""),
            ("/a?b", "a path has no `?`; what the query says is read with `query: …`"),
            ("/{a}/{a}", "`{a}`: there is a parameter of this name before"),
            ("/{a*}/b", "`{a*}` stands for the rest of the path: nothing can follow it"),
            ("/{a", "`{a` lacks a `}`; did you mean `{a}`?"),
            ("/a}", "`a}` lacks a `{`; did you mean `{a}`?"),
            ("/v{a}", "`v{a}`: a parameter stands alone between two slashes"),
            ("/{a}.json", "`{a}.json`: a parameter stands alone between two slashes"),
            ("/{a}{b}", "`{a}{b}`: a parameter stands alone between two slashes"),
            ("/}{", "`}{`: a parameter stands alone between two slashes"),
            ("/{}", "`{}`: the name of a parameter is one of a field, such as `{id}`"),
            ("/{a-b}", "`{a-b}`: the name of a parameter is one of a field, such as `{id}`"),
            ("/{id:u32}", "`{id:u32}`: what a parameter is, the type says; did you mean `{id}`?"),
            ("/:id", "`:id` is no parameter; did you mean `{id}`?"),
            ("/<id>", "`<id>` is no parameter; did you mean `{id}`?"),
            ("/<id..>", "`<id..>` is no parameter; did you mean `{id*}`?"),
            ("/{*id}", "`{*id}` is no parameter; did you mean `{id*}`?"),
            ("/*", "`*` is no parameter; did you mean `{rest*}`?"),
            ("/a%20b", "`a%20b`: a path stands here as it reads, without percent signs"),
            ("/a/..", "`..`: no client sends that"),
        ] {
            assert_eq!(segments(pattern), Err(message.to_owned()), "{pattern}");
        }
    }
}
