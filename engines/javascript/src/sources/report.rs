//! Messages that show the author's line.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// What is wrong in a file of a script. Displayed, it shows the line, and ends without a newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    name: String,
    message: String,
    help: Option<String>,
    /// `None` where it is no single place.
    place: Option<Place>,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    line: u32,
    /// From 1, in characters.
    column: u32,
    /// That line.
    text: String,
}

impl Report {
    pub(super) fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), message: message.into(), help: None, place: None }
    }

    pub(super) fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else {
            write!(f, "{}: {}", self.name, self.message)?;
            return self.help.iter().try_for_each(|help| write!(f, "\nhelp: {help}"));
        };
        let snippet = Snippet::source(place.text.as_str())
            .line_start(place.line as usize)
            .path(self.name.as_str())
            .annotation(AnnotationKind::Primary.span(place.word()));
        // The reader's own words come before it, so that "error:" would stand in the middle of a sentence.
        let title = Level::ERROR.no_name().primary_title(self.message.as_str());
        let mut group = Group::with_title(title).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        f.write_str(&Renderer::plain().render(&[group]))
    }
}

impl Place {
    /// The place of a byte.
    pub(super) fn of_byte(text: &str, byte: usize) -> Self {
        let before = &text[..text.floor_char_boundary(byte)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: saturated(before.matches('\n').count() + 1),
            column: saturated(before[line_start..].chars().count() + 1),
            text: text[line_start..].lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// The place that an engine tells, in a line and a column from 1. A column that the line does not have is
    /// its nearest end; `None` where there is no such line.
    pub(super) fn of_position(text: &str, line: u32, column: u32) -> Option<Self> {
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        let text = text.split('\n').nth(index)?.trim_end_matches('\r');
        let end = saturated(text.chars().count() + 1);
        Some(Self { line, column: column.clamp(1, end), text: text.to_owned() })
    }

    /// The bytes of `text` from here to the end of the string, the name or the sign that begins here.
    fn word(&self) -> Range<usize> {
        let skip = self.column.saturating_sub(1) as usize;
        let start = self.text.char_indices().nth(skip).map_or(self.text.len(), |(start, _)| start);
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            return start..start;
        };
        let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let string = || rest[1..].find(first).map(|end| end + 2);
        let length = match first {
            '"' | '\'' | '`' => string(),
            _ => rest.find(|c| !is_of_name(c)).or(Some(rest.len())).filter(|length| *length > 0),
        };
        start..start + length.unwrap_or(first.len_utf8())
    }
}

fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
