//! Values from text: of a path, of a query, of a form.

use std::borrow::Cow;

use crate::integers::with_integers;
use crate::schema::{Field, Schema, Type};
use crate::validate::Faults;

/// What can be read from the text of a parameter. An enum of names can with `#[derive(Type)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the text of a parameter",
    note = "implement `mik_sdk::text::FromText`, or, for an enum of names, `#[derive(Type)]`"
)]
pub trait FromText: Sized {
    /// The schema of the parameter.
    const SCHEMA: Schema;

    /// What is expected, in words: "an integer from 0 to 255".
    const EXPECTED: &'static str;

    /// What the fault is called if it is not that.
    #[doc(hidden)]
    const CODE: &'static str = "type";

    /// The value, if the text is one.
    fn from_text(text: &str) -> Option<Self>;
}

/// What can be read from the parameters of a path. `#[derive(Path)]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a path",
    note = "a struct of yours can with `#[derive(Path)]`"
)]
pub trait Path: Sized {
    /// The parameters.
    const PARAMETERS: &'static [Field];

    /// The value, or `None` after at least one fault was noted.
    fn read(params: &Params<'_>, faults: &mut Faults) -> Option<Self>;
}

/// What can be read from a query or a form. `#[derive(Query)]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a query or a form",
    note = "a struct of yours can with `#[derive(Query)]`"
)]
pub trait Query: Sized {
    /// The parameters.
    const PARAMETERS: &'static [Field];

    /// The value, or `None` after at least one fault was noted.
    fn read(pairs: &Pairs<'_>, faults: &mut Faults) -> Option<Self>;
}

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

/// The pairs of names and values of a query or a form, decoded, in their order.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    within: &'static str,
    list: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Pairs<'a> {
    /// The pairs of a query: what follows the `?`.
    pub fn of_query(query: &'a str) -> Self {
        Self::parse("query", query)
    }

    /// The pairs of a form, `application/x-www-form-urlencoded`.
    pub fn of_form(content: &'a str) -> Self {
        Self::parse("form", content)
    }

    /// A form without fields, for one that is encoded in another way.
    pub fn empty_form() -> Self {
        Self { within: "form", list: Vec::new() }
    }

    /// As browsers write them (the URL standard, section 5.1).
    fn parse(within: &'static str, text: &'a str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let list = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, true), decoded(value, true))
        });
        Self { within, list: list.collect() }
    }

    /// What they are of: `query` or `form`.
    pub fn within(&self) -> &'static str {
        self.within
    }

    /// Adds a pair.
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.list.push((name.into(), value.into()));
    }

    /// The value of this name; of several, the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_ref())
    }

    /// All values of this name.
    pub fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.list.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_ref())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Resolves `%20` and, in queries and forms, `+`. What is not well encoded stays as it is; what is not UTF-8 then is replaced.
pub fn decoded(text: &str, plus_is_blank: bool) -> Cow<'_, str> {
    let is_encoded = |byte| byte == b'%' || plus_is_blank && byte == b'+';
    if !text.bytes().any(is_encoded) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let pair = match others {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        rest = match pair {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                others.get(2..).unwrap_or_default()
            }
            None => {
                bytes.push(if plus_is_blank && *first == b'+' { b' ' } else { *first });
                others
            }
        };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}

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
    faults.within_parameter(before, pairs.within, name);
    value
}
