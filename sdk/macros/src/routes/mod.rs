//! `routes!`: which function answers which request.
//!
//! [`parse`] reads the macro's input, [`pattern`] the patterns in it, [`check`] looks at all of them together, [`expand`] writes
//! the table and the calls, [`openapi`] the records that describe them.

mod check;
mod expand;
mod openapi;
mod parse;
mod pattern;

use proc_macro::{Span, TokenStream};

use crate::tokens::{Cursor, Result};

/// The methods that a route can have, in the order of their numbers: the first is 1, each further one twice the one before. The
/// router of the SDK has the same list.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];

/// The macro.
pub(crate) fn routes(input: TokenStream) -> Result<TokenStream> {
    let routes = parse::routes(&mut Cursor::new(input, Span::call_site()))?;
    let table = check::table(&routes)?;
    let mut items = expand::items(&routes, &table);
    items.extend(openapi::records(&routes));
    Ok(items)
}
