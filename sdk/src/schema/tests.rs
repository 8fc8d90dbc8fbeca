#![allow(dead_code, reason = "of these types, only the schema is looked at")]

use std::collections::BTreeMap;

use serde_json::{json, Value};

use super::{length, render, Defined, Piece, Type};
use crate::json::OwnedValue;
use crate::prelude::*;
use crate::text::{Path, Query};

/// The constant, rendered as in a component.
macro_rules! rendered {
    ($($piece:expr),*) => {{
        const PIECES: &[Piece] = &[$($piece),*];
        const RECORD: [u8; length(PIECES)] = render(PIECES);
        serde_json::from_slice::<Value>(&RECORD).unwrap()
    }};
}

macro_rules! schema {
    ($type:ty) => {
        rendered!(Piece::Schema(&<$type as Type>::SCHEMA))
    };
}

/// A user.
///
/// With "quotes".
#[derive(Type)]
struct User {
    /// Counted.
    #[field(min = 1)]
    id: u64,
    #[field(min = 1, max = 50, pattern = r#"^"\w+"$"#)]
    name: Option<String>,
    #[field(format = "email", default = "a@b")]
    email: String,
    #[field(rename = "type", default = Kind::Large)]
    kind: Kind,
    friends: Vec<User>,
    best: Option<Box<User>>,
    #[field(min = -1, max = 1000, default = 2)]
    score: Scale,
    #[field(max = 3)]
    map: BTreeMap<String, Option<u8>>,
    any: OwnedValue,
    maybe: Option<Kind>,
}

type Scale = i16;

/// How large.
#[derive(Type)]
#[field(rename = "Size")]
enum Kind {
    Small,
    #[field(rename = "very \"large\"")]
    Large,
}

#[derive(Path)]
struct UserPath {
    /// Which.
    #[field(max = 9)]
    id: u8,
}

#[derive(Query)]
struct Search {
    q: String,
    #[field(default = 10)]
    limit: u32,
    tag: Vec<Kind>,
    page: Option<u32>,
}

#[test]
fn types() {
    assert_eq!(
        schema!(u8),
        json!({ "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 })
    );
    assert_eq!(
        schema!(i16),
        json!({ "type": "integer", "format": "int16", "minimum": -32768, "maximum": 32767 })
    );
    assert_eq!(schema!(u64), json!({ "type": "integer", "format": "uint64", "minimum": 0 }));
    assert_eq!(schema!(i32), json!({ "type": "integer", "format": "int32" }));
    assert_eq!(schema!(i128), json!({ "type": "integer" }));
    assert_eq!(schema!(f64), json!({ "type": "number", "format": "double" }));
    assert_eq!(schema!(bool), json!({ "type": "boolean" }));
    assert_eq!(schema!(String), json!({ "type": "string" }));
    assert_eq!(schema!(char), json!({ "type": "string", "minLength": 1, "maxLength": 1 }));
    assert_eq!(schema!(Option<String>), json!({ "type": ["string", "null"] }));
    assert_eq!(schema!(Vec<bool>), json!({ "type": "array", "items": { "type": "boolean" } }));
    assert_eq!(
        schema!(BTreeMap<String, Vec<String>>),
        json!({ "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } } })
    );
    assert_eq!(schema!(OwnedValue), json!({}));
    assert_eq!(schema!(User), json!({ "$ref": "#/components/schemas/User" }));
    assert_eq!(
        schema!(Option<Box<Kind>>),
        json!({ "anyOf": [{ "$ref": "#/components/schemas/Size" }, { "type": "null" }] })
    );
}

#[test]
fn derived_types_are_defined() {
    assert_eq!(
        rendered!(Piece::Definition(&<User as Defined>::DEFINITION)),
        json!({
            "description": "A user.\n\nWith \"quotes\".",
            "type": "object",
            "properties": {
                "id": { "description": "Counted.", "type": "integer", "format": "uint64", "minimum": 1 },
                "name": { "type": ["string", "null"], "minLength": 1, "maxLength": 50, "pattern": "^\"\\w+\"$" },
                "email": { "type": "string", "format": "email", "default": "a@b" },
                "type": { "$ref": "#/components/schemas/Size" },
                "friends": { "type": "array", "items": { "$ref": "#/components/schemas/User" } },
                "best": { "anyOf": [{ "$ref": "#/components/schemas/User" }, { "type": "null" }] },
                "score": { "type": "integer", "format": "int16", "minimum": -1, "maximum": 1000, "default": 2 },
                "map": {
                    "type": "object",
                    "additionalProperties": {
                        "type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255
                    },
                    "maxProperties": 3,
                },
                "any": {},
                "maybe": { "anyOf": [{ "$ref": "#/components/schemas/Size" }, { "type": "null" }] },
            },
            "required": ["id", "friends", "map", "any"],
        })
    );
    assert_eq!(
        rendered!(Piece::Definition(&<Kind as Defined>::DEFINITION)),
        json!({ "description": "How large.", "type": "string", "enum": ["Small", "very \"large\""] })
    );
}

#[test]
fn parameters_are_items_of_a_list() {
    assert_eq!(
        rendered!(
            Piece::Json("["),
            Piece::Parameters { place: "path", fields: <UserPath as Path>::PARAMETERS },
            Piece::Parameters { place: "query", fields: <Search as Query>::PARAMETERS },
            Piece::Json("]")
        ),
        json!([
            {
                "name": "id", "in": "path", "description": "Which.", "required": true,
                "schema": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 9 }
            },
            { "name": "q", "in": "query", "required": true, "schema": { "type": "string" } },
            {
                "name": "limit", "in": "query",
                "schema": { "type": "integer", "format": "uint32", "minimum": 0, "default": 10 }
            },
            {
                "name": "tag", "in": "query",
                "schema": { "type": "array", "items": { "$ref": "#/components/schemas/Size" } }
            },
            { "name": "page", "in": "query", "schema": { "type": "integer", "format": "uint32", "minimum": 0 } },
        ])
    );
}

#[test]
fn a_form_is_an_object() {
    let form = rendered!(Piece::Form(<Search as Query>::PARAMETERS));
    assert_eq!(form["type"], "object");
    assert_eq!(form["required"], json!(["q"]));
    assert_eq!(form["properties"]["limit"]["default"], 10);
}

#[test]
fn texts_are_escaped() {
    assert_eq!(rendered!(Piece::Text("a\"\\\n\t\u{1}ü")), json!("a\"\\\n\t\u{1}ü"));
}
