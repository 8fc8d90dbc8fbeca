//! Records of operations, from which `mik build` makes an OpenAPI document.

use std::collections::BTreeSet;

use proc_macro::TokenStream;

use super::parse::{Method, Route, Source};
use super::pattern::Pattern;
use crate::derive::record;
use crate::tokens::{quote, string};

pub(super) fn records(routes: &[Route]) -> TokenStream {
    let (mut operations, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let mut records = TokenStream::new();
    for route in routes {
        for pattern in &route.patterns {
            for method in &route.methods {
                // `""` and `"/"` are one path there.
                let path = pattern.for_openapi();
                // There is no member for this method.
                if method.name() == "CONNECT" || !operations.insert((path.clone(), method.number)) {
                    continue;
                }
                let id = unused(&route.handler.name, method, &mut ids);
                records.extend(record(pieces(route, pattern, method, &path, &id)));
            }
        }
    }
    records
}

/// A name for the operation that no other has.
fn unused(name: &str, method: &Method, ids: &mut BTreeSet<String>) -> String {
    let with_method = format!("{name}_{}", method.name().to_lowercase());
    let numbered = (2..).map(|number| format!("{with_method}_{number}"));
    let mut candidates = [name.to_owned(), with_method.clone()].into_iter().chain(numbered);
    candidates.find(|id| ids.insert(id.clone())).unwrap_or_default()
}

/// The record, piece by piece: what the macro knows is JSON already, what the types know is rendered by the compiler.
fn pieces(route: &Route, pattern: &Pattern, method: &Method, path: &str, id: &str) -> TokenStream {
    let mut out = Pieces(TokenStream::new());
    out.json("{\"path\":");
    out.text(path);
    out.json(&format!(",\"method\":\"{}\"", method.name().to_lowercase()));
    for (name, text) in
        [("summary", route.docs.summary().as_str()), ("description", route.docs.description())]
    {
        if !text.is_empty() {
            out.json(&format!(",\"{name}\":"));
            out.text(text);
        }
    }
    out.json(",\"operationId\":");
    out.text(id);
    if pattern.has_rest() {
        out.json(",\"x-mik-wildcard\":true");
    }
    parameters(route, pattern, &mut out);
    content(route, &mut out);
    responses(route, &mut out);
    out.json("}\n");
    out.0
}

fn parameters(route: &Route, pattern: &Pattern, out: &mut Pieces) {
    let (path, query) = (route.input(Source::Path), route.input(Source::Query));
    if pattern.names().next().is_none() && query.is_none() {
        return;
    }
    out.json(",\"parameters\":[");
    if let Some(path) = path {
        out.of(
            "Parameters { place: \"path\", fields: <$type as ::mik_sdk::text::Path>::PARAMETERS }",
            &path.type_,
        );
    } else {
        // No type says what they are.
        for (at, name) in pattern.names().enumerate() {
            out.json(if at == 0 { "{\"name\":" } else { ",{\"name\":" });
            out.text(name);
            out.json(",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}");
        }
    }
    if let Some(query) = query {
        out.of("Parameters { place: \"query\", fields: <$type as ::mik_sdk::text::Query>::PARAMETERS }", &query.type_);
    }
    out.json("]");
}

fn content(route: &Route, out: &mut Pieces) {
    let (media_type, template, input) = match (route.input(Source::Json), route.input(Source::Form))
    {
        (Some(json), _) => ("application/json", SCHEMA, json),
        (None, Some(form)) => (
            "application/x-www-form-urlencoded",
            "Form(<$type as ::mik_sdk::text::Query>::PARAMETERS)",
            form,
        ),
        (None, None) => return,
    };
    out.json(&format!(
        ",\"requestBody\":{{\"required\":true,\"content\":{{\"{media_type}\":{{\"schema\":"
    ));
    out.of(template, &input.type_);
    out.json("}}}");
}

const SCHEMA: &str = "Schema(&<$type as ::mik_sdk::schema::Type>::SCHEMA)";

fn responses(route: &Route, out: &mut Pieces) {
    out.json(",\"responses\":{\"200\":{\"description\":\"OK\"");
    if let Some(output) = &route.output {
        out.json(",\"content\":{\"application/json\":{\"schema\":");
        out.of(SCHEMA, output);
        out.json("}}");
    }
    out.json("}");
    if !route.inputs.is_empty() {
        out.json(",\"400\":{\"description\":\"Bad Request\",\"content\":{\"application/problem+json\":{}}}");
    }
    out.json("}");
}

/// The items of an array of `Piece`.
struct Pieces(TokenStream);

impl Pieces {
    fn json(&mut self, json: &str) {
        self.0.extend(quote("::mik_sdk::schema::Piece::Json($json),", &[("json", string(json))]));
    }

    fn text(&mut self, text: &str) {
        self.0.extend(quote("::mik_sdk::schema::Piece::Text($text),", &[("text", string(text))]));
    }

    /// A piece that the compiler makes of a type.
    fn of(&mut self, template: &str, type_: &TokenStream) {
        let template = format!("::mik_sdk::schema::Piece::{template},");
        self.0.extend(quote(&template, &[("type", type_.clone())]));
    }
}
