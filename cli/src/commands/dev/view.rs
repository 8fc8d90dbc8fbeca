//! What `mik dev` says of its own doing, between the lines of requests.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mik_core::{Host, ModuleName};

use super::banner;
use super::watch::shown;
use crate::build::{BuildError, Built};
use crate::failure::Failure;
use crate::log::{self, Sink};
use crate::plan::Plan;
use crate::serving::Reloaded;

/// Writes lines for who sits before the terminal, or reads the log.
#[derive(Clone)]
pub(super) struct View {
    sink: Sink,
    colour: bool,
}

const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

impl View {
    pub(super) fn new(sink: Sink, colour: bool) -> Self {
        Self { sink, colour }
    }

    /// The first thing that is told: where it listens, what is served, what is watched, which keys there are.
    pub(super) fn open(
        &self,
        address: SocketAddr,
        host: &Host,
        made: Option<&ModuleName>,
        rest: &[String],
    ) {
        let base = banner::base(address);
        let mut text = format!("\n{}\n", banner::addresses(&base, host, made));
        for line in rest {
            text.push_str(&format!("  {line}\n"));
        }
        text.push('\n');
        self.sink.open(&format!("listening on http://{address}\n{text}"));
    }

    pub(super) fn note(&self, text: impl fmt::Display) {
        self.line(text);
    }

    pub(super) fn warn(&self, text: impl fmt::Display) {
        self.line(format_args!("{} {text}", self.paint(YELLOW, "WARN")));
    }

    pub(super) fn building(&self, name: &ModuleName, changed: &[PathBuf], folder: &Path) {
        let why = match changed {
            [] => String::new(),
            [one] => format!("{} changed: ", shown(one, folder)),
            [first, rest @ ..] => {
                format!("{} and {} more changed: ", shown(first, folder), rest.len())
            }
        };
        self.line(format_args!("{why}building {name}…"));
    }

    pub(super) fn built(&self, name: &ModuleName, built: &Built) {
        let (time, size) = (log::duration(built.time), size(built.size));
        self.line(format_args!("{} {name} in {time}, {size}", self.paint(GREEN, "built")));
        for note in &built.notes {
            self.warn(note);
        }
    }

    /// `is_served`: whether there is a version of before.
    pub(super) fn not_built(&self, name: &ModuleName, error: &BuildError, is_served: bool) {
        let told = match error {
            BuildError::Config(problems) => problems.render(self.colour),
            other => other.to_string(),
        };
        let rest = match is_served {
            true => "the version built before keeps serving",
            false => "nothing is served until it builds",
        };
        let failed = self.paint(RED, "failed");
        self.line(format_args!("{failed} {name}: {}\n{rest}", told.trim_end()));
    }

    /// Tells that `mik.toml` cannot be put in force, or that the project cannot be understood.
    pub(super) fn refused(&self, failure: &Failure) {
        let told = failure.render(self.colour);
        self.line(format_args!("{}\nnothing was changed", told.trim_end()));
    }

    pub(super) fn reloaded(&self, reloaded: &Reloaded) {
        self.line("mik.toml read again");
        self.warnings(reloaded);
    }

    /// What is wrong, though it is in force.
    pub(super) fn warnings(&self, reloaded: &Reloaded) {
        self.problems(&reloaded.plan);
        if !reloaded.needs_restart.is_empty() {
            let keys = reloaded.needs_restart.join(", ");
            self.warn(format_args!("changed, but only a restart puts it in force: {keys}"));
        }
    }

    /// What is wrong with `mik.toml`, though it can be served.
    pub(super) fn problems(&self, plan: &Plan) {
        if !plan.problems.is_empty() {
            self.line(plan.problems.render(self.colour).trim_end());
        }
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    fn line(&self, text: impl fmt::Display) {
        self.sink.put(format!("{} {text}\n", log::stamp(self.colour)).as_bytes());
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Bytes as people read them, in powers of 1000.
fn size(bytes: u64) -> String {
    let kilobytes = bytes.div_ceil(1_000);
    match kilobytes {
        small if small < 1_000 => format!("{small} KB"),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in
            [(1, "1 KB"), (84_000, "84 KB"), (999_000, "999 KB"), (1_234_567, "1.2 MB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }
}
