//! What `routes!` expands to, where it need not be written out.

use crate::bindings::exports::mik::core::handler::IncomingRequest;
use crate::json::{FromJson, Value};
use crate::request::{Raw, Request};
use crate::response::Response;
use crate::schema::Field;
use crate::text::{Pairs, Query};
use crate::validate::Faults;

/// Answers a request of the host.
#[cfg(target_arch = "wasm32")]
pub fn handle(request: IncomingRequest, respond: fn(&Request) -> Response) -> Response {
    respond(&Request::new(Raw(request)))
}

/// There is no host.
#[cfg(not(target_arch = "wasm32"))]
pub fn handle(_: IncomingRequest, _: fn(&Request) -> Response) -> Response {
    let _: Option<Raw> = None;
    unreachable!("tests call `respond`")
}

/// The query of a request; what is wrong with it is noted.
pub fn query<T: Query>(request: &Request, faults: &mut Faults) -> Option<T> {
    T::read(&Pairs::of_query(request.query_string()), faults)
}

/// The content of a request as JSON; what is wrong with the value is noted, what is no JSON is answered.
pub fn json<T: FromJson>(request: &Request, faults: &mut Faults) -> Result<Option<T>, Response> {
    let value: Value<'_> = request.json_value()?;
    Ok(T::from_json(&value, faults))
}

/// The content of a request as a form; what is wrong with the values is noted, what is no form is answered.
pub fn form<T: Query>(request: &Request, faults: &mut Faults) -> Result<Option<T>, Response> {
    Ok(T::read(&request.form_pairs()?, faults))
}

/// How the type of a path differs from the parameters of a pattern, in a sentence of several parts; all are empty where it does
/// not. The compiler calls it.
pub const fn misfit(
    pattern: &'static str,
    names: &[&'static str],
    type_name: &'static str,
    fields: &[Field],
) -> [&'static str; 8] {
    let (unknown, unread) = (without_field(names, fields), without_name(fields, names));
    match (unknown, unread) {
        (None, None) => [""; 8],
        (Some(name), None) => [
            "the path \"",
            pattern,
            "\" has the parameter `{",
            name,
            "}`, but `",
            type_name,
            "` has no such field",
            "",
        ],
        (Some(name), Some(field)) => [
            "`",
            type_name,
            "` has no field for the parameter `{",
            name,
            "}`; did you mean `{",
            field,
            "}`?",
            "",
        ],
        (None, Some(field)) => [
            "`",
            type_name,
            "` has the field `",
            field,
            "`, but the path \"",
            pattern,
            "\" has no such parameter",
            "",
        ],
    }
}

/// The first of the names that no field has.
const fn without_field(names: &[&'static str], fields: &[Field]) -> Option<&'static str> {
    let mut at = 0;
    while at < names.len() {
        let mut other = 0;
        while other < fields.len() && !is_same(names[at], fields[other].name) {
            other += 1;
        }
        if other == fields.len() {
            return Some(names[at]);
        }
        at += 1;
    }
    None
}

/// The first of the fields that is none of the names.
const fn without_name(fields: &[Field], names: &[&'static str]) -> Option<&'static str> {
    let mut at = 0;
    while at < fields.len() {
        let mut other = 0;
        while other < names.len() && !is_same(names[other], fields[at].name) {
            other += 1;
        }
        if other == names.len() {
            return Some(fields[at].name);
        }
        at += 1;
    }
    None
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// How long the parts are together.
pub const fn length(parts: &[&str]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < parts.len() {
        length += parts[at].len();
        at += 1;
    }
    length
}

/// The parts, one after the other: `N` bytes.
pub const fn joined<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut bytes = [0; N];
    let (mut at, mut end) = (0, 0);
    while at < parts.len() {
        let part = parts[at].as_bytes();
        let mut from = 0;
        while from < part.len() {
            bytes[end] = part[from];
            end += 1;
            from += 1;
        }
        at += 1;
    }
    bytes
}
