//! Values of `mik.toml` that carry their own bounds: what a key accepts stands in its type, once, for the
//! check, for the message and for the schema.

#[cfg(feature = "schema")]
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Serialize, Serializer};

use crate::units::{ByteSize, format_duration, parse_duration};
use crate::{AllowedHost, ModuleName, RoutePath};

/// Bytes.
pub const KIB: u64 = 1 << 10;
/// Bytes.
pub const MIB: u64 = 1 << 20;
/// Bytes.
pub const GIB: u64 = 1 << 30;
/// Bytes.
pub const TIB: u64 = 1 << 40;
/// Milliseconds.
pub const SECOND: u64 = 1_000;
/// Milliseconds.
pub const MINUTE: u64 = 60 * SECOND;
/// Milliseconds.
pub const HOUR: u64 = 60 * MINUTE;

/// A value of the file that stands for a value of the core.
pub trait Value<C>: fmt::Display + Serialize {
    /// The value of the core.
    fn to_core(&self) -> C;
    /// The value of the file that stands for `core`.
    fn of(core: &C) -> Self;
}

/// A size of `MIN` to `MAX` bytes, written like `"10MiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size<const MIN: u64, const MAX: u64>(ByteSize);

/// A time of `MIN` to `MAX` milliseconds, written like `"30s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time<const MIN: u64, const MAX: u64>(Duration);

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<const MIN: u64, const MAX: u64>(u64);

/// A text that is checked by parsing it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<T>(pub T);

/// What a [`Text`] must be.
pub trait Checked: FromStr<Err: fmt::Display> + fmt::Display {
    /// What is expected, with an example: `a path such as "/api"`.
    const EXPECTED: &'static str;
    /// A regular expression for the schema.
    const PATTERN: &'static str;
}

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    /// The size; for defaults, which need not lie within the bounds.
    pub const fn new(size: ByteSize) -> Self {
        Self(size)
    }

    /// The size.
    pub const fn get(self) -> ByteSize {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Time<MIN, MAX> {
    /// The time; for defaults, which need not lie within the bounds.
    pub const fn new(time: Duration) -> Self {
        Self(time)
    }

    /// The time.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    /// The number; for defaults, which need not lie within the bounds.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number, or the largest `usize` where that is smaller.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Checked for ModuleName {
    const EXPECTED: &'static str = "the name of a module, such as \"orders\"";
    const PATTERN: &'static str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
}

impl Checked for RoutePath {
    const EXPECTED: &'static str = "a path, such as \"/\" or \"/api\"";
    const PATTERN: &'static str = "^/[A-Za-z0-9._~/-]*$";
}

impl Checked for AllowedHost {
    const EXPECTED: &'static str = "a host, such as \"api.example.com\" or \"*.example.com:443\"";
    const PATTERN: &'static str = "^[^/@]+$";
}

impl<const MIN: u64, const MAX: u64> Value<ByteSize> for Size<MIN, MAX> {
    fn to_core(&self) -> ByteSize {
        self.0
    }

    fn of(core: &ByteSize) -> Self {
        Self(*core)
    }
}

impl<const MIN: u64, const MAX: u64> Value<usize> for Size<MIN, MAX> {
    fn to_core(&self) -> usize {
        self.0.as_usize()
    }

    fn of(core: &usize) -> Self {
        Self(ByteSize::bytes(*core as u64))
    }
}

impl<const MIN: u64, const MAX: u64> Value<Duration> for Time<MIN, MAX> {
    fn to_core(&self) -> Duration {
        self.0
    }

    fn of(core: &Duration) -> Self {
        Self(*core)
    }
}

macro_rules! counts {
    ($($integer:ty),*) => {$(
        impl<const MIN: u64, const MAX: u64> Value<$integer> for Count<MIN, MAX> {
            fn to_core(&self) -> $integer {
                <$integer>::try_from(self.0).unwrap_or(<$integer>::MAX)
            }

            fn of(core: &$integer) -> Self {
                Self(u64::try_from(*core).unwrap_or(u64::MAX))
            }
        }
    )*};
}
counts!(u8, u16, u32, usize);

impl<const MIN: u64, const MAX: u64> fmt::Display for Size<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Time<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_duration(self.0))
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Count<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Size<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Time<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Count<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.0)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Size<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let [min, max] = [MIN, MAX].map(ByteSize::bytes);
        let examples = such_as(&["512B", "64KiB", "10MiB"], |text| {
            text.parse().is_ok_and(|size| (min..=max).contains(&size))
        });
        let expected = format!("a size from {min} to {max}{examples}");
        let parse =
            |text: &str| text.parse().ok().filter(|size| (min..=max).contains(size)).map(Self);
        from.deserialize_str(Parser { expected, parse: |text: &str| parse(text).ok_or(None) })
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Time<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let [min, max] = [MIN, MAX].map(Duration::from_millis);
        let [from_text, to_text] = [min, max].map(format_duration);
        let examples = such_as(&["250ms", "30s", "5m"], |text| {
            parse_duration(text).is_ok_and(|time| (min..=max).contains(&time))
        });
        let expected = format!("a time from {from_text} to {to_text}{examples}");
        let parse =
            |text: &str| parse_duration(text).ok().filter(|t| (min..=max).contains(t)).map(Self);
        from.deserialize_str(Parser { expected, parse: |text: &str| parse(text).ok_or(None) })
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Count<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Number<const MIN: u64, const MAX: u64>;

        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Number<MIN, MAX> {
            type Value = u64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: Error>(self, given: i64) -> Result<u64, E> {
                let fits = u64::try_from(given).ok().filter(|n| (MIN..=MAX).contains(n));
                fits.ok_or_else(|| E::invalid_value(Unexpected::Signed(given), &self))
            }

            fn visit_u64<E: Error>(self, given: u64) -> Result<u64, E> {
                Err(E::invalid_value(Unexpected::Unsigned(given), &self))
            }
        }

        from.deserialize_i64(Number::<MIN, MAX>).map(Self)
    }
}

impl<'de, T: Checked> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let parse =
            |text: &str| text.parse().map(Self).map_err(|error: T::Err| Some(error.to_string()));
        from.deserialize_str(Parser { expected: T::EXPECTED.into(), parse })
    }
}

/// Those of the examples that fit, as the end of a sentence.
fn such_as(examples: &[&str], fits: impl Fn(&str) -> bool) -> String {
    let fit: Vec<_> =
        examples.iter().filter(|text| fits(text)).map(|text| format!("{text:?}")).collect();
    match &fit[..] {
        [] => String::new(),
        [one] => format!(", such as {one}"),
        [some @ .., last] => format!(", such as {} or {last}", some.join(", ")),
    }
}

/// Reads a value from its text; the error is a message, or `None` for "not what is expected".
struct Parser<F> {
    expected: String,
    parse: F,
}

impl<T, F: FnOnce(&str) -> Result<T, Option<String>>> Visitor<'_> for Parser<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(|message| match message {
            Some(message) => E::custom(message),
            None => E::invalid_value(Unexpected::Str(text), &self.expected.as_str()),
        })
    }
}

#[cfg(feature = "schema")]
impl<const MIN: u64, const MAX: u64> JsonSchema for Size<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Size{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let [min, max] = [MIN, MAX].map(|bytes| ByteSize::bytes(bytes).to_string());
        let pattern = "^[0-9]+ ?(B|KiB|MiB|GiB|kB|MB|GB)$";
        json_schema!({ "type": "string", "pattern": pattern, "x-minimum": min, "x-maximum": max })
    }
}

#[cfg(feature = "schema")]
impl<const MIN: u64, const MAX: u64> JsonSchema for Time<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Time{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let [min, max] = [MIN, MAX].map(|ms| format_duration(Duration::from_millis(ms)));
        let pattern = "^[0-9]+ ?(ms|s|m|h)$";
        json_schema!({ "type": "string", "pattern": pattern, "x-minimum": min, "x-maximum": max })
    }
}

#[cfg(feature = "schema")]
impl<const MIN: u64, const MAX: u64> JsonSchema for Count<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Count{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "schema")]
impl<T: Checked> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        T::EXPECTED.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": T::PATTERN })
    }
}
