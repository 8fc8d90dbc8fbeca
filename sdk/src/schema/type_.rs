//! Types that are known by their schema.

use std::collections::{BTreeMap, HashMap};

use super::Schema;
use crate::integers::with_integers;
use crate::json::{FromJson, OwnedValue, ToJson};

/// A type of JSON that has a schema. `#[derive(Type)]` makes it, with [`ToJson`] and [`FromJson`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of JSON that has a schema",
    note = "a type of yours is with `#[derive(Type)]`"
)]
pub trait Type: ToJson + FromJson {
    /// Its schema.
    const SCHEMA: Schema;
}

macro_rules! integers {
    ($($type:ident $min:literal $max:literal $format:literal),*) => {$(
        impl Type for $type {
            const SCHEMA: Schema = integer($min, $max, $format);
        }
    )*};
}

with_integers!(integers);

/// The bounds of the widest types tell less than the format does, and many readers round them.
pub(crate) const fn integer(min: &'static str, max: &'static str, format: &'static str) -> Schema {
    let is_narrow = max.len() <= "65535".len();
    let is_unsigned = min.len() == 1;
    Schema::Integer {
        format,
        min: if is_narrow || is_unsigned { min } else { "" },
        max: if is_narrow { max } else { "" },
    }
}

impl Type for f64 {
    const SCHEMA: Schema = Schema::Number { format: "double" };
}

impl Type for f32 {
    const SCHEMA: Schema = Schema::Number { format: "float" };
}

impl Type for bool {
    const SCHEMA: Schema = Schema::Boolean;
}

impl Type for String {
    const SCHEMA: Schema = Schema::String { format: "" };
}

impl Type for char {
    const SCHEMA: Schema = Schema::Character;
}

impl<T: Type> Type for Box<T> {
    const SCHEMA: Schema = T::SCHEMA;
}

impl<T: Type> Type for Option<T> {
    const SCHEMA: Schema = Schema::Optional { schema: &T::SCHEMA };
}

impl<T: Type> Type for Vec<T> {
    const SCHEMA: Schema = Schema::Array { items: &T::SCHEMA };
}

impl<T: Type> Type for BTreeMap<String, T> {
    const SCHEMA: Schema = Schema::Map { values: &T::SCHEMA };
}

impl<T: Type, S: std::hash::BuildHasher + Default> Type for HashMap<String, T, S> {
    const SCHEMA: Schema = Schema::Map { values: &T::SCHEMA };
}

impl Type for OwnedValue {
    const SCHEMA: Schema = Schema::Any;
}
