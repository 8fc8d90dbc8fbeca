//! From a request to the function that answers it. `routes!` makes the tables.
//!
//! A handler has few routes, and they are compared one after the other, the more particular ones first: `routes!` sorts them
//! so that, segment by segment, a text goes before a parameter, and a parameter before the rest of a path.

use std::borrow::Cow;

use crate::percent::decode;
use crate::response::checked;
use crate::text::Params;
use crate::{Request, Response, ResponseBody};

/// A pattern for paths, and the methods for which it stands.
#[derive(Debug)]
pub struct Route {
    /// The sum of their numbers: see [`METHODS`].
    methods: u16,
    segments: &'static [Segment],
}

/// What stands between two slashes of a pattern. The empty path has none, the path `/` has an empty one.
#[derive(Debug)]
pub enum Segment {
    /// This text.
    Text(&'static str),
    /// Any text but the empty one; the name under which it is known.
    Parameter(&'static str),
    /// All that is left of the path, slashes included, or nothing; the name under which it is known.
    Rest(&'static str),
}

/// Methods by their numbers: the first is 1, each further one twice the one before. `routes!` has the same list.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
const GET: u16 = 1;
const HEAD: u16 = 2;
const OPTIONS: u16 = 64;

impl Route {
    /// A route of a table.
    pub const fn new(methods: u16, segments: &'static [Segment]) -> Self {
        Self { methods, segments }
    }

    /// Whether the path is one of this pattern; notes what its parameters stand for, as it is in the path.
    fn matches<'a>(&self, path: &'a str, found: &mut Vec<(&'static str, &'a str)>) -> bool {
        found.clear();
        let mut rest = path.strip_prefix('/');
        if rest.is_none() && !path.is_empty() {
            return false;
        }
        for segment in self.segments {
            let Some(left) = rest else { return false };
            if let Segment::Rest(name) = segment {
                found.push((name, left));
                return true;
            }
            let (text, after) = match left.split_once('/') {
                Some((text, after)) => (text, Some(after)),
                None => (left, None),
            };
            rest = after;
            match segment {
                Segment::Text(expected) if is_same(text, expected) => {}
                Segment::Parameter(name) if !text.is_empty() => found.push((name, text)),
                _ => return false,
            }
        }
        rest.is_none()
    }
}

/// Whether the text of a path, which may be percent-encoded, is that of a pattern.
fn is_same(text: &str, expected: &str) -> bool {
    text == expected || text.contains('%') && decode(text).is_some_and(|text| text == expected)
}

/// Answers a request by the route for it; `run` calls the function of the route with that number.
pub fn respond(
    routes: &[Route],
    run: fn(usize, &Params<'_>, &Request) -> Response,
    request: &Request,
) -> Response {
    let method = number(request.method());
    // A resource that can be got can be asked about.
    let wanted = if method == HEAD { HEAD | GET } else { method };
    let mut allowed = 0;
    let mut found = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        if !route.matches(request.path(), &mut found) {
            continue;
        }
        if route.methods & wanted != 0 {
            let response = match params(&found) {
                Some(params) => run(index, &params, request),
                None => {
                    Response::problem(400, "the path is not valid: a percent sign says no text")
                }
            };
            return checked(if method == HEAD { without_content(response) } else { response });
        }
        allowed |= route.methods;
    }
    match allowed {
        0 => Response::problem(404, "there is nothing at this path"),
        _ if method == OPTIONS => Response::new(204).header("allow", allow(allowed)),
        _ => Response::problem(405, "this path does not take this method")
            .header("allow", allow(allowed)),
    }
}

/// The number of a method; nought for one that no route can have.
fn number(method: &str) -> u16 {
    METHODS.iter().position(|other| *other == method).map_or(0, |at| 1 << at)
}

fn params<'a>(found: &[(&'static str, &'a str)]) -> Option<Params<'a>> {
    let mut params = Params::new();
    for (name, text) in found {
        let value: Cow<'a, str> = decode(text)?;
        params.push(name, value);
    }
    Some(params)
}

/// The methods, as the field `allow` lists them.
fn allow(mut methods: u16) -> String {
    if methods & GET != 0 {
        methods |= HEAD;
    }
    methods |= OPTIONS;
    let mut list = String::new();
    for (at, method) in METHODS.iter().enumerate() {
        if methods & 1 << at != 0 {
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(method);
        }
    }
    list
}

/// The head alone (RFC 9110, section 9.3.2): with the length that the content has.
fn without_content(mut response: Response) -> Response {
    let length = match &response.body {
        ResponseBody::Text(text) => Some(text.len()),
        ResponseBody::Bytes(bytes) => Some(bytes.len()),
        ResponseBody::Stream(_) => None,
    };
    if let Some(length) = length.filter(|_| !response.has_header("content-length")) {
        response = response.header("content-length", length.to_string());
    }
    response.body = ResponseBody::Bytes(Vec::new());
    response
}

#[cfg(test)]
mod tests;
