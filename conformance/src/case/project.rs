//! `[setup]`: the project that a case runs on.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;

use super::text::Text;

/// What lies in the project, and how it is started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Project {
    /// Its modules.
    pub(crate) modules: Vec<Module>,
    /// Its scripts, by file name.
    pub(crate) scripts: BTreeMap<String, Text>,
    /// Other files, by path.
    pub(crate) files: BTreeMap<String, Text>,
    /// Symbolic links: path, and where to.
    pub(crate) links: BTreeMap<String, Text>,
    /// Named pipes.
    pub(crate) fifos: Vec<String>,
    /// `mik.toml`.
    pub(crate) config: Text,
    /// Further arguments of `mik run`.
    pub(crate) args: Vec<String>,
    /// Environment variables of the process.
    pub(crate) env: BTreeMap<String, Text>,
    /// `ulimit -n`.
    pub(crate) descriptors: Option<u32>,
    /// `ulimit -S -n`: the hard limit stays.
    pub(crate) soft_descriptors: Option<u32>,
    /// There is an origin server.
    pub(crate) origin: bool,
    /// `false`: nothing is compiled when it starts.
    pub(crate) cache: Option<bool>,
    /// The wall clock can be moved.
    #[serde(skip)]
    pub(crate) clock: bool,
    /// The middleware that the case is about, whose own table stands in `config`.
    #[serde(skip)]
    pub(crate) part: Option<String>,
    /// It is the one of files that have none of their own.
    #[serde(skip)]
    pub(crate) is_standard: bool,
}

/// A file in `modules/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Module {
    /// Its name.
    pub(crate) name: String,
    /// The guest that it is; else its text.
    pub(crate) content: Result<String, Text>,
}

impl<'de> Deserialize<'de> for Module {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            name: String,
            guest: Option<String>,
            text: Option<Text>,
        }
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "the name of a guest, or `{ name = …, guest = … }`, or `{ name = …, text = … }`"
        )]
        enum Either {
            Guest(String),
            Named(Named),
        }
        let content = |named: Named| match (named.guest, named.text) {
            (Some(guest), None) => Ok(Self { name: named.name, content: Ok(guest) }),
            (None, Some(text)) => Ok(Self { name: named.name, content: Err(text) }),
            _ => Err(serde::de::Error::custom("a module is a `guest` or a `text`, one of them")),
        };
        match Either::deserialize(from)? {
            Either::Guest(name) => Ok(Self { content: Ok(name.clone()), name }),
            Either::Named(named) => content(named),
        }
    }
}

impl Project {
    /// The guests that it needs.
    pub(crate) fn guests(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().filter_map(|module| module.content.as_deref().ok())
    }

    /// A number that tells projects apart.
    pub(crate) fn key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
