//! Attributes and documentation.

use proc_macro::{Delimiter, Span};

use super::{Cursor, Result};

/// One `#[name(body)]`, `#[name = body]` or `#[name]`.
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// What is between the parentheses, or after the `=`.
    pub(crate) body: Cursor,
}

/// The attributes before an item, its documentation apart.
#[derive(Default)]
pub(crate) struct Attributes {
    /// The documentation's text, its lines as written.
    pub(crate) docs: String,
    pub(crate) others: Vec<Attribute>,
}

impl Attributes {
    /// The first paragraph of the documentation, in one line.
    pub(crate) fn summary(&self) -> String {
        let lines = self.docs.lines().map(str::trim).take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The documentation without its first paragraph.
    pub(crate) fn description(&self) -> &str {
        self.docs.split_once("\n\n").map_or("", |(_, rest)| rest.trim())
    }
}

impl Cursor {
    /// The attributes that stand here, if any; the documentation's lines become one text.
    pub(crate) fn attributes(&mut self) -> Result<Attributes> {
        let mut attributes = Attributes::default();
        let mut lines = Vec::new();
        while self.eat_operator("#").is_some() {
            let group = self.group(Delimiter::Bracket, "an attribute in brackets")?;
            let mut inside = Self::of_group(&group);
            let name = inside.ident("the name of an attribute")?;
            let (span, name) = (name.span(), name.to_string());
            if name == "doc" && inside.eat_operator("=").is_some() {
                lines.extend(inside.string("the documentation").map(|text| text.value));
                continue;
            }
            let body = match inside.eat_group(Delimiter::Parenthesis) {
                Some(group) => Self::of_group(&group),
                None => {
                    inside.eat_operator("=");
                    inside
                }
            };
            attributes.others.push(Attribute { name, span, body });
        }
        attributes.docs = documentation(&lines);
        Ok(attributes)
    }
}

/// Joins lines of documentation: without the blank that follows `///`, and without empty lines around.
fn documentation(lines: &[String]) -> String {
    let text = lines.iter().flat_map(|line| line.split('\n'));
    let text = text.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    text.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::documentation;

    #[test]
    fn documentation_is_one_text() {
        let lines = [" A.", "", "   b", " "].map(str::to_owned);
        assert_eq!(documentation(&lines), "A.\n\n  b");
    }
}
