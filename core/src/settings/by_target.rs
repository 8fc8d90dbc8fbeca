//! Settings that may differ from module to module.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Settings, SettingsError, Table, empty, read};
use crate::{ModuleName, Target};

/// Tables of `mik.toml` that hold single modules and scripts.
const TABLES: [(&str, Kind); 2] = [("modules", Target::Module), ("scripts", Target::Script)];

type Kind = fn(ModuleName) -> Target;

/// What one middleware is told for each target: its own table for all of them, and
/// `[modules.NAME.MIDDLEWARE]`, whose keys go before those of that table.
#[derive(Debug, Clone)]
pub struct ByTarget<T> {
    default: Option<T>,
    named: HashMap<Target, Option<T>>,
}

impl<T> ByTarget<T> {
    /// The same for every target.
    pub fn all(value: T) -> Self {
        Self { default: Some(value), named: HashMap::new() }
    }

    /// What holds for `target`; `None` where the middleware is off for it.
    pub fn of(&self, target: &Target) -> Option<&T> {
        match self.named.is_empty() {
            true => self.default.as_ref(),
            false => self.named.get(target).unwrap_or(&self.default).as_ref(),
        }
    }

    /// What holds for targets that are not named.
    pub fn default(&self) -> Option<&T> {
        self.default.as_ref()
    }

    /// The targets that have something of their own.
    pub fn named(&self) -> impl Iterator<Item = (&Target, Option<&T>)> {
        self.named.iter().map(|(target, value)| (target, value.as_ref()))
    }

    /// The same with each value turned into something else: tables into what is made of them.
    ///
    /// # Errors
    /// The first that `make` gives.
    pub fn try_map<U>(
        self,
        mut make: impl FnMut(T) -> Result<U, SettingsError>,
    ) -> Result<ByTarget<U>, SettingsError> {
        self.try_map_named(|_, value| make(value))
    }

    /// The same, and `make` is told for which target the value is; `None` for all that are not named.
    ///
    /// # Errors
    /// The first that `make` gives.
    pub fn try_map_named<U>(
        self,
        mut make: impl FnMut(Option<&Target>, T) -> Result<U, SettingsError>,
    ) -> Result<ByTarget<U>, SettingsError> {
        let default = self.default.map(|value| make(None, value)).transpose()?;
        let named = self.named.into_iter().map(|(target, value)| {
            let value = value.map(|value| make(Some(&target), value)).transpose();
            let value = value.map_err(|error| error.about(&target))?;
            Ok((target, value))
        });
        Ok(ByTarget { default, named: named.collect::<Result<_, SettingsError>>()? })
    }
}

impl Settings {
    /// Reads the table for all targets and those for single ones.
    ///
    /// # Errors
    /// Whatever is wrong with one of them, with its place.
    pub fn by_target<T: DeserializeOwned>(&self) -> Result<ByTarget<T>, SettingsError> {
        let mut tree = self.tree()?;
        let own = self.own(&mut tree)?;
        let is_there = own.is_some();
        let mut base = own.unwrap_or_else(empty);
        let is_on = self.take_enabled(&mut base)?.unwrap_or(self.is_on || is_there);
        let mut named = HashMap::new();
        for (target, mut table) in self.overrides(&mut tree)? {
            let is_on = self.take_enabled(&mut table)?.unwrap_or(true);
            let value = is_on.then(|| read(over(&base, table))).transpose()?;
            named.insert(target, value);
        }
        // Also where it is off: what is wrong is told before it is switched on.
        let default = read(base)?;
        Ok(ByTarget { default: is_on.then_some(default), named })
    }

    /// Whether the middleware is to run at all: for every target, or for one.
    pub(crate) fn is_wanted(&self, per_module: bool) -> bool {
        let Ok(mut tree) = self.tree() else { return self.is_on };
        let own = match self.own(&mut tree) {
            // What is wrong with it is told when it is made.
            Err(_) => return true,
            Ok(None) => self.is_on,
            Ok(Some(mut table)) => !matches!(self.take_enabled(&mut table), Ok(Some(false))),
        };
        if own || !per_module {
            return own;
        }
        let Ok(tables) = self.overrides(&mut tree) else { return true };
        let is_on =
            |mut table: Table<'_>| !matches!(self.take_enabled(&mut table), Ok(Some(false)));
        tables.into_iter().any(|(_, table)| is_on(table))
    }

    /// The tables of single targets.
    fn overrides<'a>(
        &self,
        tree: &mut DeTable<'a>,
    ) -> Result<Vec<(Target, Table<'a>)>, SettingsError> {
        let Some(name) = self.path.last().filter(|_| self.is_middleware) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for (kind, target) in TABLES {
            let Some(DeValue::Table(all)) = tree.get_mut(kind).map(Spanned::get_mut) else {
                continue;
            };
            for (key, value) in all.iter_mut() {
                let DeValue::Table(module) = value.get_mut() else { continue };
                let Some(value) = module.remove(name.as_str()) else { continue };
                let key = key.get_ref();
                // A name that cannot be one is told by whoever reads the whole file.
                let Ok(module) = ModuleName::new(key) else { continue };
                let table = self.table(value)?;
                found.push((target(module), table));
            }
        }
        Ok(found)
    }
}

/// The keys of `table`, and those of `base` that it does not have.
fn over<'a>(base: &Table<'a>, mut table: Table<'a>) -> Table<'a> {
    for (key, value) in base.get_ref() {
        if !table.get_ref().contains_key(&**key.get_ref()) {
            table.get_mut().insert(key.clone(), value.clone());
        }
    }
    table
}
