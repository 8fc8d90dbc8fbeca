//! What shows only where all routes are seen together.

use std::cmp::Ordering;

use super::parse::{Route, Source};
use super::pattern::Pattern;
use crate::tokens::{Error, Errors, Result};

/// A line of the table: a pattern, and whose it is.
pub(super) struct Line<'a> {
    pub(super) route: usize,
    pub(super) methods: u16,
    pub(super) pattern: &'a Pattern,
}

/// The patterns of all routes, those that are more particular first.
pub(super) fn table(routes: &[Route]) -> Result<Vec<Line<'_>>> {
    let mut errors = Errors::default();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (at, route) in routes.iter().enumerate() {
        if let Some(error) = nothing_to_read(route) {
            errors.add(error);
        }
        for pattern in &route.patterns {
            let line = Line { route: at, methods: route.methods(), pattern };
            for other in &lines {
                if let Some(error) = duplicate(&line, other, route) {
                    errors.add(error);
                }
            }
            lines.push(line);
        }
    }
    lines.sort_by(|one, other| {
        by_rank(one.pattern, other.pattern).then_with(|| has_head(other).cmp(&has_head(one)))
    });
    errors.finish(lines)
}

/// Segment by segment: a text, a parameter, the rest of the path.
fn by_rank(one: &Pattern, other: &Pattern) -> Ordering {
    let ranks = |pattern: &Pattern| {
        pattern.segments.iter().map(super::pattern::Segment::rank).collect::<Vec<_>>()
    };
    ranks(one).cmp(&ranks(other))
}

/// A route for HEAD goes before one that answers it with the head of GET.
fn has_head(line: &Line<'_>) -> bool {
    line.methods & 2 != 0
}

/// A path that is to be read, but has nothing to read.
fn nothing_to_read(route: &Route) -> Option<Error> {
    let input = route.input(Source::Path)?;
    let pattern = route.patterns.iter().find(|pattern| pattern.names().next().is_none())?;
    let message = format!("\"{}\" has no parameter to read, such as `{{id}}`", pattern.text);
    Some(Error::new(input.span, message))
}

fn duplicate(line: &Line<'_>, other: &Line<'_>, route: &Route) -> Option<Error> {
    let (one, two) = (&line.pattern.segments, &other.pattern.segments);
    let is_same = one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.is_like(two));
    let method = route.methods.iter().find(|method| 1 << method.number & other.methods != 0);
    let method = method.filter(|_| is_same)?;
    let message = match line.pattern.text == other.pattern.text {
        true => format!("`{} {}` is there already", method.name(), line.pattern.text),
        false => format!(
            "`{} {}` stands for the same paths as \"{}\", which is there already",
            method.name(),
            line.pattern.text,
            other.pattern.text,
        ),
    };
    Some(Error::new(line.pattern.span, message))
}
