//! The rules of a field, as they are written and as they are compiled.

use proc_macro::{Literal, Span, TokenStream, TokenTree};

use super::field::set;
use super::kind::Kind;
use crate::pattern::{self, Program, Step};
use crate::tokens::{quote, quote_at, string, unwrapped, Cursor, Error, Result};

#[derive(Default)]
pub(crate) struct Rules {
    min: Option<Bound>,
    max: Option<Bound>,
    pattern: Option<Pattern>,
    format: Option<&'static str>,
    /// Where the first of them stands.
    span: Option<Span>,
}

struct Bound {
    text: String,
    whole: Option<i128>,
    decimal: f64,
    span: Span,
}

struct Pattern {
    source: String,
    program: Program,
}

const FORMATS: [(&str, &str); 5] = [
    ("email", "EMAIL"),
    ("uuid", "UUID"),
    ("uri", "URI"),
    ("date", "DATE"),
    ("date-time", "DATE_TIME"),
];

impl Rules {
    /// Reads the value of one rule.
    pub(super) fn set(
        &mut self,
        rule: &str,
        span: Span,
        cursor: &mut Cursor,
        kind: Kind,
    ) -> Result<()> {
        self.span.get_or_insert(span);
        match (rule, kind.inside()) {
            ("min" | "max", Kind::Plain(name)) => {
                let message =
                    format!("`{rule}` is for numbers, texts, lists and maps, not for `{name}`");
                return Err(Error::new(span, message));
            }
            ("pattern" | "format", kind) if !matches!(kind, Kind::Text | Kind::Unknown) => {
                return Err(Error::new(span, format!("`{rule}` is for texts")));
            }
            _ => {}
        }
        match rule {
            "min" => set(&mut self.min, rule, span, bound(cursor, kind.inside())?),
            "max" => set(&mut self.max, rule, span, bound(cursor, kind.inside())?),
            "pattern" => set(&mut self.pattern, rule, span, read_pattern(cursor)?),
            _ => set(&mut self.format, rule, span, format(cursor)?),
        }
    }

    /// Do they fit together?
    pub(super) fn check(&self) -> Result<()> {
        match (&self.min, &self.max) {
            (Some(min), Some(max)) if min.decimal > max.decimal => {
                let message = format!(
                    "`min` is greater than `max`: no value is from {} to {}",
                    min.text, max.text
                );
                Err(Error::new(min.span, message))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// Items that define them as the constant `name`, and see to it that they are for this type.
    pub(crate) fn items(&self, name: &TokenStream, type_: &TokenStream) -> TokenStream {
        let span = self.span.unwrap_or_else(Span::call_site);
        let pattern = match &self.pattern {
            Some(pattern) => quote(
                "::core::option::Option::Some({ static PATTERN: ::mik_sdk::validate::Pattern = $pattern; &PATTERN })",
                &[("pattern", pattern.tokens())],
            ),
            None => none(),
        };
        let format = match self.format {
            Some(name) => {
                format!("::core::option::Option::Some(&::mik_sdk::validate::format::{name})")
            }
            None => "::core::option::Option::None".to_owned(),
        };
        let parts = [
            ("name", name.clone()),
            ("min", Bound::tokens(&self.min)),
            ("max", Bound::tokens(&self.max)),
            ("pattern", pattern),
            ("format", quote(&format, &[])),
            ("type", type_.clone()),
        ];
        let mut items = quote(
            "const $name: ::mik_sdk::validate::Rules =
                ::mik_sdk::validate::Rules { min: $min, max: $max, pattern: $pattern, format: $format };",
            &parts,
        );
        items.extend(quote_at(
            span,
            "const _: () = $name.admit(<$type as ::mik_sdk::validate::Check>::MEASURE);",
            &parts,
        ));
        items
    }
}

fn none() -> TokenStream {
    quote("::core::option::Option::None", &[])
}

impl Bound {
    fn tokens(bound: &Option<Self>) -> TokenStream {
        let Some(bound) = bound else { return none() };
        let whole = match bound.whole {
            Some(whole) => format!("::core::option::Option::Some({whole})"),
            None => "::core::option::Option::None".to_owned(),
        };
        quote(
            &format!(
                "::core::option::Option::Some(::mik_sdk::validate::Bound {{
                    whole: {whole}, decimal: {:?}, text: $text
                }})",
                bound.decimal
            ),
            &[("text", string(&bound.text))],
        )
    }
}

impl Pattern {
    /// `Pattern::new(…)`, the program being in it.
    fn tokens(&self) -> TokenStream {
        let steps: String =
            self.program.steps.iter().map(|step| step_source(*step) + ",").collect();
        let ranges = self.program.ranges.iter();
        let ranges: String = ranges
            .map(|(first, last)| format!("({},{}),", character(*first), character(*last)))
            .collect();
        quote(
            &format!(
                "{{
                    use ::mik_sdk::validate::Step as S;
                    ::mik_sdk::validate::Pattern::new($source, &[{steps}], &[{ranges}])
                }}"
            ),
            &[("source", string(&self.source))],
        )
    }
}

fn step_source(step: Step) -> String {
    match step {
        Step::Character(one) => format!("S::Character({})", character(one)),
        Step::Ranges(from, to) => format!("S::Ranges({from},{to})"),
        Step::Fork(one, other) => format!("S::Fork({one},{other})"),
        Step::Jump(to) => format!("S::Jump({to})"),
        Step::Start => "S::Start".to_owned(),
        Step::End => "S::End".to_owned(),
        Step::Match => "S::Match".to_owned(),
    }
}

/// A literal, whatever the character is.
fn character(character: char) -> String {
    format!("'\\u{{{:x}}}'", u32::from(character))
}

fn bound(cursor: &mut Cursor, kind: Kind) -> Result<Bound> {
    let span = cursor.span();
    let is_negative = cursor.eat_operator("-").is_some();
    let sign = if is_negative { "-" } else { "" };
    let literal = match cursor.peek().map(unwrapped) {
        Some(TokenTree::Literal(literal)) => literal,
        _ => return Err(cursor.expected("a number")),
    };
    let text = number(&literal).ok_or_else(|| cursor.expected("a number"))?;
    let text = format!("{sign}{text}");
    cursor.next();
    let decimal: f64 = text.parse().unwrap_or(f64::INFINITY);
    let whole = text.parse().ok();
    if whole.is_none() && kind == Kind::Whole {
        return Err(Error::between(span, literal.span(), "a bound of whole numbers is whole"));
    }
    if matches!(kind, Kind::Text | Kind::List) && (whole.is_none() || is_negative) {
        let what =
            if kind == Kind::Text { "the characters of a text" } else { "the items of a list" };
        let message = format!("this counts {what}: it is whole, and not negative");
        return Err(Error::between(span, literal.span(), message));
    }
    Ok(Bound { text, whole, decimal, span })
}

/// The JSON text of a number: whole ones without a point.
fn number(literal: &Literal) -> Option<String> {
    let text = crate::json::number(literal)?;
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    Some(text.strip_suffix(".0").unwrap_or(&text).to_owned())
}

fn read_pattern(cursor: &mut Cursor) -> Result<Pattern> {
    let text = cursor.string("a pattern: a string")?;
    match pattern::compile(&text.value) {
        Ok(program) => Ok(Pattern { source: text.value, program }),
        Err(error) => {
            let marker = " ".repeat(error.at);
            let message = format!(
                "the pattern is not valid: {}\n  {}\n  {marker}^",
                error.message,
                shown(&text.value)
            );
            Err(Error::new(text.span, message))
        }
    }
}

/// In one line, each character of the width of one.
fn shown(pattern: &str) -> String {
    pattern.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn format(cursor: &mut Cursor) -> Result<&'static str> {
    let name = cursor.string("a format: a string")?;
    match FORMATS.iter().find(|(known, _)| *known == name.value) {
        Some((_, constant)) => Ok(constant),
        None => {
            let meant = match name.value.as_str() {
                "mail" | "e-mail" => "email",
                "guid" => "uuid",
                "url" => "uri",
                "datetime" | "timestamp" => "date-time",
                other => other,
            };
            let known = FORMATS.map(|(known, _)| known);
            if known.contains(&meant) {
                let message = format!("unknown format `{}`; did you mean `{meant}`?", name.value);
                return Err(Error::new(name.span, message));
            }
            Err(Error::unknown(name.span, "format", &name.value, &known))
        }
    }
}
