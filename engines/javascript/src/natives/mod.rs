//! Natives that need nothing of the run: text, base64, URLs, query strings, random bytes.
//!
//! The prelude is their only caller and has checked what scripts hand in. An argument of the wrong type is
//! therefore a fault of the prelude; it is thrown as a `TypeError` that names the native.

mod arguments;
mod base64;
mod query;
mod random;
#[cfg(test)]
mod tests;
mod text;
mod url;

use crate::{Thrown, Value};
use arguments::Arguments;

/// What a native gives.
type Given = Result<Value, Thrown>;

/// Calls the native of that name; `None` where it is not one of these.
pub(crate) fn pure(name: &str, args: &[Value]) -> Option<Given> {
    let native: fn(Arguments<'_>) -> Given = match name {
        "random" => random::bytes,
        "uuid" => random::uuid,
        "utf8_encode" => text::utf8_encode,
        "utf8_decode" => text::utf8_decode,
        "base64_encode" => base64::encode,
        "base64_decode" => base64::decode,
        "url_parse" => url::parse,
        "url_set" => url::set,
        "query_parse" => query::parse,
        "query_serialize" => query::serialize,
        _ => return None,
    };
    Some(native(Arguments::new(name, args)))
}
