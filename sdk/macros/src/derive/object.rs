//! `#[derive(Type)]` of a struct.

use proc_macro::TokenStream;

use super::input::{Field, Input};
use super::{schema_name, schema_record};
use crate::json::quoted;
use crate::tokens::{quote, quote_at, span_of, string, word, Result};

pub(super) fn derive(input: &Input, fields: &[Field]) -> Result<TokenStream> {
    let name = schema_name(input)?;
    let mut rules = TokenStream::new();
    let mut described = TokenStream::new();
    let mut written = TokenStream::new();
    let mut read = TokenStream::new();
    let mut built = TokenStream::new();
    for (index, field) in fields.iter().enumerate() {
        let parts = parts(index, field);
        if !field.options.rules.is_empty() {
            rules.extend(
                field.options.rules.items(&quote(&format!("RULES_{index}"), &[]), &field.type_),
            );
        }
        described.extend(quote(DESCRIBED, &parts));
        written.extend(quote(&format!("out.part({:?});", key(index, field)), &[]));
        written.extend(quote_at(
            span_of(&field.type_),
            "::mik_sdk::json::ToJson::to_json(&self.$ident, out);",
            &parts,
        ));
        read.extend(read_field(field, &parts));
        built.extend(quote("$ident: $value?,", &parts));
    }
    let parts = [
        ("type", word(&input.name)),
        ("name", string(&name)),
        ("docs", string(&input.docs)),
        ("rules", rules),
        ("described", described),
        ("written", written),
        ("read", read),
        ("built", built),
        ("record", schema_record(input, &name)),
        ("start", string(if fields.is_empty() { "{" } else { "" })),
    ];
    Ok(quote(TEMPLATE, &parts))
}

const TEMPLATE: &str = r#"
    const _: () = {
        $rules

        #[automatically_derived]
        impl ::mik_sdk::json::ToJson for $type {
            fn to_json(&self, out: &mut ::mik_sdk::json::Writer) {
                out.raw($start);
                $written
                out.part("}");
            }
        }

        #[automatically_derived]
        impl ::mik_sdk::json::FromJson for $type {
            fn from_json(
                value: &::mik_sdk::json::Value<'_>,
                faults: &mut ::mik_sdk::validate::Faults,
            ) -> ::core::option::Option<Self> {
                let object = ::mik_sdk::__private::object(value, faults)?;
                $read
                let _ = object;
                ::core::option::Option::Some(Self { $built })
            }
        }

        #[automatically_derived]
        impl ::mik_sdk::schema::Type for $type {
            const SCHEMA: ::mik_sdk::schema::Schema = ::mik_sdk::schema::Schema::Reference { name: $name };
        }

        #[automatically_derived]
        impl ::mik_sdk::schema::Defined for $type {
            const DEFINITION: ::mik_sdk::schema::Definition =
                ::mik_sdk::schema::Definition::Object { description: $docs, fields: &[$described] };
        }

        $record
    };
"#;

const DESCRIBED: &str = r#"
    ::mik_sdk::schema::Field {
        name: $name,
        description: $docs,
        schema: &<$type as ::mik_sdk::schema::Type>::SCHEMA,
        rules: &$rules,
        is_required: $required && <$type as ::mik_sdk::schema::Type>::SCHEMA.is_required(),
        default: $default,
    },
"#;

fn parts(index: usize, field: &Field) -> [(&'static str, TokenStream); 9] {
    let options = &field.options;
    let rules = if options.rules.is_empty() {
        quote("::mik_sdk::validate::Rules::NONE", &[])
    } else {
        quote(&format!("RULES_{index}"), &[])
    };
    let default = options.default.as_ref();
    [
        ("ident", word(&field.ident)),
        ("name", string(&field.text().value)),
        ("type", field.type_.clone()),
        ("docs", string(&field.docs)),
        ("rules", rules),
        ("required", quote(if default.is_some() { "false" } else { "true" }, &[])),
        ("default", string(default.map_or("", |default| &default.json))),
        ("value", quote(&format!("field_{index}"), &[])),
        ("absent", super::parameters::absent(default)),
    ]
}

/// The text before the value of a field.
fn key(index: usize, field: &Field) -> String {
    let before = if index == 0 { "{" } else { "," };
    format!("{before}{}:", quoted(&field.text().value))
}

fn read_field(field: &Field, parts: &[(&str, TokenStream)]) -> TokenStream {
    let read = if field.options.default.is_some() {
        "let $value: ::core::option::Option<$type> =
            ::mik_sdk::__private::member_or(object, $name, faults, || $absent);"
    } else {
        "let $value: ::core::option::Option<$type> = ::mik_sdk::__private::member(object, $name, faults);"
    };
    let mut read = quote_at(span_of(&field.type_), read, parts);
    if !field.options.rules.is_empty() {
        let checked =
            "let $value = ::mik_sdk::__private::checked_member($value, &$rules, $name, faults);";
        read.extend(quote_at(span_of(&field.type_), checked, parts));
    }
    read
}
