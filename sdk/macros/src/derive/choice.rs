//! `#[derive(Type)]` of an enum of names.

use proc_macro::TokenStream;

use super::input::{Input, Variant};
use super::{schema_name, schema_record};
use crate::tokens::{quote, string, word, Result};

pub(super) fn derive(input: &Input, variants: &[Variant]) -> Result<TokenStream> {
    let name = schema_name(input)?;
    let mut written = TokenStream::new();
    let mut read = TokenStream::new();
    let mut values = TokenStream::new();
    let mut names = Vec::new();
    for variant in variants {
        let text = variant.text().value;
        let parts = [("text", string(&text)), ("variant", word(&variant.ident))];
        written.extend(quote("Self::$variant => $text,", &parts));
        read.extend(quote("$text => Self::$variant,", &parts));
        values.extend(quote("$text,", &parts));
        names.push(text);
    }
    let expected = match names.as_slice() {
        [only] => only.clone(),
        names => format!("one of {}", names.join(", ")),
    };
    let parts = [
        ("type", word(&input.name)),
        ("name", string(&name)),
        ("docs", string(&input.docs)),
        ("written", written),
        ("read", read),
        ("values", values),
        ("expected", string(&expected)),
        ("record", schema_record(input, &name)),
    ];
    Ok(quote(TEMPLATE, &parts))
}

const TEMPLATE: &str = r#"
    const _: () = {
        #[automatically_derived]
        impl ::mik_sdk::json::ToJson for $type {
            fn to_json(&self, out: &mut ::mik_sdk::json::Writer) {
                out.string(match self { $written });
            }
        }

        #[automatically_derived]
        impl ::mik_sdk::json::FromJson for $type {
            fn from_json(
                value: &::mik_sdk::json::Value<'_>,
                faults: &mut ::mik_sdk::validate::Faults,
            ) -> ::core::option::Option<Self> {
                ::mik_sdk::__private::choice(value, faults)
            }
        }

        #[automatically_derived]
        impl ::mik_sdk::schema::Type for $type {
            const SCHEMA: ::mik_sdk::schema::Schema = ::mik_sdk::schema::Schema::Reference { name: $name };
        }

        #[automatically_derived]
        impl ::mik_sdk::text::FromText for $type {
            const SCHEMA: ::mik_sdk::schema::Schema = <Self as ::mik_sdk::schema::Type>::SCHEMA;
            const EXPECTED: &'static str = $expected;
            const CODE: &'static str = "choice";

            fn from_text(text: &str) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(match text {
                    $read
                    _ => return ::core::option::Option::None,
                })
            }
        }

        #[automatically_derived]
        impl ::mik_sdk::schema::Defined for $type {
            const DEFINITION: ::mik_sdk::schema::Definition =
                ::mik_sdk::schema::Definition::Choice { description: $docs, values: &[$values] };
        }

        $record
    };
"#;
