//! `log!`: a line for the log.

use proc_macro::{Span, TokenStream, TokenTree};

use crate::tokens::{name_of, quote, Cursor, Error, Result};

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// `log!(info, "text {}", value)`; without a level, `info`.
pub(crate) fn log(input: TokenStream) -> Result<TokenStream> {
    let mut input = Cursor::new(input, Span::call_site());
    let level = match input.peek() {
        Some(TokenTree::Ident(_)) => level(&mut input)?,
        _ => "Info",
    };
    if !input.is_string() {
        return Err(input.expected("a text in quotes, as `format!` takes it"));
    }
    let template = format!(
        "::mik_sdk::log::write(::mik_sdk::log::Level::{level}, ::core::format_args!($text))"
    );
    Ok(quote(&template, &[("text", input.rest())]))
}

fn level(input: &mut Cursor) -> Result<&'static str> {
    let word = input.ident("a level")?;
    let level = match name_of(&word).as_str() {
        "error" => "Error",
        "warn" => "Warn",
        "info" => "Info",
        "debug" => "Debug",
        "trace" => "Trace",
        other => return Err(Error::unknown(word.span(), "level", other, &LEVELS)),
    };
    input.operator(",")?;
    Ok(level)
}
