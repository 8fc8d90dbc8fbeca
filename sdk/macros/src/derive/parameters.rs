//! `#[derive(Path)]` and `#[derive(Query)]`.

use proc_macro::{Span, TokenStream};

use super::field::Default_;
use super::input::{Field, Input, Shape};
use crate::tokens::{quote, quote_at, span_of, string, word, Cursor, Error, Errors, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Path,
    Query,
}

pub(super) fn derive(input: TokenStream, kind: Kind) -> Result<TokenStream> {
    let input = Input::parse(&mut Cursor::new(input, Span::call_site()))?;
    let Shape::Struct(fields) = &input.shape else {
        let message = "parameters have names: derive it for a struct; an enum of names derives `Type`, and is one parameter";
        return Err(Error::new(input.name.span(), message));
    };
    if let Some(rename) = &input.rename {
        return Err(Error::new(
            rename.span,
            "parameters have no schema of their own that could have a name",
        ));
    }
    let mut errors = Errors::default();
    if kind == Kind::Path {
        for default in fields.iter().filter_map(|field| field.options.default.as_ref()) {
            errors.add(Error::new(
                default.span,
                "a parameter of a path is always there: it takes no default",
            ));
        }
    }
    errors.finish(())?;
    Ok(implementation(&input, fields, kind))
}

fn implementation(input: &Input, fields: &[Field], kind: Kind) -> TokenStream {
    let mut rules = TokenStream::new();
    let mut described = TokenStream::new();
    let mut read = TokenStream::new();
    let mut built = TokenStream::new();
    for (index, field) in fields.iter().enumerate() {
        let parts = parts(index, field, kind);
        if !field.options.rules.is_empty() {
            rules.extend(
                field.options.rules.items(&quote(&format!("RULES_{index}"), &[]), &field.type_),
            );
        }
        described.extend(quote(DESCRIBED, &parts));
        read.extend(read_field(field, kind, &parts));
        built.extend(quote("$ident: $value?,", &parts));
    }
    let (name, values) = match kind {
        Kind::Path => ("Path", "Params"),
        Kind::Query => ("Query", "Pairs"),
    };
    quote(
        PARAMETERS,
        &[
            ("trait", quote(name, &[])),
            ("values", quote(values, &[])),
            ("type", word(&input.name)),
            ("rules", rules),
            ("described", described),
            ("read", read),
            ("built", built),
        ],
    )
}

const PARAMETERS: &str = r#"
    const _: () = {
        $rules

        #[automatically_derived]
        impl ::mik_sdk::text::$trait for $type {
            const PARAMETERS: &'static [::mik_sdk::schema::Field] = &[$described];

            fn read(
                values: &::mik_sdk::text::$values<'_>,
                faults: &mut ::mik_sdk::validate::Faults,
            ) -> ::core::option::Option<Self> {
                let _ = (values, &faults);
                $read
                ::core::option::Option::Some(Self { $built })
            }
        }
    };
"#;

const DESCRIBED: &str = r#"
    ::mik_sdk::schema::Field {
        name: $name,
        description: $docs,
        schema: &<$type as $trait>::SCHEMA,
        rules: &$rules,
        is_required: $required,
        default: $default,
    },
"#;

fn parts(index: usize, field: &Field, kind: Kind) -> [(&'static str, TokenStream); 11] {
    let options = &field.options;
    let default = options.default.as_ref();
    let rules = match options.rules.is_empty() {
        true => "::mik_sdk::validate::Rules::NONE".to_owned(),
        false => format!("RULES_{index}"),
    };
    let (trait_, within, required) = match (kind, default) {
        (Kind::Path, _) => ("::mik_sdk::text::FromText", "\"path\"", "true"),
        (Kind::Query, Some(_)) => ("::mik_sdk::text::FromPairs", "values.within()", "false"),
        (Kind::Query, None) => (
            "::mik_sdk::text::FromPairs",
            "values.within()",
            "<$type as ::mik_sdk::text::FromPairs>::IS_REQUIRED",
        ),
    };
    [
        ("ident", word(&field.ident)),
        ("name", string(&field.text().value)),
        ("type", field.type_.clone()),
        ("docs", string(&field.docs)),
        ("rules", quote(&rules, &[])),
        ("trait", quote(trait_, &[])),
        ("within", quote(within, &[])),
        ("required", quote(required, &[("type", field.type_.clone())])),
        ("default", string(default.map_or("", |default| &default.json))),
        ("value", quote(&format!("field_{index}"), &[])),
        ("absent", absent(default)),
    ]
}

fn read_field(field: &Field, kind: Kind, parts: &[(&str, TokenStream)]) -> TokenStream {
    let read = match (kind, &field.options.default) {
        (Kind::Path, _) => "::mik_sdk::__private::param(values, $name, faults)",
        (Kind::Query, None) => "::mik_sdk::__private::pair(values, $name, faults)",
        (Kind::Query, Some(_)) => {
            "::mik_sdk::__private::pair_or(values, $name, faults, || $absent)"
        }
    };
    let span = span_of(&field.type_);
    let read = format!("let $value: ::core::option::Option<$type> = {read};");
    let mut read = quote_at(span, &read, parts);
    if !field.options.rules.is_empty() {
        let checked =
            "let $value = ::mik_sdk::__private::checked_parameter($value, &$rules, $within, $name, faults);";
        read.extend(quote_at(span, checked, parts));
    }
    read
}

/// An option of the default.
pub(super) fn absent(default: Option<&Default_>) -> TokenStream {
    let Some(default) = default else { return TokenStream::new() };
    match &default.expression {
        Some(expression) => {
            quote("::core::option::Option::Some($value)", &[("value", expression.clone())])
        }
        None => quote_at(
            default.span,
            "::core::option::Option::Some(::core::default::Default::default())",
            &[],
        ),
    }
}
