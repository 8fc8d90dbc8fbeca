//! The table of the router, the calls of the functions, and what the component exports.

use proc_macro::TokenStream;

use super::check::Line;
use super::parse::{Input, Route, Source};
use super::pattern::{Pattern, Segment};
use crate::tokens::{integer, quote, quote_at, string};

pub(super) fn items(routes: &[Route], table: &[Line<'_>]) -> TokenStream {
    let lines = table.iter().map(line).collect();
    let calls = routes.iter().enumerate().map(|(at, route)| call(at, route, table)).collect();
    let checks = routes.iter().flat_map(checks).collect::<TokenStream>();
    let mut items = quote(
        r#"
        /// Answers a request by the routes of this file. Tests can call it without a host: see `mik_sdk::testing`.
        pub fn respond(request: &::mik_sdk::Request) -> ::mik_sdk::Response {
            use ::mik_sdk::__private::{Route, Segment};

            fn run(
                number: usize,
                params: &::mik_sdk::text::Params<'_>,
                request: &::mik_sdk::Request,
            ) -> ::mik_sdk::Response {
                let _ = (params, request);
                match number {
                    $calls
                    _ => ::mik_sdk::Response::new(404),
                }
            }

            ::mik_sdk::__private::respond(&[$lines], run, request)
        }

        /// What the component exports.
        #[allow(dead_code)]
        struct MikHandler;

        impl Guest for MikHandler {
            type BodySource = ::mik_sdk::response::Source;

            fn handle(request: handler::IncomingRequest) -> handler::Response {
                ::mik_sdk::__private::handle(request, respond)
            }
        }

        #[cfg(target_arch = "wasm32")]
        bindings::export!(MikHandler with_types_in bindings);
        "#,
        &[("calls", calls), ("lines", lines)],
    );
    items.extend(checks);
    items
}

/// `Route::new(1, &[Segment::Text("users"), Segment::Parameter("id")]),`.
fn line(line: &Line<'_>) -> TokenStream {
    let segments = line.pattern.segments.iter().map(|segment| {
        let (kind, text) = match segment {
            Segment::Text(text) => ("Segment::Text($text),", text),
            Segment::Parameter(name) => ("Segment::Parameter($text),", name),
            Segment::Rest(name) => ("Segment::Rest($text),", name),
        };
        quote(kind, &[("text", string(text))])
    });
    quote(
        "Route::new($methods, &[$segments]),",
        &[("methods", integer(line.methods.into())), ("segments", segments.collect())],
    )
}

/// `0 | 2 => …,`: reads what the function takes, and calls it.
fn call(at: usize, route: &Route, table: &[Line<'_>]) -> TokenStream {
    let numbers = table.iter().enumerate().filter(|(_, line)| line.route == at);
    let numbers = numbers.map(|(number, _)| quote("| $number", &[("number", integer(number))]));
    let each = |write: fn((usize, &Input)) -> TokenStream| -> TokenStream {
        route.inputs.iter().enumerate().map(write).collect()
    };
    let arguments = each(|(at, input)| quote("$name,", &[("name", argument(at, input))]));
    // What is wrong with the function is told at its name.
    let call = quote_at(
        route.handler.span,
        "::mik_sdk::response::Reply::reply($function($arguments request))",
        &[("function", route.handler.path.clone()), ("arguments", arguments.clone())],
    );
    let call = match route.inputs.is_empty() {
        true => call,
        false => quote(
            "{
                let mut faults = ::mik_sdk::validate::Faults::new();
                $reads
                match ($arguments) {
                    ($patterns) if faults.is_empty() => $call,
                    _ => ::core::convert::From::from(faults),
                }
            }",
            &[
                ("reads", each(|(at, input)| read(at, input))),
                ("patterns", each(pattern)),
                ("arguments", arguments),
                ("call", call),
            ],
        ),
    };
    quote("$numbers => $call,", &[("numbers", numbers.collect()), ("call", call)])
}

/// The name of a local variable; what is wrong with it is told at its type.
fn argument(at: usize, input: &Input) -> TokenStream {
    let span = input.type_.clone().into_iter().next().map_or(input.span, |token| token.span());
    quote_at(span, &format!("argument_{at}"), &[])
}

fn pattern((at, input): (usize, &Input)) -> TokenStream {
    quote("::core::option::Option::Some($name),", &[("name", argument(at, input))])
}

/// `let argument_0 = …;`: an `Option` of the value; its faults are noted.
fn read(at: usize, input: &Input) -> TokenStream {
    let template = match input.source {
        Source::Path => "let $name = <$type as ::mik_sdk::text::Path>::read(params, &mut faults);",
        Source::Query => "let $name = ::mik_sdk::__private::query::<$type>(request, &mut faults);",
        Source::Json | Source::Form => {
            "let $name = match ::mik_sdk::__private::$read::<$type>(request, &mut faults) {
                ::core::result::Result::Ok(value) => value,
                ::core::result::Result::Err(response) => return response,
            };"
        }
    };
    let read = if input.source == Source::Form { "form" } else { "json" };
    let parts =
        [("name", argument(at, input)), ("type", input.type_.clone()), ("read", quote(read, &[]))];
    quote(template, &parts)
}

/// Does the type of the path fit each of the patterns? The compiler knows its fields, the macro does not.
fn checks(route: &Route) -> TokenStream {
    let Some(input) = route.input(Source::Path) else { return TokenStream::new() };
    route.patterns.iter().map(|pattern| check(pattern, input)).collect()
}

fn check(pattern: &Pattern, input: &Input) -> TokenStream {
    let names = pattern.names().map(|name| quote("$name,", &[("name", string(name))])).collect();
    let type_ = input.type_.to_string().replace(' ', "");
    quote_at(
        pattern.span,
        r#"
        const _: () = {
            const NAMES: &[&str] = &[$names];
            const FIELDS: &[::mik_sdk::schema::Field] = <$type as ::mik_sdk::text::Path>::PARAMETERS;
            const PARTS: &[&str] = &::mik_sdk::__private::misfit($pattern, NAMES, $type_name, FIELDS);
            const TEXT: [u8; ::mik_sdk::__private::length(PARTS)] = ::mik_sdk::__private::joined(PARTS);
            if !TEXT.is_empty() {
                match ::core::str::from_utf8(&TEXT) {
                    ::core::result::Result::Ok(text) => ::core::panic!("{}", text),
                    ::core::result::Result::Err(_) => ::core::panic!("the path does not fit its type"),
                }
            }
        };
        "#,
        &[
            ("names", names),
            ("type", input.type_.clone()),
            ("type_name", string(&type_)),
            ("pattern", string(&pattern.text)),
        ],
    )
}
