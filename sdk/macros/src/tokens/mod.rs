//! Reading tokens, writing tokens, and saying what is wrong with them.
//!
//! [`Cursor`] reads; [`quote`] writes; an [`Error`] points at the token it speaks of.

mod attributes;
mod cursor;
mod error;
mod literal;
mod quote;
mod words;

pub(crate) use attributes::{Attribute, Attributes};
pub(crate) use cursor::Cursor;
pub(crate) use error::{Error, Errors, Result};
pub(crate) use literal::{name_of, string_value, unwrapped, Text};
pub(crate) use quote::{integer, quote, quote_at, span_of, string, word};
pub(crate) use words::list;
