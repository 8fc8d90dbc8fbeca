//! Cases as data: what a file of `cases/` says, read and checked. The README there is their reference.

mod expect;
mod load;
mod project;
mod step;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use expect::{Coding, Expect, Fate, HeaderRule, Like, Number, TextRule, Wholeness};
pub(crate) use load::{Group, load, standard};
pub(crate) use project::{Module, Project};
pub(crate) use step::{Action, Content, Part, Request, Run, Sent, SignalName, Step, Write};
pub(crate) use text::told;
pub(crate) use text::{Filled, Text};

/// One case, one variant of it where it has several.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// `group::topic::id`.
    pub(crate) name: String,
    /// The file and the line where it stands.
    pub(crate) place: String,
    /// The RFC and section, or the item of the WIT.
    pub(crate) spec: String,
    /// What it says beside its steps.
    pub(crate) says: Says,
    /// Which parts it proves.
    pub(crate) about: Vec<About>,
    /// The one middleware that it is about.
    pub(crate) part: Option<String>,
    /// The project that it runs on.
    pub(crate) project: Project,
    /// What is done, in order.
    pub(crate) steps: Vec<Step>,
}

/// What a case proves something of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum About {
    /// The server: HTTP, routes, configuration.
    Server,
    /// The engine.
    Engine,
    /// The orchestrator.
    Orchestrator,
    /// A middleware.
    Middleware,
}

/// What a case says beside its steps, as it stands in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Says {
    /// The rows of the table of inputs and faults.
    pub(crate) row: Rows,
    /// Capabilities that do not follow from the rest.
    pub(crate) needs: Vec<String>,
    /// Why, where that is not plain.
    pub(crate) note: Option<String>,
    /// It gets a subject of its own.
    pub(crate) fresh: bool,
    /// What is asked again and again meanwhile; the innocent request of `hello` if it is not said.
    pub(crate) beside: Option<Vec<Beside>>,
    /// Texts that lines of the log have; several that one line has.
    pub(crate) log: Vec<expect::OneOrMany<Text>>,
    /// Texts that no line has.
    pub(crate) no_log: Vec<Text>,
    /// How series of `/metrics` change.
    pub(crate) metrics: BTreeMap<String, Number>,
    /// The exit code, once the process has ended.
    pub(crate) exit: Option<i32>,
    /// How much more memory the process may hold.
    pub(crate) peak: Option<String>,
}

/// A request that is answered right, whatever the case does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beside {
    /// Where to.
    pub(crate) target: String,
    /// The answer, with 200.
    pub(crate) body: String,
}

/// One row, or several.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows(pub(crate) Vec<u16>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a row, or a list of rows")]
        enum Either {
            One(u16),
            Many(Vec<u16>),
        }
        Ok(Self(match Either::deserialize(from)? {
            Either::One(row) => vec![row],
            Either::Many(rows) => rows,
        }))
    }
}

impl Case {
    /// The group.
    pub(crate) fn group(&self) -> &str {
        self.name.split("::").next().unwrap_or_default()
    }

    /// Whether nobody else may have the subject before or after it.
    pub(crate) fn is_alone(&self) -> bool {
        self.says.fresh || self.says.exit.is_some() || self.steps.iter().any(Step::changes)
    }

    /// Whether a server runs for it: commands alone need none.
    pub(crate) fn is_served(&self) -> bool {
        self.steps.iter().any(|step| {
            !matches!(step.action, Action::Command(_) | Action::Write(_) | Action::Wait)
        })
    }

    /// What is asked meanwhile.
    pub(crate) fn beside(&self) -> Vec<(String, String)> {
        match &self.says.beside {
            None if self.says.exit.is_some() || !self.is_served() => Vec::new(),
            None => vec![(crate::HELLO.0.to_owned(), crate::HELLO.1.to_owned())],
            Some(all) => {
                all.iter().map(|beside| (beside.target.clone(), beside.body.clone())).collect()
            }
        }
    }
}
