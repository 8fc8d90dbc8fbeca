//! From JSON to types.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::number::NotWhole;
use super::{Object, OwnedValue, Value};
use crate::integers::with_integers;
use crate::text::FromText;
use crate::validate::Faults;

/// What can be read from JSON. `#[derive(Type)]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from JSON",
    note = "a type of yours can with `#[derive(Type)]`"
)]
pub trait FromJson: Sized {
    /// The value of this type, or `None` after all that is wrong was noted: at least one fault.
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self>;

    /// The value of a member that is not there, if it may be absent.
    #[doc(hidden)]
    fn absent() -> Option<Self> {
        None
    }
}

/// The object, or a fault.
pub fn object<'v, 'a>(value: &'v Value<'a>, faults: &mut Faults) -> Option<&'v Object<'a>> {
    if let Value::Object(object) = value {
        return Some(object);
    }
    faults.mismatch("an object", value)
}

/// A member of an object.
pub fn member<T: FromJson>(object: &Object<'_>, name: &str, faults: &mut Faults) -> Option<T> {
    member_or(object, name, faults, T::absent)
}

/// A member of an object; `absent` is its value if it is not there.
pub fn member_or<T: FromJson>(
    object: &Object<'_>,
    name: &str,
    faults: &mut Faults,
    absent: impl FnOnce() -> Option<T>,
) -> Option<T> {
    let before = faults.count();
    let member = match object.get(name) {
        Some(value) => T::from_json(value, faults),
        None => absent().or_else(|| faults.missing()),
    };
    faults.within(before, name);
    member
}

macro_rules! integers {
    ($($type:ident $min:literal $max:literal $format:literal),*) => {$(
        impl FromJson for $type {
            fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
                const RANGE: Range = Range {
                    min: <$type>::MIN as i128,
                    max: <$type>::MAX as u128,
                    texts: ($min, $max),
                };
                // It was found to fit.
                integer(value, faults, &RANGE).map(|bits| bits as $type)
            }
        }
    )*};
}

with_integers!(integers);

/// What an integer type holds.
struct Range {
    min: i128,
    max: u128,
    texts: (&'static str, &'static str),
}

/// A whole number within a range, as the bits of the widest type.
fn integer(value: &Value<'_>, faults: &mut Faults, range: &Range) -> Option<u128> {
    let Value::Number(number) = value else { return faults.mismatch("an integer", value) };
    let is_negative = number.is_negative();
    match number.whole() {
        Ok((_, size)) => {
            let bits = if is_negative { size.wrapping_neg() } else { size };
            // What is negative is no less than the least value if its size is no more.
            let most = if is_negative { range.min.unsigned_abs() } else { range.max };
            if size <= most {
                return Some(bits);
            }
        }
        Err(NotWhole::Fraction) => {
            return faults.fail("type", "must be an integer, not a fraction")
        }
        Err(NotWhole::TooLarge) => {}
    }
    faults.out_of_range(is_negative, range.texts)
}

/// The least and the greatest value of the types.
const F64: (&str, &str) = ("-1.7976931348623157e308", "1.7976931348623157e308");
const F32: (&str, &str) = ("-3.4028235e38", "3.4028235e38");

impl FromJson for f64 {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::Number(number) = value else { return faults.mismatch("a number", value) };
        number.as_f64().or_else(|| faults.out_of_range(number.is_negative(), F64))
    }
}

impl FromJson for f32 {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::Number(number) = value else { return faults.mismatch("a number", value) };
        number.as_f32().or_else(|| faults.out_of_range(number.is_negative(), F32))
    }
}

impl FromJson for bool {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        value.as_bool().or_else(|| faults.mismatch("a boolean", value))
    }
}

impl FromJson for String {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        text(value, faults).map(str::to_owned)
    }
}

/// The value of an enum of names.
pub fn choice<T: FromText>(value: &Value<'_>, faults: &mut Faults) -> Option<T> {
    let text = text(value, faults)?;
    T::from_text(text).or_else(|| faults.unreadable(T::CODE, T::EXPECTED))
}

/// The string, or a fault.
fn text<'v>(value: &'v Value<'_>, faults: &mut Faults) -> Option<&'v str> {
    value.as_str().or_else(|| faults.mismatch("a string", value))
}

impl FromJson for char {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        let text = text(value, faults)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Some(character),
            _ => faults.fail("type", "must be one character"),
        }
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        T::from_json(value, faults).map(Box::new)
    }

    fn absent() -> Option<Self> {
        T::absent().map(Box::new)
    }
}

/// `None` is `null`, or a member that is not there.
impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        if value.is_null() {
            return Some(None);
        }
        T::from_json(value, faults).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::Array(values) = value else { return faults.mismatch("an array", value) };
        let start = faults.count();
        let mut items = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let before = faults.count();
            items.extend(T::from_json(value, faults));
            faults.within_item(before, index);
            if faults.is_full() {
                break;
            }
        }
        (faults.count() == start && items.len() == values.len()).then_some(items)
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        members(value, faults)
    }
}

impl<T: FromJson, S: BuildHasher + Default> FromJson for HashMap<String, T, S> {
    fn from_json(value: &Value<'_>, faults: &mut Faults) -> Option<Self> {
        members(value, faults)
    }
}

/// All members of an object as values of one type.
fn members<T: FromJson, M: Default + Extend<(String, T)>>(
    value: &Value<'_>,
    faults: &mut Faults,
) -> Option<M> {
    let object = object(value, faults)?;
    let start = faults.count();
    let mut map = M::default();
    // Of members with the same name, the last one.
    let members: BTreeMap<&str, &Value<'_>> = object.iter().collect();
    for (name, value) in members {
        let before = faults.count();
        map.extend(T::from_json(value, faults).map(|value| (name.to_owned(), value)));
        faults.within(before, name);
        if faults.is_full() {
            break;
        }
    }
    (faults.count() == start).then_some(map)
}

impl FromJson for OwnedValue {
    fn from_json(value: &Value<'_>, _: &mut Faults) -> Option<Self> {
        Some(value.to_owned())
    }
}
