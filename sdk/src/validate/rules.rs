//! The rules of a field.

use std::collections::{BTreeMap, HashMap};

use super::{Faults, Format, Pattern};
use crate::integers::with_integers;

/// What `#[field(…)]` asks of a value.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The least value, or count.
    pub min: Option<Bound>,
    /// The greatest value, or count.
    pub max: Option<Bound>,
    /// What a text must match.
    pub pattern: Option<&'static Pattern>,
    /// What a text must be.
    pub format: Option<&'static Format>,
}

/// A bound, as each kind of value compares itself with it.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// The bound, if it is whole.
    pub whole: Option<i128>,
    /// The bound, or what is nearest to it.
    pub decimal: f64,
    /// The bound as it was written, a JSON number.
    pub text: &'static str,
}

/// What bounds apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A whole number.
    Whole,
    /// Any number.
    Decimal,
    /// The characters of a text.
    Characters,
    /// The items of a list.
    Items,
    /// The members of a map.
    Members,
}

impl Rules {
    /// Anything goes.
    pub const NONE: Self = Self { min: None, max: None, pattern: None, format: None };

    /// Fails the build if these rules are not for such values.
    #[doc(hidden)]
    pub const fn admit(&self, measure: Measure) {
        let is_text = matches!(measure, Measure::Characters);
        assert!(is_text || self.pattern.is_none(), "`pattern` is for texts");
        assert!(is_text || self.format.is_none(), "`format` is for texts");
        admit_bound(&self.min, measure);
        admit_bound(&self.max, measure);
    }

    #[inline(never)]
    fn whole(&self, value: i128, measure: Measure, faults: &mut Faults) {
        if let Some(min) = self.min.filter(|min| min.whole.is_some_and(|min| value < min)) {
            bounded("min", min.text, measure, faults);
        }
        if let Some(max) = self.max.filter(|max| max.whole.is_some_and(|max| value > max)) {
            bounded("max", max.text, measure, faults);
        }
    }

    fn decimal(&self, value: f64, rounded: fn(f64) -> f64, faults: &mut Faults) {
        if let Some(min) = self.min.filter(|min| value < rounded(min.decimal)) {
            bounded("min", min.text, Measure::Decimal, faults);
        }
        if let Some(max) = self.max.filter(|max| value > rounded(max.decimal)) {
            bounded("max", max.text, Measure::Decimal, faults);
        }
    }

    fn count(&self, count: usize, measure: Measure, faults: &mut Faults) {
        self.whole(i128::try_from(count).unwrap_or(i128::MAX), measure, faults);
    }

    #[inline(never)]
    fn text(&self, text: &str, faults: &mut Faults) {
        if self.min.is_some() || self.max.is_some() {
            self.count(text.chars().count(), Measure::Characters, faults);
        }
        if let Some(pattern) = self.pattern.filter(|pattern| !pattern.is_match(text)) {
            faults.sentence("pattern", &["must match the pattern ", pattern.source()]);
        }
        if let Some(format) = self.format.filter(|format| !format.is_valid(text)) {
            faults.sentence("format", &["must be ", format.expected()]);
        }
    }
}

const fn admit_bound(bound: &Option<Bound>, measure: Measure) {
    let Some(bound) = bound else { return };
    match (measure, bound.whole) {
        (Measure::Decimal, _) | (Measure::Whole, Some(_)) => {}
        (Measure::Whole, None) => panic!("a bound of whole numbers is whole"),
        (_, Some(count)) if count >= 0 => {}
        _ => panic!("a bound of a count is whole, and not negative"),
    }
}

/// "must be at least 1", "must have at most 3 items".
fn bounded(code: &'static str, bound: &str, measure: Measure, faults: &mut Faults) {
    let (verb, many, one) = match measure {
        Measure::Whole | Measure::Decimal => ("must be at ", "", ""),
        Measure::Characters => ("must have at ", " characters", " character"),
        Measure::Items => ("must have at ", " items", " item"),
        Measure::Members => ("must have at ", " members", " member"),
    };
    let side = if code == "min" { "least " } else { "most " };
    faults.sentence(code, &[verb, side, bound, if bound == "1" { one } else { many }]);
}

/// A value that rules can be about.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has neither a size nor a form that a rule could be about",
    note = "`min` and `max` are for numbers, texts, lists and maps; `pattern` and `format` are for texts"
)]
pub trait Check {
    /// What bounds apply to.
    const MEASURE: Measure;

    /// Notes what rules the value breaks.
    fn check(&self, rules: &Rules, faults: &mut Faults);
}

macro_rules! integers {
    ($($type:ident $min:literal $max:literal $format:literal),*) => {$(
        impl Check for $type {
            const MEASURE: Measure = Measure::Whole;

            fn check(&self, rules: &Rules, faults: &mut Faults) {
                // Of one type alone there are values that do not fit. No bound is that large.
                rules.whole(i128::try_from(*self).unwrap_or(i128::MAX), Measure::Whole, faults);
            }
        }
    )*};
}

with_integers!(integers);

impl Check for f64 {
    const MEASURE: Measure = Measure::Decimal;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        rules.decimal(*self, |bound| bound, faults);
    }
}

impl Check for f32 {
    const MEASURE: Measure = Measure::Decimal;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        // A bound of 0.1 is that of this type.
        rules.decimal(f64::from(*self), |bound| f64::from(bound as f32), faults);
    }
}

impl Check for String {
    const MEASURE: Measure = Measure::Characters;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        rules.text(self, faults);
    }
}

impl<T> Check for Vec<T> {
    const MEASURE: Measure = Measure::Items;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        rules.count(self.len(), Measure::Items, faults);
    }
}

impl<K, T> Check for BTreeMap<K, T> {
    const MEASURE: Measure = Measure::Members;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        rules.count(self.len(), Measure::Members, faults);
    }
}

impl<K, T, S> Check for HashMap<K, T, S> {
    const MEASURE: Measure = Measure::Members;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        rules.count(self.len(), Measure::Members, faults);
    }
}

impl<T: Check> Check for Box<T> {
    const MEASURE: Measure = T::MEASURE;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        (**self).check(rules, faults);
    }
}

/// Only what is there can break a rule.
impl<T: Check> Check for Option<T> {
    const MEASURE: Measure = T::MEASURE;

    fn check(&self, rules: &Rules, faults: &mut Faults) {
        if let Some(value) = self {
            value.check(rules, faults);
        }
    }
}

/// The value, unless it breaks a rule.
fn checked<T: Check>(value: Option<T>, rules: &Rules, faults: &mut Faults) -> Option<T> {
    let before = faults.count();
    value.inspect(|value| value.check(rules, faults)).filter(|_| faults.count() == before)
}

/// The value of a member, unless it breaks a rule.
pub fn checked_member<T: Check>(
    value: Option<T>,
    rules: &Rules,
    name: &str,
    faults: &mut Faults,
) -> Option<T> {
    let before = faults.count();
    let value = checked(value, rules, faults);
    faults.within(before, name);
    value
}

/// The value of a parameter, unless it breaks a rule.
pub fn checked_parameter<T: Check>(
    value: Option<T>,
    rules: &Rules,
    within: &'static str,
    name: &'static str,
    faults: &mut Faults,
) -> Option<T> {
    let before = faults.count();
    let value = checked(value, rules, faults);
    faults.within_parameter(before, within, name);
    value
}
