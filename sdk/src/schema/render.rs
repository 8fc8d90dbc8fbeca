//! Rendering schemas while a handler is compiled.

use super::{Definition, Field, Schema};
use crate::validate::{Bound, Rules};

/// A part of a record.
#[derive(Debug, Clone, Copy)]
pub enum Piece {
    /// JSON, as it is.
    Json(&'static str),
    /// A text, which becomes a JSON string.
    Text(&'static str),
    /// The schema of a type.
    Schema(&'static Schema),
    /// The schema of a derived type itself.
    Definition(&'static Definition),
    /// Fields as items of the member `parameters` of an operation, after a comma if another item stands before.
    Parameters {
        /// `path` or `query`.
        place: &'static str,
        /// The fields.
        fields: &'static [Field],
    },
    /// The schema of an object with these fields: the content of a form.
    Form(&'static [Field]),
}

/// How long a record is.
pub const fn length(pieces: &[Piece]) -> usize {
    let mut out = Out::<0> { bytes: [], length: 0, last: 0 };
    out.pieces(pieces);
    out.length
}

/// The record, whose length is `N`.
pub const fn render<const N: usize>(pieces: &[Piece]) -> [u8; N] {
    let mut out = Out::<N> { bytes: [0; N], length: 0, last: 0 };
    out.pieces(pieces);
    out.bytes
}

/// Writes what there is room for, and counts all of it.
struct Out<const N: usize> {
    bytes: [u8; N],
    length: usize,
    last: u8,
}

/// Constant functions have no iterators: hence the loops.
impl<const N: usize> Out<N> {
    const fn pieces(&mut self, pieces: &[Piece]) {
        let mut at = 0;
        while at < pieces.len() {
            match pieces[at] {
                Piece::Json(json) => self.json(json),
                Piece::Text(text) => self.text(text),
                Piece::Schema(schema) => {
                    self.json("{");
                    self.schema(schema, &Rules::NONE, false);
                    self.json("}");
                }
                Piece::Definition(definition) => self.definition(definition),
                Piece::Parameters { place, fields } => self.parameters(place, fields),
                Piece::Form(fields) => {
                    self.json("{");
                    self.object(fields);
                    self.json("}");
                }
            }
            at += 1;
        }
    }

    const fn definition(&mut self, definition: &Definition) {
        self.json("{");
        match definition {
            Definition::Object { description, fields } => {
                self.member("description", description);
                self.object(fields);
            }
            Definition::Choice { description, values } => {
                self.member("description", description);
                self.key("type");
                self.json("\"string\"");
                self.key("enum");
                self.texts(values);
            }
        }
        self.json("}");
    }

    /// The members of an object's schema.
    const fn object(&mut self, fields: &[Field]) {
        self.key("type");
        self.json("\"object\"");
        self.key("properties");
        self.json("{");
        let mut at = 0;
        let mut required = 0;
        while at < fields.len() {
            self.key(fields[at].name);
            self.json("{");
            self.member("description", fields[at].description);
            self.field(&fields[at]);
            self.json("}");
            required += fields[at].is_required as usize;
            at += 1;
        }
        self.json("}");
        if required > 0 {
            self.key("required");
            self.json("[");
            at = 0;
            while at < fields.len() {
                if fields[at].is_required {
                    self.separate();
                    self.text(fields[at].name);
                }
                at += 1;
            }
            self.json("]");
        }
    }

    const fn parameters(&mut self, place: &str, fields: &[Field]) {
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            self.separate();
            self.json("{");
            self.member("name", field.name);
            self.member("in", place);
            self.member("description", field.description);
            if field.is_required {
                self.key("required");
                self.json("true");
            }
            self.key("schema");
            self.json("{");
            self.field(field);
            self.json("}");
            self.json("}");
            at += 1;
        }
    }

    /// The members of a field's schema, the description apart.
    const fn field(&mut self, field: &Field) {
        self.schema(field.schema, field.rules, false);
        if !field.default.is_empty() {
            self.key("default");
            self.json(field.default);
        }
    }

    /// The members of a schema, with rules.
    const fn schema(&mut self, schema: &Schema, rules: &Rules, or_null: bool) {
        match schema {
            Schema::Any => {}
            Schema::Boolean => self.type_("boolean", or_null),
            Schema::Integer { format, min, max } => {
                self.type_("integer", or_null);
                self.member("format", format);
                self.bound("minimum", &rules.min, min);
                self.bound("maximum", &rules.max, max);
            }
            Schema::Number { format } => {
                self.type_("number", or_null);
                self.member("format", format);
                self.bound("minimum", &rules.min, "");
                self.bound("maximum", &rules.max, "");
            }
            Schema::String { format } => {
                self.type_("string", or_null);
                self.string(rules, format);
            }
            Schema::Character => {
                self.type_("string", or_null);
                self.json(",\"minLength\":1,\"maxLength\":1");
            }
            Schema::Array { items } => {
                self.type_("array", or_null);
                self.key("items");
                self.nested(items);
                self.bound("minItems", &rules.min, "");
                self.bound("maxItems", &rules.max, "");
            }
            Schema::Map { values } => {
                self.type_("object", or_null);
                self.key("additionalProperties");
                self.nested(values);
                self.bound("minProperties", &rules.min, "");
                self.bound("maxProperties", &rules.max, "");
            }
            Schema::Optional { schema } => self.schema(schema, rules, true),
            Schema::Reference { name } if or_null => {
                self.key("anyOf");
                self.json("[{");
                self.reference(name);
                self.json("},{\"type\":\"null\"}]");
            }
            Schema::Reference { name } => self.reference(name),
        }
    }

    const fn nested(&mut self, schema: &Schema) {
        self.json("{");
        self.schema(schema, &Rules::NONE, false);
        self.json("}");
    }

    const fn reference(&mut self, name: &str) {
        self.key("$ref");
        self.json("\"#/components/schemas/");
        self.escaped(name);
        self.json("\"");
    }

    const fn type_(&mut self, name: &str, or_null: bool) {
        self.key("type");
        if or_null {
            self.json("[");
            self.text(name);
            self.json(",\"null\"]");
        } else {
            self.text(name);
        }
    }

    const fn string(&mut self, rules: &Rules, format: &str) {
        match &rules.format {
            Some(format) => self.member("format", format.name()),
            None => self.member("format", format),
        }
        self.bound("minLength", &rules.min, "");
        self.bound("maxLength", &rules.max, "");
        if let Some(pattern) = &rules.pattern {
            self.member("pattern", pattern.source());
        }
    }

    /// The rule's bound, else that of the type.
    const fn bound(&mut self, key: &str, rule: &Option<Bound>, of_type: &str) {
        let number = match rule {
            Some(bound) => bound.text,
            None => of_type,
        };
        if !number.is_empty() {
            self.key(key);
            self.json(number);
        }
    }

    /// A member that is a text, unless that is empty.
    const fn member(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.key(name);
            self.text(text);
        }
    }

    const fn texts(&mut self, texts: &[&str]) {
        self.json("[");
        let mut at = 0;
        while at < texts.len() {
            self.separate();
            self.text(texts[at]);
            at += 1;
        }
        self.json("]");
    }

    const fn key(&mut self, name: &str) {
        self.separate();
        self.text(name);
        self.json(":");
    }

    /// A comma, if a value stands before.
    const fn separate(&mut self) {
        if !matches!(self.last, 0 | b'{' | b'[' | b':' | b',') {
            self.push(b',');
        }
    }

    const fn text(&mut self, text: &str) {
        self.push(b'"');
        self.escaped(text);
        self.push(b'"');
    }

    const fn escaped(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => self.json("\\\""),
                b'\\' => self.json("\\\\"),
                b'\n' => self.json("\\n"),
                byte if byte < b' ' => {
                    self.json(if byte < 0x10 { "\\u000" } else { "\\u001" });
                    self.push(b"0123456789abcdef"[(byte & 15) as usize]);
                }
                byte => self.push(byte),
            }
            at += 1;
        }
    }

    const fn json(&mut self, json: &str) {
        let bytes = json.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            self.push(bytes[at]);
            at += 1;
        }
    }

    const fn push(&mut self, byte: u8) {
        if self.length < N {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
        self.last = byte;
    }
}
