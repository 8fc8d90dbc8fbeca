//! What is wrong with a `mik.toml`, shown where it is wrong.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

/// A `mik.toml` as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text.
    pub text: Arc<str>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing runs with it.
    Error,
    /// It runs, but hardly as meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What was expected there.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// The bytes of the document that are wrong; `None` where it is no single place.
    pub span: Option<Range<usize>>,
    /// Whether what stands there may be a secret, and is not shown.
    pub is_private: bool,
}

/// All that is wrong, in the order of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    document: Option<Document>,
    list: Vec<Problem>,
}

impl Document {
    /// The folder that relative paths start from.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Whether a byte stands in the header of a table.
    fn is_header(&self, byte: usize) -> bool {
        let (line, _) = self.position(byte);
        self.text.lines().nth(line - 1).is_some_and(|line| line.trim_start().starts_with('['))
    }

    /// Line and column of a byte, both from 1, the column in characters. The end of the text belongs to its last
    /// line.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let text = self.text.strip_suffix('\n').unwrap_or(&self.text);
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

impl Problem {
    /// An error with these words.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            label: None,
            help: None,
            span: None,
            is_private: false,
        }
    }

    /// A warning with these words.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// The same, at this place.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Range<usize>>>) -> Self {
        self.span = span.into();
        self
    }

    /// What a parser or serde says, in the words of TOML instead of those of Rust; what was expected goes below
    /// the mark.
    pub(crate) fn told(text: &str) -> Self {
        let (message, expected) = match text.trim_end().split_once(", expected ") {
            Some((message, expected)) => (message, Some(expected)),
            None => (text.trim_end(), None),
        };
        let message = message
            .replace("invalid type: sequence", "invalid type: list")
            .replace("invalid type: map", "invalid type: table")
            .replace("floating point", "number")
            .replace("unknown variant", "unknown value")
            .replace("missing field", "missing key");
        let problem = Self::error(message);
        let Some(expected) = expected else { return problem };
        problem.expected(match expected {
            "a map" => "expected a table".to_owned(),
            "a sequence" => "expected a list".to_owned(),
            "a string" => "expected a text".to_owned(),
            "path string" => "expected a path".to_owned(),
            "a boolean" => "expected true or false".to_owned(),
            "f64" => "expected a number".to_owned(),
            "literal string" => "expected a value, such as \"text\", 80 or true".to_owned(),
            of if of.starts_with("struct ") => "expected a table".to_owned(),
            other => format!("expected {other}"),
        })
    }

    /// The same, with what was expected.
    #[must_use]
    pub fn expected(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same, with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    fn render(&self, document: Option<&Document>, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()));
        if let Some(document) = document {
            let path = document.path.display().to_string();
            match &self.span {
                Some(span) if self.is_private && !document.is_header(span.start) => {
                    let (line, column) = document.position(span.start);
                    group = group.element(Origin::path(path).line(line).char_column(column));
                }
                Some(span) => {
                    let mut mark = AnnotationKind::Primary.span(clamp(span, &document.text));
                    if let Some(label) = &self.label {
                        mark = mark.label(label.as_str());
                    }
                    group =
                        group.element(Snippet::source(&*document.text).path(path).annotation(mark));
                }
                None => group = group.element(Origin::path(path)),
            }
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl Problems {
    /// Problems of `document`, or of no document, in its order.
    pub fn new(document: Option<Document>, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.as_ref().map_or(usize::MAX, |span| span.start));
        Self { document, list }
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Whether there is no problem at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Only the warnings.
    #[must_use]
    pub fn warnings(mut self) -> Self {
        self.list.retain(|problem| problem.severity == Severity::Warning);
        self
    }

    /// All of them for people, each with its line and a mark below what is wrong.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let each =
            self.list.iter().map(|problem| problem.render(self.document.as_ref(), &renderer));
        each.collect::<Vec<_>>().join("\n\n")
    }

    /// All of them for machines.
    pub fn to_json(&self) -> Vec<serde_json::Value> {
        let json = |problem: &Problem| {
            let place = self.document.as_ref().zip(problem.span.as_ref());
            let position = place.map(|(document, span)| document.position(span.start));
            serde_json::json!({
                "severity": problem.severity,
                "message": problem.message,
                "expected": problem.label,
                "help": problem.help,
                "file": self.document.as_ref().map(|document| document.path.display().to_string()),
                "line": position.map(|(line, _)| line),
                "column": position.map(|(_, column)| column),
            })
        };
        self.list.iter().map(json).collect()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// A range that lies within `text`, on character boundaries.
fn clamp(span: &Range<usize>, text: &str) -> Range<usize> {
    let end = text.floor_char_boundary(span.end.min(text.len()));
    text.floor_char_boundary(span.start.min(end))..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_and_marks_it() {
        let document = Document { path: "mik.toml".into(), text: "[server]\nprot = 80\n".into() };
        let problem = Problem::error("unknown key `prot`")
            .at(9..13)
            .help(Some("did you mean `port`?".into()));
        let text = Problems::new(Some(document), vec![problem]).to_string();
        for part in
            ["error: unknown key `prot`", "mik.toml:2:1", "prot = 80", "^^^^", "help: did you mean"]
        {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn places_past_the_end_or_inside_a_character_do_no_harm() {
        let document = Document { path: "mik.toml".into(), text: "a = \"ä".into() };
        for span in [6..7, 7..9, 100..200, 7..7] {
            let problem = Problem::error("x").at(span);
            assert!(
                Problems::new(Some(document.clone()), vec![problem])
                    .to_string()
                    .contains("mik.toml:1")
            );
        }
    }
}
