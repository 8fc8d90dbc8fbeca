//! The parameters of a path.

use std::borrow::Cow;

use super::FromText;
use crate::validate::Faults;

/// The parameters of a path: names, and the decoded segments that they stand for.
#[derive(Debug, Clone, Default)]
pub struct Params<'a> {
    list: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    pub fn push(&mut self, name: &'a str, value: impl Into<Cow<'a, str>>) {
        self.list.push((name, value.into()));
    }

    /// The value of the parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_ref())
    }

    /// All parameters, in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|(name, value)| (*name, value.as_ref()))
    }
}

/// A parameter of a path.
pub fn param<T: FromText>(
    params: &Params<'_>,
    name: &'static str,
    faults: &mut Faults,
) -> Option<T> {
    let before = faults.count();
    let value = match params.get(name) {
        Some(text) => T::from_text(text).or_else(|| faults.unreadable(T::CODE, T::EXPECTED)),
        None => faults.missing(),
    };
    faults.within_parameter(before, "path", name);
    value
}
