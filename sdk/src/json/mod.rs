//! JSON (RFC 8259): a strict reader, a writer, and the traits between JSON and types.
//!
//! A type becomes both with `#[derive(Type)]`:
//!
//! ```
//! use mik_sdk::json;
//! use mik_sdk::prelude::*;
//!
//! #[derive(Type)]
//! struct User {
//!     id: u32,
//!     name: String,
//! }
//!
//! let user: User = json::read(br#"{"id": 1, "name": "Alice"}"#).map_err(|faults| faults.summary()).unwrap();
//! assert_eq!(json::to_string(&user), r#"{"id":1,"name":"Alice"}"#);
//! ```
//!
//! What has no type is read as a [`Value`], and written with `json!`:
//!
//! ```
//! use mik_sdk::json::Value;
//! use mik_sdk::prelude::*;
//!
//! let value = Value::parse(r#"{"items": [1, 2.50]}"#).unwrap();
//! let second = value.get("items").and_then(|items| items.at(1)).unwrap();
//! assert_eq!(second.as_f64(), Some(2.5));
//! assert_eq!(json!({ "second": second, "of": [1, 2] }).as_str(), r#"{"second":2.50,"of":[1,2]}"#);
//! ```

mod from_json;
mod number;
mod raw;
mod reader;
mod to_json;
mod value;
mod writer;

pub use from_json::FromJson;
#[doc(hidden)]
pub use from_json::{choice, member, member_or, object};
pub use number::Number;
pub use raw::Raw;
pub use reader::SyntaxError;
pub use to_json::ToJson;
pub use value::{Object, OwnedValue, Value};
pub use writer::Writer;

use crate::validate::Faults;

/// Reads a value of a type from JSON text. All that is not valid is told, at most 100 faults.
///
/// # Errors
/// The text is not JSON (then that is the only fault), or not of this type.
pub fn read<T: FromJson>(content: &[u8]) -> Result<T, Faults> {
    let mut faults = Faults::new();
    match Value::parse_bytes(content) {
        Ok(value) => T::from_json(&value, &mut faults).filter(|_| faults.is_empty()).ok_or(faults),
        Err(error) => Err(Faults::syntax(&error)),
    }
}

/// The JSON text of a value.
pub fn to_string<T: ToJson + ?Sized>(value: &T) -> String {
    let mut out = Writer::new();
    value.to_json(&mut out);
    out.finish()
}
