//! `#[field(…)]`

use proc_macro::{Span, TokenStream};

use super::input::renamed;
use super::kind::Kind;
use super::rules::Rules;
use crate::json::constant;
use crate::tokens::{Attributes, Cursor, Error, Errors, Result, Text};

/// What `#[field(…)]` says of a field.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) rename: Option<Text>,
    pub(crate) rules: Rules,
    pub(crate) default: Option<Default_>,
}

/// The value of a field that is not there.
pub(crate) struct Default_ {
    pub(crate) span: Span,
    /// `None`: that of its type.
    pub(crate) expression: Option<TokenStream>,
    /// As JSON, if that is known.
    pub(crate) json: String,
}

const KEYS: [&str; 6] = ["min", "max", "pattern", "format", "rename", "default"];

impl Options {
    pub(crate) fn of_field(attributes: &Attributes, type_: &TokenStream) -> Result<Self> {
        let kind = Kind::of(type_);
        let mut options = Self::default();
        let mut errors = Errors::default();
        for_each_key(attributes, &KEYS, &mut errors, |key, span, cursor| match key {
            "rename" => set(&mut options.rename, key, span, name(cursor)?),
            "default" => {
                let default = default(span, cursor, kind)?;
                set(&mut options.default, key, span, default)
            }
            rule => options.rules.set(rule, span, cursor, kind),
        });
        errors.take(options.rules.check());
        errors.finish(options)
    }

    /// The name of a type's schema.
    pub(crate) fn of_container(attributes: &Attributes) -> Result<Option<Text>> {
        Self::of_variant(attributes)
    }

    /// The name of a variant.
    pub(crate) fn of_variant(attributes: &Attributes) -> Result<Option<Text>> {
        let mut rename = None;
        let mut errors = Errors::default();
        for_each_key(attributes, &["rename"], &mut errors, |key, span, cursor| {
            set(&mut rename, key, span, name(cursor)?)
        });
        errors.finish(rename)
    }
}

/// Reads `key = value, key, …`.
fn for_each_key(
    attributes: &Attributes,
    known: &[&str],
    errors: &mut Errors,
    mut read: impl FnMut(&str, Span, &mut Cursor) -> Result<()>,
) {
    for attribute in renamed(attributes) {
        let mut cursor = attribute.body.clone();
        if cursor.is_end() {
            errors.add(Error::new(
                attribute.span,
                format!("expected {} in parentheses", crate::tokens::list(known)),
            ));
        }
        while !cursor.is_end() {
            let result = key(&mut cursor, known, &mut read);
            let is_read = errors.take(result).is_some();
            if cursor.eat_operator(",").is_none() && !cursor.is_end() {
                if is_read {
                    errors.add(cursor.expected("`,`"));
                }
                // On with the next key.
                let _ = cursor.expression("");
                cursor.eat_operator(",");
            }
        }
    }
}

fn key(
    cursor: &mut Cursor,
    known: &[&str],
    read: &mut impl FnMut(&str, Span, &mut Cursor) -> Result<()>,
) -> Result<()> {
    let ident = cursor.ident(&crate::tokens::list(known))?;
    let name = ident.to_string();
    if !known.contains(&name.as_str()) {
        return Err(unknown(ident.span(), &name, known));
    }
    if name != "default" || cursor.is_operator("=") {
        cursor.operator("=")?;
    }
    read(&name, ident.span(), cursor)
}

/// Words of other libraries for the same are known as well.
fn unknown(span: Span, name: &str, known: &[&str]) -> Error {
    let meant = match name {
        "minimum" | "min_length" | "min_len" | "min_items" | "gte" | "ge" => "min",
        "maximum" | "max_length" | "max_len" | "max_items" | "lte" | "le" => "max",
        "regex" | "matches" => "pattern",
        "name" | "alias" => "rename",
        "email" | "uuid" | "uri" | "url" | "date" | "date_time" => "format",
        other => other,
    };
    if meant != name && known.contains(&meant) {
        return Error::new(span, format!("unknown key `{name}`; did you mean `{meant}`?"));
    }
    Error::unknown(span, "key", name, known)
}

pub(super) fn set<T>(place: &mut Option<T>, key: &str, span: Span, value: T) -> Result<()> {
    if place.is_some() {
        return Err(Error::new(span, format!("`{key}` is given twice")));
    }
    *place = Some(value);
    Ok(())
}

fn name(cursor: &mut Cursor) -> Result<Text> {
    let name = cursor.string("a name: a string")?;
    if name.value.is_empty() {
        return Err(Error::new(name.span, "a name has at least one character"));
    }
    Ok(name)
}

fn default(span: Span, cursor: &mut Cursor, kind: Kind) -> Result<Default_> {
    if kind.is_optional() {
        let message = "a field with a default is always there: take its type without `Option`";
        return Err(Error::new(span, message));
    }
    if cursor.is_end() || cursor.is_operator(",") {
        return Ok(Default_ { span, expression: None, json: String::new() });
    }
    let is_string = cursor.is_string();
    let expression = cursor.expression("a value")?;
    let json = constant(&expression).unwrap_or_default();
    let expression = if is_string && !json.is_empty() {
        crate::tokens::quote_at(span, "::core::convert::From::from($text)", &[("text", expression)])
    } else {
        expression
    };
    Ok(Default_ { span, expression: Some(expression), json })
}
