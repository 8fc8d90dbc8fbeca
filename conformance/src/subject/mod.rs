//! What the cases are run on.

mod capabilities;
mod engines;
mod inside;
mod lay;
mod running;
mod warm;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use mik_core::Registry;

use crate::case::About;

pub(crate) use running::Running;

/// Makes the parts that a subject in process may have.
type Parts = Arc<dyn Fn() -> Registry + Send + Sync>;

/// A thing that the cases prove: a part in process, the binary, or a server that runs elsewhere.
///
/// ```no_run
/// use mik_conformance::Subject;
///
/// let tiny = Subject::engine("tiny", |registry| {
///     # let _ = registry;
///     // registry.engine("tiny", |settings, context| …);
/// });
/// mik_conformance::run([tiny.guest("hello", *b"say Hello from mik!\n")]);
/// ```
#[derive(Clone)]
pub struct Subject {
    name: String,
    place: Place,
    /// Only cases about these are run, unless it is empty.
    about: Vec<About>,
    /// Groups that are run whatever they are about.
    groups: BTreeSet<String>,
    /// The middleware that it is.
    part: Option<String>,
    /// What is added to every `mik.toml`.
    table: Option<String>,
    engine: Option<String>,
    orchestrator: Option<String>,
    /// Its guests in a form of its own; the prebuilt components if it has none.
    guests: BTreeMap<String, Vec<u8>>,
    /// What it can: learnt when it is first asked, as an engine must be made for it.
    capabilities: OnceLock<BTreeSet<String>>,
    known: Vec<Known>,
}

/// Where a subject runs.
#[derive(Clone)]
enum Place {
    /// A binary, started for each project; that of this build, unless it is another.
    Binary(Option<PathBuf>),
    /// In this process, with these parts.
    Inside(Parts),
    /// A server that runs already, on the standard project.
    Elsewhere(SocketAddr),
}

/// A case that is known to fail.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// `group::topic::id`.
    pub case: String,
    /// Why it fails.
    pub reason: String,
}

impl Subject {
    /// The binary `mik` of this build, or what `CARGO_BIN_EXE_mik` names.
    pub fn mik() -> Self {
        Self::at("mik", Place::Binary(None))
    }

    /// Another binary.
    pub fn binary(path: impl Into<PathBuf>) -> Self {
        Self::at("mik", Place::Binary(Some(path.into())))
    }

    /// A server that runs already, with the standard project, which [`project`](crate::project) writes.
    pub fn elsewhere(address: SocketAddr) -> Self {
        Self::at("elsewhere", Place::Elsewhere(address))
    }

    /// The whole of mik, in this process.
    pub fn inside() -> Self {
        Self::at("inside", Place::Inside(Arc::new(mik::registry)))
    }

    /// An engine, in this process: what `register` adds to the registry of mik under `name`. Cases about
    /// engines are run on it, and the group `gateway`: whatever passes there passes the engine.
    pub fn engine(name: &str, register: impl Fn(&mut Registry) + Send + Sync + 'static) -> Self {
        let subject = Self::at(name, Place::Inside(with(register)));
        let groups = BTreeSet::from(["gateway".to_owned()]);
        let engine = Some(name.to_owned());
        Self { engine, about: vec![About::Engine], groups, ..subject }
    }

    /// An orchestrator, in this process, in the same way.
    pub fn orchestrator(
        name: &str,
        register: impl Fn(&mut Registry) + Send + Sync + 'static,
    ) -> Self {
        let subject = Self::at(name, Place::Inside(with(register)));
        Self { orchestrator: Some(name.to_owned()), about: vec![About::Orchestrator], ..subject }
    }

    /// A middleware, in this process, in the same way. Cases whose `part` it is are run on it; and with a
    /// [`table`](Self::table), the group `gateway` as well.
    pub fn middleware(
        name: &str,
        register: impl Fn(&mut Registry) + Send + Sync + 'static,
    ) -> Self {
        let subject = Self::at(name, Place::Inside(with(register)));
        Self { part: Some(name.to_owned()), about: vec![About::Middleware], ..subject }
    }

    /// What is added to every `mik.toml`: a table with which the middleware is on and changes nothing for a
    /// well-behaved request. The built-in ones have theirs in the files of their cases.
    #[must_use]
    pub fn table(mut self, table: &str) -> Self {
        self.table = Some(table.to_owned());
        self.groups.insert("gateway".to_owned());
        self
    }

    /// A guest in the form that this engine takes. With the first one, the prebuilt components are none of its
    /// guests any more: cases whose guests it does not have are skipped.
    #[must_use]
    pub fn guest(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.guests.insert(name.to_owned(), content.into());
        self
    }

    /// Cases that are known to fail, as a file of `expectations/` lists them:
    ///
    /// ```toml
    /// [[known]]
    /// case = "group::topic::id"
    /// reason = "why"
    /// ```
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn expectations(mut self, text: &str) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            known: Vec<Known>,
        }
        let file: File = toml::from_str(text)
            .map_err(|error| format!("expectations of {}: {error}", self.name))?;
        self.known.extend(file.known);
        Ok(self)
    }

    /// Its name, the first part of the names of its cases.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// With the table that the files of cases have for it, if it has none of its own.
    pub(crate) fn tabled(self, tables: &BTreeMap<String, String>) -> Self {
        let found = self.part.as_ref().and_then(|part| tables.get(part));
        match found {
            Some(table) if self.table.is_none() => self.table(table),
            _ => self,
        }
    }

    /// With whom it may share an engine: a subject that is an engine has its own, others have that of mik.
    fn shares(&self) -> &str {
        if self.engine.is_some() { &self.name } else { "mik" }
    }

    pub(crate) fn known(&self) -> &[Known] {
        &self.known
    }

    fn at(name: &str, place: Place) -> Self {
        Self {
            name: name.to_owned(),
            place,
            about: Vec::new(),
            groups: BTreeSet::new(),
            part: None,
            table: None,
            engine: None,
            orchestrator: None,
            guests: BTreeMap::new(),
            capabilities: OnceLock::new(),
            known: Vec::new(),
        }
    }
}

/// The parts of mik, and some more.
fn with(register: impl Fn(&mut Registry) + Send + Sync + 'static) -> Parts {
    Arc::new(move || {
        let mut registry = mik::registry();
        register(&mut registry);
        registry
    })
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}
