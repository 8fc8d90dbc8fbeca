//! The text of a `mik.toml`: what is wrong is told with file and line, and what is accepted means the same when it
//! is written anew.

use std::fmt::Write;
use std::sync::LazyLock;

use mik::config::{Config, Document, Problems, parse};
use mik_core::Registry;
use toml::{Table, Value};

/// The parts that are compiled in.
static PARTS: LazyLock<Registry> = LazyLock::new(mik::registry);

/// Reads the bytes as the file. What is not UTF-8 is refused before, when it is opened.
pub(super) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match read(text) {
        Err(problems) => are_told(&problems, text),
        Ok(config) => {
            let table = toml::from_str::<Table>(text).expect("what was accepted is TOML");
            let anew = table.iter().fold(String::new(), |mut all, (key, value)| {
                put_entry(&mut all, key, value);
                all.push('\n');
                all
            });
            let again = read(&anew).unwrap_or_else(|problems| panic!("{anew}\n{problems}"));
            // By their texts: a number that is none is not equal to itself.
            assert_eq!(format!("{config:?}"), format!("{again:?}"), "{anew}");
        }
    }
}

fn read(text: &str) -> Result<Config, Problems> {
    parse(&Document { path: "folder/mik.toml".into(), text: text.into() }, &PARTS)
}

/// Each with the file, a line that is there, and words.
fn are_told(problems: &Problems, text: &str) {
    assert!(!problems.is_empty() && problems.has_errors());
    let lines = text.matches('\n').count() as u64 + 1;
    let shown = problems.render(false);
    for problem in problems.to_json() {
        assert_eq!(problem["file"], "folder/mik.toml");
        let line = problem["line"].as_u64().unwrap_or_else(|| panic!("no line: {problem}"));
        assert!((1..=lines).contains(&line), "{problem} of {lines} lines");
        assert!(
            problem["message"].as_str().is_some_and(|message| !message.trim().is_empty()),
            "{problem}"
        );
        let place = format!("folder/mik.toml:{line}:");
        assert!(shown.contains(&place), "no {place} in\n{shown}");
    }
}

fn put_entry(to: &mut String, key: &str, value: &Value) {
    put_text(to, key);
    to.push_str(" = ");
    put(to, value);
}

/// All on one line: where a table stands in a file changes nothing.
fn put(to: &mut String, value: &Value) {
    match value {
        Value::String(text) => put_text(to, text),
        Value::Integer(number) => write!(to, "{number}").unwrap(),
        Value::Float(number) if number.is_nan() => to.push_str("nan"),
        Value::Float(number) if number.is_infinite() => {
            to.push_str(if *number > 0.0 { "inf" } else { "-inf" });
        }
        Value::Float(number) => write!(to, "{number:?}").unwrap(),
        Value::Boolean(is) => write!(to, "{is}").unwrap(),
        Value::Datetime(time) => write!(to, "{time}").unwrap(),
        Value::Array(list) => {
            to.push('[');
            list.iter().for_each(|value| {
                put(to, value);
                to.push_str(", ");
            });
            to.push(']');
        }
        Value::Table(table) => {
            to.push('{');
            for (index, (key, value)) in table.iter().enumerate() {
                to.push_str(if index > 0 { ", " } else { "" });
                put_entry(to, key, value);
            }
            to.push('}');
        }
    }
}

fn put_text(to: &mut String, text: &str) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => to.extend(['\\', character]),
            plain if plain >= ' ' && plain != '\u{7f}' => to.push(plain),
            other => write!(to, "\\u{:04X}", u32::from(other)).unwrap(),
        }
    }
    to.push('"');
}
