//! As much of Markdown as the documentation uses.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use mik_conformance::repository;

/// A page.
pub(super) struct Page {
    pub(super) path: PathBuf,
    /// Its path within the repository.
    pub(super) name: String,
    text: String,
}

/// A block of code.
pub(super) struct Block<'a> {
    /// The line that opens it.
    pub(super) line: usize,
    language: &'a str,
    pub(super) text: String,
}

impl Page {
    pub(super) fn open(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.strip_prefix(repository()).unwrap_or(path).display().to_string();
        Self { path: path.to_owned(), name, text }
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let mut open: Option<Block<'_>> = None;
        self.text.lines().enumerate().filter_map(move |(index, line)| {
            let fence = line.trim_start().strip_prefix("```");
            match (&mut open, fence) {
                (None, Some(language)) => {
                    let (line, language) = (index + 1, language.trim());
                    open = Some(Block { line, language, text: String::new() });
                }
                (None, None) => {}
                (Some(_), Some(_)) => return open.take(),
                (Some(block), None) => {
                    block.text += line;
                    block.text.push('\n');
                }
            }
            None
        })
    }

    /// The targets of all links, each with its line.
    pub(super) fn links(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose().flat_map(|(line, text)| {
            text.split("](").skip(1).filter_map(move |rest| Some((line, rest.split_once(')')?.0)))
        })
    }

    /// What may stand behind `#` in a link to this page.
    pub(super) fn anchors(&self) -> impl Iterator<Item = String> {
        let mut seen = HashMap::<String, usize>::new();
        self.prose().filter_map(move |(_, text)| {
            let heading = text.trim_start_matches('#');
            let is_heading = heading.len() < text.len() && heading.starts_with(' ');
            is_heading.then(|| {
                let anchor = anchor(heading.trim());
                let times = seen.entry(anchor.clone()).or_default();
                *times += 1;
                if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
            })
        })
    }

    /// The lines outside of blocks of code.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_code = false;
        self.text.lines().enumerate().filter_map(move |(index, line)| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            (!is_code && !is_fence).then_some((index + 1, line))
        })
    }
}

impl Block<'_> {
    pub(super) fn is(&self, language: &str) -> bool {
        self.language == language
    }

    /// Whether it is a piece of a `mik.toml`: the pieces of other files in TOML begin with their name.
    pub(super) fn is_config(&self) -> bool {
        self.is("toml") && !self.text.starts_with("# Cargo.toml")
    }
}

/// What a heading is called in links: letters and digits in lower case, `-` for each space.
fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    let lower = heading.to_lowercase();
    lower.chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}
