//! The fields of a query or a form.

use super::{FromText, Pairs};
use crate::schema::Schema;
use crate::validate::Faults;

/// What a field of a query or a form may be: a [`FromText`], an `Option` of one, or a `Vec` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a query or a form",
    note = "what implements `mik_sdk::text::FromText` can, and `Option` and `Vec` of that"
)]
pub trait FromPairs: Sized {
    /// Its schema.
    const SCHEMA: Schema;
    /// Must it be there?
    const IS_REQUIRED: bool;

    /// The value from those of this name, or `None` after a fault was noted. `Some(None)`: there is none.
    fn from_pairs(pairs: &Pairs<'_>, name: &str, faults: &mut Faults) -> Option<Option<Self>>;

    /// The value if there is none.
    fn absent() -> Option<Self>;
}

impl<T: FromText> FromPairs for T {
    const SCHEMA: Schema = <T as FromText>::SCHEMA;
    const IS_REQUIRED: bool = true;

    fn from_pairs(pairs: &Pairs<'_>, name: &str, faults: &mut Faults) -> Option<Option<Self>> {
        match pairs.get(name) {
            None => Some(None),
            Some(text) => match T::from_text(text) {
                Some(value) => Some(Some(value)),
                // A browser sends a field that was left empty as well.
                None if text.is_empty() => Some(None),
                None => faults.unreadable(T::CODE, T::EXPECTED),
            },
        }
    }

    fn absent() -> Option<Self> {
        None
    }
}

impl<T: FromText> FromPairs for Option<T> {
    const SCHEMA: Schema = <T as FromText>::SCHEMA;
    const IS_REQUIRED: bool = false;

    fn from_pairs(pairs: &Pairs<'_>, name: &str, faults: &mut Faults) -> Option<Option<Self>> {
        T::from_pairs(pairs, name, faults).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromText> FromPairs for Vec<T> {
    const SCHEMA: Schema = Schema::Array { items: &<T as FromText>::SCHEMA };
    const IS_REQUIRED: bool = false;

    fn from_pairs(pairs: &Pairs<'_>, name: &str, faults: &mut Faults) -> Option<Option<Self>> {
        let mut items = Vec::new();
        for text in pairs.all(name) {
            items.push(T::from_text(text).or_else(|| faults.unreadable(T::CODE, T::EXPECTED))?);
        }
        Some((!items.is_empty()).then_some(items))
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

/// A field of a query or a form.
pub fn pair<T: FromPairs>(pairs: &Pairs<'_>, name: &'static str, faults: &mut Faults) -> Option<T> {
    pair_or(pairs, name, faults, T::absent)
}

/// A field of a query or a form; `absent` is its value if it is not there.
pub fn pair_or<T: FromPairs>(
    pairs: &Pairs<'_>,
    name: &'static str,
    faults: &mut Faults,
    absent: impl FnOnce() -> Option<T>,
) -> Option<T> {
    let before = faults.count();
    let value = match T::from_pairs(pairs, name, faults) {
        Some(None) => absent().or_else(|| faults.missing()),
        Some(value) => value,
        None => None,
    };
    faults.within_parameter(before, pairs.within(), name);
    value
}
