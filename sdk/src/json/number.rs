//! Numbers as they are written.

use std::borrow::Cow;

use super::Writer;

/// A JSON number. It keeps its text, so that each type reads from it exactly what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number<'a> {
    text: Cow<'a, str>,
}

impl<'a> Number<'a> {
    /// A number whose text was found to be one.
    pub(super) fn of_text(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text) }
    }

    /// The number as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value, if it is whole and fits. `1.0` and `1e2` are whole.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_u128()?.try_into().ok()
    }

    /// The value, if it is whole and fits. `1.0` and `1e2` are whole.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_i128()?.try_into().ok()
    }

    /// The value, if it is whole and fits.
    pub fn as_u128(&self) -> Option<u128> {
        let (negative, size) = self.whole().ok()?;
        (!negative || size == 0).then_some(size)
    }

    /// The value, if it is whole and fits.
    pub fn as_i128(&self) -> Option<i128> {
        let (negative, size) = self.whole().ok()?;
        if negative {
            0_i128.checked_sub_unsigned(size)
        } else {
            size.try_into().ok()
        }
    }

    /// The nearest value that there is; `None` if that would be infinite.
    pub fn as_f64(&self) -> Option<f64> {
        self.text.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// The nearest value that there is; `None` if that would be infinite.
    pub fn as_f32(&self) -> Option<f32> {
        self.text.parse().ok().filter(|value: &f32| value.is_finite())
    }

    /// Is it written with a minus?
    pub(crate) fn is_negative(&self) -> bool {
        self.text.starts_with('-')
    }

    /// The sign and the size of the value.
    pub(super) fn whole(&self) -> Result<(bool, u128), NotWhole> {
        let mut size = Some(0_u128);
        // Zeros count once a digit follows: those at the end belong to the power.
        let (mut zeros, mut places, mut exponent) = (0, 0, 0);
        let mut is_fraction = false;
        let mut bytes = self.text.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'.' => is_fraction = true,
                b'e' | b'E' => exponent = small_integer(&mut bytes),
                b'0'..=b'9' => {
                    places += i32::from(is_fraction);
                    zeros += 1;
                    if byte != b'0' {
                        size = size.and_then(|size| {
                            times_ten(size, zeros)?.checked_add(u128::from(byte - b'0'))
                        });
                        zeros = 0;
                    }
                }
                _ => {}
            }
        }
        let power = zeros.saturating_sub(places).saturating_add(exponent);
        match size {
            Some(0) => {}
            _ if power < 0 => return Err(NotWhole::Fraction),
            _ => size = size.and_then(|size| times_ten(size, power)),
        }
        size.map(|size| (self.is_negative(), size)).ok_or(NotWhole::TooLarge)
    }

    pub(super) fn to_owned(&self) -> Number<'static> {
        Number { text: Cow::Owned(self.text.as_ref().to_owned()) }
    }
}

/// Why a number is not taken for a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotWhole {
    Fraction,
    /// It is whole, but no type is that large.
    TooLarge,
}

/// An exponent; one that is too large for any use stays too large.
fn small_integer(bytes: &mut std::str::Bytes<'_>) -> i32 {
    let (mut value, mut sign) = (0_i32, 1);
    for byte in bytes {
        match byte {
            b'-' => sign = -1,
            b'0'..=b'9' => value = value.saturating_mul(10).saturating_add(i32::from(byte - b'0')),
            _ => {}
        }
    }
    value * sign
}

fn times_ten(mut value: u128, times: i32) -> Option<u128> {
    if value == 0 {
        return Some(0);
    }
    for _ in 0..times {
        value = (value <= u128::MAX / 10).then(|| value * 10)?;
    }
    Some(value)
}

impl From<u64> for Number<'_> {
    fn from(value: u64) -> Self {
        let mut out = Writer::new();
        out.unsigned(value);
        Self { text: Cow::Owned(out.finish()) }
    }
}

impl From<i64> for Number<'_> {
    fn from(value: i64) -> Self {
        let mut out = Writer::new();
        out.signed(value);
        Self { text: Cow::Owned(out.finish()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{NotWhole, Number};

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0.0", Some(0)),
            ("0e9", Some(0)),
            ("0e-9", Some(0)),
            ("10", Some(10)),
            ("1.0", Some(1)),
            ("1e2", Some(100)),
            ("1E+2", Some(100)),
            ("1.50e1", Some(15)),
            ("0.001e3", Some(1)),
            ("0.0010e4", Some(10)),
            ("100e-2", Some(1)),
            ("1000.00e-2", Some(10)),
            ("-12", Some(-12)),
            ("1.5", None),
            ("0.1", None),
            ("1e-1", None),
            ("10.10", None),
            ("1e99999999999", None),
            ("1e-99999999999", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
        ] {
            assert_eq!(Number::of_text(text).as_i64(), expected, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_ranges_are_exact() {
        assert_eq!(Number::of_text("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(Number::of_text("18446744073709551616").as_u64(), None);
        assert_eq!(Number::of_text("-1").as_u64(), None);
        let most = "340282366920938463463374607431768211455";
        assert_eq!(Number::of_text(most).as_u128(), Some(u128::MAX));
        assert_eq!(Number::of_text("340282366920938463463374607431768211456").as_u128(), None);
        assert_eq!(
            Number::of_text("-170141183460469231731687303715884105728").as_i128(),
            Some(i128::MIN)
        );
        assert_eq!(Number::of_text("-170141183460469231731687303715884105729").as_i128(), None);
    }

    #[test]
    fn floats_are_the_nearest_and_finite() {
        assert_eq!(Number::of_text("0.1").as_f64(), Some(0.1));
        assert_eq!(Number::of_text("1e400").as_f64(), None);
        assert_eq!(Number::of_text("1e39").as_f32(), None);
        // By way of a double it would be rounded twice.
        assert_eq!(Number::of_text("1.00000017881393432617187499").as_f32(), Some(1.000_000_1));
    }

    #[test]
    fn a_number_too_large_for_any_type_is_still_whole() {
        assert_eq!(Number::of_text("1e400").whole(), Err(NotWhole::TooLarge));
        assert_eq!(Number::of_text("1.5e99999999999").whole(), Err(NotWhole::TooLarge));
        assert_eq!(Number::of_text(&"9".repeat(100)).whole(), Err(NotWhole::TooLarge));
        assert_eq!(
            Number::of_text(&format!("{}.5", "9".repeat(100))).whole(),
            Err(NotWhole::Fraction)
        );
        assert_eq!(Number::of_text("0e-5").whole(), Ok((false, 0)));
        assert_eq!(Number::of_text("1.5").whole(), Err(NotWhole::Fraction));
    }
}
