//! From text to tables, with everything that is wrong on the way.

use std::collections::BTreeMap;
use std::ops::Range;

use mik_core::Registry;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::problem::Problem;
use super::schema::{BY_NAME, with_middleware};
use super::tables::Config;
use super::unknown;

/// Where in a document each key and each element stands.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<Vec<String>, Place>);

/// The key (of an element: the element) and the value.
#[derive(Debug)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

/// Reads a document. What is wrong is left out of the configuration and told in the list, so that one
/// reading finds everything.
pub(crate) fn read(text: &str, registry: &Registry) -> (Config, Places, Vec<Problem>) {
    read_without(&[], text, registry)
}

/// The same of what does not depend on the parts that are compiled in. What is wrong in the tables of
/// middleware, modules and scripts is left to who serves them.
#[cfg(feature = "develop")]
pub(crate) fn read_for_build(text: &str) -> (Config, Places, Vec<Problem>) {
    read_without(&["middleware", "modules", "plugin", "scripts"], text, &Registry::new())
}

fn read_without(
    omitted: &[&str],
    text: &str,
    registry: &Registry,
) -> (Config, Places, Vec<Problem>) {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let (span, mut table) = (tree.span(), tree.into_inner());
    let mut places = Places::default();
    places.add_table(&table, &mut Vec::new());
    for name in omitted {
        table.remove(*name);
    }
    let mut problems: Vec<_> = errors.iter().map(|error| syntax_problem(text, error)).collect();
    let broken: Vec<_> =
        problems.iter().filter_map(|p| Some(line(text, p.span.clone()?))).collect();
    // To make the schema takes a millisecond of a start that takes ten.
    if !table.is_empty() {
        let schema = with_middleware(registry, |name| names_middleware(&table, name));
        remove_absent(&mut table, registry, &mut problems);
        unknown::remove(&mut table, &schema, &mut problems);
    }
    leave_to_middleware(&mut table, registry);
    let config = loop {
        match Config::deserialize(Deserializer::from(Spanned::new(span.clone(), table.clone()))) {
            Ok(config) => break config,
            Err(error) => {
                // What surrounds something wrong (a required key that was misspelt) is wrong because of it.
                let told = |known: &Problem| {
                    let (outer, inner) = (error.span(), known.span.as_ref());
                    outer.zip(inner).is_some_and(|(outer, inner)| {
                        holds(&outer, inner) || holds(&places.all_of(&outer), inner)
                    })
                };
                if !problems.iter().any(told) {
                    problems.push(type_problem(text, &error));
                }
                let removed = error.span().is_some_and(|span| cut(&mut table, &span));
                if !removed {
                    break Config::default();
                }
            }
        }
    };
    // What a line that is no TOML seems to mean is not worth telling.
    let mut syntax = broken.len();
    problems.retain(|problem| {
        let first = syntax > 0;
        syntax = syntax.saturating_sub(1);
        let start = problem.span.as_ref().map(|span| span.start);
        first || !start.is_some_and(|start| broken.iter().any(|line| line.contains(&start)))
    });
    (config, places, problems)
}

/// Whether the file has a table for the middleware `name`.
fn names_middleware(table: &DeTable<'_>, name: &str) -> bool {
    let inner = |value: Option<&Spanned<DeValue<'_>>>| match value.map(Spanned::get_ref) {
        Some(DeValue::Table(inner)) => inner.contains_key(name),
        _ => false,
    };
    let any = |kind: &str| match table.get(kind).map(Spanned::get_ref) {
        Some(DeValue::Table(all)) => all.values().any(|one| inner(Some(one))),
        _ => false,
    };
    inner(table.get("middleware")) || BY_NAME.into_iter().any(any)
}

/// Takes tables of middleware that are not compiled in out of those of modules and scripts, and says so.
fn remove_absent(table: &mut DeTable<'_>, registry: &Registry, problems: &mut Vec<Problem>) {
    each_named(table, |one| {
        for (name, feature) in registry.absent_middlewares() {
            let Some((key, _)) = one.remove_entry(name) else { continue };
            let message = format!(
                "the middleware `{name}` is not compiled in: build with `--features {feature}`"
            );
            problems.push(Problem::error(message).at(key.span()));
        }
    });
}

/// Shows the table of each module and of each script.
fn each_named<'a>(table: &mut DeTable<'a>, mut show: impl FnMut(&mut DeTable<'a>)) {
    for kind in BY_NAME {
        let Some(DeValue::Table(all)) = table.get_mut(kind).map(Spanned::get_mut) else {
            continue;
        };
        for (_, one) in all.iter_mut() {
            if let DeValue::Table(one) = one.get_mut() {
                show(one);
            }
        }
    }
}

/// Takes out what the middleware themselves read: here, only their switch matters.
fn leave_to_middleware(table: &mut DeTable<'_>, registry: &Registry) {
    if let Some(DeValue::Table(all)) = table.get_mut("middleware").map(Spanned::get_mut) {
        for (key, value) in all.iter_mut().filter(|(key, _)| key.get_ref() != "order") {
            let is_short = registry.middleware_shorthand(key.get_ref()).is_some();
            if is_short && !value.get_ref().is_table() {
                *value.get_mut() = DeValue::Table(DeTable::new());
            }
        }
    }
    each_named(table, |one| {
        let names: Vec<_> = one.keys().map(|key| key.get_ref().to_string()).collect();
        for name in names.iter().filter(|name| registry.is_per_module(name)) {
            one.remove(name.as_str());
        }
    });
}

impl Places {
    /// Where the value at `path` stands; an element of a list is named by its index.
    pub(crate) fn value(&self, path: &[&str]) -> Option<Range<usize>> {
        self.place(path).map(|place| place.value.clone())
    }

    /// Where the last key of `path` stands.
    pub(crate) fn key(&self, path: &[&str]) -> Option<Range<usize>> {
        self.place(path).map(|place| place.key.clone())
    }

    /// The whole entry, key and value, of the table of a middleware that holds `span`.
    pub(crate) fn entry_of_middleware(&self, span: &Range<usize>) -> Option<Range<usize>> {
        self.of_middleware(span).map(|(_, entry)| entry)
    }

    /// The name of the table of a middleware that holds `span`: `modules.NAME.MIDDLEWARE`.
    pub(crate) fn table_of_middleware(&self, span: &Range<usize>) -> Option<String> {
        let (path, _) = self.of_middleware(span)?;
        let depth = if path[0] == "middleware" { 2 } else { 3 };
        Some(path[..depth].join("."))
    }

    /// The first module or script that has a table of the middleware `name` of its own.
    pub(crate) fn of_one(&self, name: &str) -> Option<Vec<&str>> {
        let is_it = |path: &&Vec<String>| {
            path.len() == 3 && BY_NAME.contains(&path[0].as_str()) && path[2] == name
        };
        self.0.keys().find(is_it).map(|path| path.iter().map(String::as_str).collect())
    }

    fn of_middleware(&self, span: &Range<usize>) -> Option<(&[String], Range<usize>)> {
        let own = self.0.iter().filter(|(path, _)| match path[0].as_str() {
            "middleware" => path.len() == 3,
            "modules" | "scripts" => matches!(path.len(), 3 | 4),
            _ => false,
        });
        let around = own
            .map(|(path, place)| (&**path, place.key.start..place.value.end.max(place.key.end)))
            .filter(|(_, entry)| holds(entry, span));
        around.max_by_key(|(path, _)| path.len())
    }

    /// From the first to the last byte of what lies in the table or list whose own place is `span`: that of a
    /// table is its header alone.
    fn all_of(&self, span: &Range<usize>) -> Range<usize> {
        let is_it = |(_, place): &(&Vec<String>, &Place)| place.value == *span;
        let Some((path, _)) = self.0.iter().find(is_it) else { return span.clone() };
        let below = self.0.range(path.clone()..).take_while(|(other, _)| other.starts_with(path));
        let end = below.map(|(_, place)| place.value.end).max();
        span.start..end.unwrap_or(span.end).max(span.end)
    }

    fn place(&self, path: &[&str]) -> Option<&Place> {
        self.0.get(&path.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn add_table(&mut self, table: &DeTable<'_>, path: &mut Vec<String>) {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            self.add(key.span(), value, path);
            path.pop();
        }
    }

    fn add(&mut self, key: Range<usize>, value: &Spanned<DeValue<'_>>, path: &mut Vec<String>) {
        self.0.insert(path.clone(), Place { key, value: value.span() });
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(table, path),
            DeValue::Array(list) => {
                for (index, element) in list.iter().enumerate() {
                    path.push(index.to_string());
                    self.add(element.span(), element, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }
}

/// What serde does not take. Where a list of tables is due, one is easily written as a single table.
fn type_problem(text: &str, error: &toml::de::Error) -> Problem {
    let problem = Problem::told(error.message()).at(error.span());
    let header = error.span().and_then(|span| text.get(span)).filter(|text| text.starts_with('['));
    match (header, problem.label.as_deref()) {
        (Some(header), Some("expected a list")) if &*problem.message == "invalid type: table" => {
            problem.help(Some(format!("write [{header}] for each of them")))
        }
        _ => problem,
    }
}

/// What is no TOML. The parser takes a value that is not there for a text without quotes.
fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let problem = Problem::told(error.message()).at(error.span());
    if problem.span.is_none() {
        return problem.at(first_unplaced(text));
    }
    let rest = error.span().and_then(|span| text.get(span.start..)).unwrap_or_default();
    let is_absent = rest.lines().next().is_none_or(|line| line.trim().is_empty());
    match &*problem.message {
        "string values must be quoted" if is_absent => {
            Problem { message: "a key without a value".into(), ..problem }
        }
        _ => problem,
    }
}

/// The line of the first error of which the parser does not say where it is: what is nested too deeply.
fn first_unplaced(text: &str) -> Range<usize> {
    let ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at).chain([text.len()]).collect();
    let is_placed = |end: &usize| {
        let (_, errors) = DeTable::parse_recoverable(&text[..*end]);
        errors.iter().all(|error| error.span().is_some())
    };
    let end = ends.get(ends.partition_point(is_placed)).copied().unwrap_or(text.len());
    text[..end].rfind('\n').map_or(0, |newline| newline + 1)..end
}

/// Takes out the innermost entry or element that holds `span`.
fn cut(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    // The place of a table is that of its header, so what lies inside is looked at in any case.
    if table.iter_mut().any(|(_, value)| cut_inside(value, span)) {
        return true;
    }
    let here =
        table.iter().find(|(key, value)| holds(&key.span(), span) || holds(&value.span(), span));
    let Some(key) = here.map(|(key, _)| key.get_ref().to_string()) else { return false };
    table.remove(key.as_str()).is_some()
}

fn cut_inside(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(inner) => cut(inner, span),
        DeValue::Array(list) => {
            let mut removed = false;
            let elements = std::mem::replace(list, DeArray::new()).into_iter();
            *list = elements
                .filter_map(|mut element| {
                    let inside = !removed && cut_inside(&mut element, span);
                    let here = !removed && !inside && holds(&element.span(), span);
                    removed |= inside || here;
                    (!here).then_some(element)
                })
                .collect();
            removed
        }
        _ => false,
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// The bytes of the lines that `span` touches.
fn line(text: &str, span: Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let [start, end] = [span.start, span.end].map(|at| at.min(bytes.len()));
    let first = bytes[..start].iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
    let last =
        bytes[end..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |newline| end + newline);
    first..last + 1
}
