//! What a call returned, as a line tells it.

use std::any::Any;
use std::fmt::Debug;
use std::rc::Rc;

use guests::wasip2::http::types::{ErrorCode, HeaderError};
use guests::wasip2::io::streams::StreamError;

use crate::program::Arguments;

/// What a call came to.
pub enum Returned {
    /// A resource.
    Kept(Rc<dyn Any>),
    /// Something that can be told.
    Told(String),
    /// An error, or nothing, where a resource might have come.
    Refused(String),
    /// Nothing to tell.
    Nothing,
}

pub fn kept<T: Any>(value: T) -> Returned {
    Returned::Kept(Rc::new(value))
}

pub fn told(text: impl ToString) -> Returned {
    Returned::Told(text.to_string())
}

/// `ok`, or `err` and what kind of error.
pub fn done<E>(result: Result<(), E>, what: fn(E) -> String) -> Returned {
    match result {
        Ok(()) => told("ok"),
        Err(error) => Returned::Refused(err(what(error))),
    }
}

/// What was made, or `err` and what kind of error.
pub fn made<T: Any, E>(result: Result<T, E>, what: fn(E) -> String) -> Returned {
    match result {
        Ok(value) => kept(value),
        Err(error) => Returned::Refused(err(what(error))),
    }
}

/// What a stream returned. Its error is kept as `error`.
pub fn streamed<T>(
    result: Result<T, StreamError>,
    arguments: &mut Arguments<'_>,
    tell: fn(T) -> String,
) -> Returned {
    match result {
        Ok(value) => told(tell(value)),
        Err(error) => Returned::Refused(format!("err {}", stream_error(error, arguments))),
    }
}

pub fn stream_error(error: StreamError, arguments: &mut Arguments<'_>) -> &'static str {
    match error {
        StreamError::Closed => "closed",
        StreamError::LastOperationFailed(error) => {
            arguments.keep_error(error);
            "last-operation-failed"
        }
    }
}

pub fn optional(value: Option<impl ToString>) -> Returned {
    told(value.map_or("none".to_owned(), |value| value.to_string()))
}

/// Bytes as a text in quotation marks, in which what is not ASCII is escaped.
pub fn quoted(bytes: impl AsRef<[u8]>) -> String {
    format!("\"{}\"", bytes.as_ref().escape_ascii())
}

pub fn nothing((): ()) -> String {
    String::new()
}

pub fn header_error(error: HeaderError) -> String {
    kebab(&error)
}

pub fn error_code(error: ErrorCode) -> String {
    kebab(&error)
}

fn err(what: String) -> String {
    format!("err {what}").trim_end().to_owned()
}

/// The name that a case has in the WIT, in lower case, with what it carries, from how Rust shows it.
fn kebab(error: &impl Debug) -> String {
    let shown = format!("{error:?}");
    let case = shown.split_once("::").map_or(shown.as_str(), |(_, case)| case);
    let end = case.find(['(', ' ']).unwrap_or(case.len());
    let (case, carried) = case.split_at(end);
    let mut name = String::new();
    for character in case.chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    name + carried
}
