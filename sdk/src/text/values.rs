//! Types that are read from text.

use super::FromText;
use crate::integers::with_integers;
use crate::schema::{Schema, Type};

macro_rules! integers {
    ($($type:ident $min:literal $max:literal $format:literal),*) => {$(
        impl FromText for $type {
            const SCHEMA: Schema = <$type as Type>::SCHEMA;
            const EXPECTED: &'static str = concat!("an integer from ", $min, " to ", $max);

            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

with_integers!(integers);

macro_rules! floats {
    ($($type:ident),*) => {$(
        impl FromText for $type {
            const SCHEMA: Schema = <$type as Type>::SCHEMA;
            const EXPECTED: &'static str = "a number";

            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok().filter(|value: &$type| value.is_finite())
            }
        }
    )*};
}

floats!(f32, f64);

/// `on` is what a browser sends for a box that is checked.
impl FromText for bool {
    const SCHEMA: Schema = Schema::Boolean;
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "true" | "on" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

impl FromText for String {
    const SCHEMA: Schema = Schema::String { format: "" };
    const EXPECTED: &'static str = "a text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl FromText for char {
    const SCHEMA: Schema = Schema::Character;
    const EXPECTED: &'static str = "one character";

    fn from_text(text: &str) -> Option<Self> {
        let mut characters = text.chars();
        characters.next().filter(|_| characters.next().is_none())
    }
}

impl<T: FromText> FromText for Box<T> {
    const SCHEMA: Schema = T::SCHEMA;
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_text(text: &str) -> Option<Self> {
        T::from_text(text).map(Box::new)
    }
}
