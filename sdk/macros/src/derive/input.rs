//! What a derive stands at.

use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::field::Options;
use crate::tokens::{name_of, Attributes, Cursor, Error, Errors, Result, Text};

/// A struct with named fields, or an enum of names.
pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) docs: String,
    pub(crate) rename: Option<Text>,
    pub(crate) shape: Shape,
}

pub(crate) enum Shape {
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

/// A field of a struct.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) type_: TokenStream,
    pub(crate) docs: String,
    pub(crate) options: Options,
}

/// A name of an enum.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) rename: Option<Text>,
}

impl Input {
    pub(crate) fn parse(cursor: &mut Cursor) -> Result<Self> {
        let attributes = cursor.attributes()?;
        visibility(cursor);
        let keyword = cursor.ident("a struct or an enum")?;
        let name = cursor.ident("a name")?;
        if cursor.is_operator("<") {
            let message = "a type with parameters has not one schema: derive it for a type without";
            return Err(Error::new(cursor.span(), message));
        }
        let shape = match keyword.to_string().as_str() {
            "struct" => body(cursor, &name).and_then(|body| fields(&body)).map(Shape::Struct),
            "enum" => body(cursor, &name).and_then(|body| variants(&body)).map(Shape::Enum),
            _ => Err(Error::new(keyword.span(), "only a struct or an enum can be derived for")),
        };
        let mut errors = Errors::default();
        let rename = errors.take(Options::of_container(&attributes));
        let shape = errors.take(shape);
        let (rename, shape) =
            errors.finish(rename.zip(shape))?.ok_or_else(|| cursor.expected("a type"))?;
        Ok(Self { name, docs: attributes.docs, rename, shape })
    }
}

impl Field {
    /// The name that clients see, and where it stands.
    pub(crate) fn text(&self) -> Text {
        named(&self.ident, &self.options.rename)
    }
}

impl Variant {
    /// The name that clients see, and where it stands.
    pub(crate) fn text(&self) -> Text {
        named(&self.ident, &self.rename)
    }
}

fn named(ident: &Ident, rename: &Option<Text>) -> Text {
    rename.clone().unwrap_or_else(|| Text { value: name_of(ident), span: ident.span() })
}

/// `pub`, `pub(crate)` …
fn visibility(cursor: &mut Cursor) {
    if cursor.eat_word("pub").is_some() {
        cursor.eat_group(Delimiter::Parenthesis);
    }
}

fn body(cursor: &mut Cursor, name: &Ident) -> Result<Group> {
    match cursor.peek() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            Err(Error::new(group.span(), "the fields need names: `{ name: Type }`"))
        }
        Some(TokenTree::Punct(_)) => {
            Err(Error::new(name.span(), "a struct without fields is written `{}`"))
        }
        _ => cursor.group(Delimiter::Brace, "fields in braces"),
    }
}

fn fields(group: &Group) -> Result<Vec<Field>> {
    let mut cursor = Cursor::of_group(group);
    let mut errors = Errors::default();
    let mut fields = Vec::new();
    while !cursor.is_end() {
        let attributes = cursor.attributes()?;
        visibility(&mut cursor);
        let ident = cursor.ident("the name of a field")?;
        cursor.operator(":")?;
        let type_ = cursor.type_("a type")?;
        cursor.eat_operator(",");
        errors.take(no_lifetime(&type_));
        if let Some(options) = errors.take(Options::of_field(&attributes, &type_)) {
            fields.push(Field { ident, type_, docs: attributes.docs, options });
        }
    }
    errors.take(unique(fields.iter().map(Field::text)));
    errors.finish(fields)
}

fn variants(group: &Group) -> Result<Vec<Variant>> {
    let mut cursor = Cursor::of_group(group);
    let mut errors = Errors::default();
    let mut variants = Vec::new();
    while !cursor.is_end() {
        let attributes = cursor.attributes()?;
        let ident = cursor.ident("a name")?;
        if let Some(TokenTree::Group(group)) = cursor.peek() {
            let message = "an enum is a choice of names: none of them can have fields";
            errors.add(Error::new(group.span(), message));
            cursor.next();
        }
        if cursor.eat_operator("=").is_some() {
            cursor.expression("a value")?;
        }
        cursor.eat_operator(",");
        if let Some(rename) = errors.take(Options::of_variant(&attributes)) {
            variants.push(Variant { ident, rename });
        }
    }
    if variants.is_empty() {
        errors.add(Error::new(group.span(), "an enum without names has no value"));
    }
    errors.take(unique(variants.iter().map(Variant::text)));
    errors.finish(variants)
}

/// What is read outlives the request's text: it cannot borrow.
fn no_lifetime(type_: &TokenStream) -> Result<()> {
    for token in type_.clone() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let message = "a field owns what was read: `String` rather than `&str`";
                return Err(Error::new(punct.span(), message));
            }
            TokenTree::Group(group) => no_lifetime(&group.stream())?,
            _ => {}
        }
    }
    match type_.clone().into_iter().next() {
        Some(TokenTree::Punct(punct)) if punct.as_char() == '&' => {
            Err(Error::new(punct.span(), "a field owns what was read: `String` rather than `&str`"))
        }
        _ => Ok(()),
    }
}

fn unique(names: impl Iterator<Item = Text>) -> Result<()> {
    let mut known: Vec<String> = Vec::new();
    for name in names {
        if known.contains(&name.value) {
            return Err(Error::new(name.span, format!("the name `{}` is there twice", name.value)));
        }
        known.push(name.value);
    }
    Ok(())
}

/// Attributes of this crate, at something that takes none but a name.
pub(super) fn renamed(attributes: &Attributes) -> impl Iterator<Item = &crate::tokens::Attribute> {
    attributes.others.iter().filter(|attribute| attribute.name == "field")
}
