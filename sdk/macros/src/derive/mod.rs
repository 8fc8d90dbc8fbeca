//! The derives: `Type`, `Path`, `Query`.

mod choice;
mod field;
mod input;
mod kind;
mod object;
mod parameters;
mod rules;

use proc_macro::{Span, TokenStream};

use crate::tokens::{quote, Cursor, Error, Result};
use input::{Input, Shape};

/// `#[derive(Type)]`
pub(crate) fn type_(input: TokenStream) -> Result<TokenStream> {
    let input = Input::parse(&mut Cursor::new(input, Span::call_site()))?;
    match &input.shape {
        Shape::Struct(fields) => object::derive(&input, fields),
        Shape::Enum(variants) => choice::derive(&input, variants),
    }
}

/// `#[derive(Path)]`
pub(crate) fn path(input: TokenStream) -> Result<TokenStream> {
    parameters::derive(input, parameters::Kind::Path)
}

/// `#[derive(Query)]`
pub(crate) fn query(input: TokenStream) -> Result<TokenStream> {
    parameters::derive(input, parameters::Kind::Query)
}

/// The name of the schema of a derived type.
fn schema_name(input: &Input) -> Result<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let (name, span) = match &input.rename {
        Some(name) => (name.value.clone(), name.span),
        None => (crate::tokens::name_of(&input.name), input.name.span()),
    };
    if name.is_empty() || !name.chars().all(is_allowed) {
        let message = "the name of a schema is of `A-Z a-z 0-9 . - _`; `#[field(rename = \"…\")]` gives it one";
        return Err(Error::new(span, message));
    }
    Ok(name)
}

/// A record of the section `mik:openapi`, rendered while compiling; `pieces` are expressions of the type
/// `mik_sdk::schema::Piece`, each with a comma behind.
///
/// Not `#[used]`: that would bring it into the memory of the component as well.
pub(crate) fn record(pieces: TokenStream) -> TokenStream {
    quote(
        "#[cfg(target_arch = \"wasm32\")]
        const _: () = {
            const PIECES: &[::mik_sdk::schema::Piece] = &[$pieces];
            #[unsafe(link_section = \"mik:openapi\")]
            static RECORD: [u8; ::mik_sdk::schema::length(PIECES)] = ::mik_sdk::schema::render(PIECES);
        };",
        &[("pieces", pieces)],
    )
}

/// The record of a derived type.
fn schema_record(input: &Input, name: &str) -> TokenStream {
    record(quote(
        "::mik_sdk::schema::Piece::Json($start),
        ::mik_sdk::schema::Piece::Definition(&<$type as ::mik_sdk::schema::Defined>::DEFINITION),
        ::mik_sdk::schema::Piece::Json(\"}\\n\"),",
        &[
            ("start", crate::tokens::string(&format!("{{\"schema\":\"{name}\",\"value\":"))),
            ("type", crate::tokens::word(&input.name)),
        ],
    ))
}
