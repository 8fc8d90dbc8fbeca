//! Schemas of types, and how they come into a component.
//!
//! A [`Schema`] is a constant tree. Each derived type and each route renders its own while it is compiled, into a record of
//! the section `mik:openapi`: one JSON object and a line feed. `mik build` makes an OpenAPI document of all of them. So
//! nothing is left to do at run time, and no code of it is in the component.

mod render;
mod type_;

pub use render::{length, render, Piece};
pub use type_::Type;

use crate::validate::Rules;

/// What JSON Schema says of a type.
#[derive(Debug, Clone, Copy)]
pub enum Schema {
    /// Any value.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer {
        /// `int32`, for instance; may be empty.
        format: &'static str,
        /// The least value, a JSON number; may be empty.
        min: &'static str,
        /// The greatest value, a JSON number; may be empty.
        max: &'static str,
    },
    /// A number.
    Number {
        /// `double`, for instance; may be empty.
        format: &'static str,
    },
    /// A text.
    String {
        /// `uuid`, for instance; may be empty.
        format: &'static str,
    },
    /// A text of one character.
    Character,
    /// A list.
    Array {
        /// What is in it.
        items: &'static Schema,
    },
    /// An object whose members have any names.
    Map {
        /// What their values are.
        values: &'static Schema,
    },
    /// Or `null`.
    Optional {
        /// What else.
        schema: &'static Schema,
    },
    /// A type with a name, which has a record of its own.
    Reference {
        /// The name.
        name: &'static str,
    },
}

impl Schema {
    /// Must a member of this type be there?
    #[doc(hidden)]
    pub const fn is_required(&self) -> bool {
        !matches!(self, Self::Optional { .. })
    }
}

/// What is known of a field: a member of an object, or a parameter.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name for clients.
    pub name: &'static str,
    /// Its documentation; may be empty.
    pub description: &'static str,
    /// Its type.
    pub schema: &'static Schema,
    /// Its rules.
    pub rules: &'static Rules,
    /// Must it be there?
    pub is_required: bool,
    /// Its value if it is not there, as JSON; may be empty.
    pub default: &'static str,
}

/// What a derived type is.
#[derive(Debug, Clone, Copy)]
pub enum Definition {
    /// A struct.
    Object {
        /// Its documentation; may be empty.
        description: &'static str,
        /// Its fields.
        fields: &'static [Field],
    },
    /// An enum of names.
    Choice {
        /// Its documentation; may be empty.
        description: &'static str,
        /// The names.
        values: &'static [&'static str],
    },
}

/// A type that was derived: what its record says.
#[doc(hidden)]
pub trait Defined {
    /// Its definition.
    const DEFINITION: Definition;
}

#[cfg(test)]
mod tests;
