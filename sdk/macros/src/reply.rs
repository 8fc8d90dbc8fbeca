//! The macros that make replies, and those that return early with one.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use crate::json;
use crate::tokens::{quote, quote_at, span_of, string, Cursor, Error, Result};

/// `ok!` and its like: content with a status.
pub(crate) fn with_content(status: &str, input: TokenStream) -> Result<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    if cursor.is_end() {
        return Err(Error::new(
            cursor.span(),
            "expected the content; without, it is `no_content!()`",
        ));
    }
    let reply = content(status, &mut cursor)?;
    end(&mut cursor)?;
    Ok(reply)
}

/// `created!(location, content)`, `created!(content)`.
pub(crate) fn created(input: TokenStream) -> Result<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    let mut ahead = cursor.clone();
    if json::is_literal(&cursor) || cursor.is_end() || is_last(&mut ahead)? {
        return with_content("201", cursor.rest());
    }
    let location = text(&cursor.expression("the location")?);
    cursor.operator(",")?;
    let reply = content("201", &mut cursor)?;
    end(&mut cursor)?;
    Ok(quote("$reply.header(\"location\", $location)", &[("reply", reply), ("location", location)]))
}

/// `accepted!()`, `accepted!(content)`.
pub(crate) fn accepted(input: TokenStream) -> Result<TokenStream> {
    if input.is_empty() {
        return Ok(quote("::mik_sdk::Response::new(202)", &[]));
    }
    with_content("202", input)
}

/// `no_content!()`
pub(crate) fn no_content(input: TokenStream) -> Result<TokenStream> {
    Cursor::new(input, Span::call_site()).expect_end("nothing: a reply with content is `ok!`")?;
    Ok(quote("::mik_sdk::Response::new(204)", &[]))
}

/// `redirect!("/path")`, `redirect!(301, "/path")`.
pub(crate) fn redirect(input: TokenStream) -> Result<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    let mut status = quote("302", &[]);
    let mut ahead = cursor.clone();
    if !cursor.is_end() && !is_last(&mut ahead)? {
        let known = [301, 302, 303, 307, 308];
        check_status(
            &cursor,
            |status| known.contains(&status),
            "301, 302, 303, 307 or 308 leads elsewhere",
        )?;
        status = cursor.expression("the status")?;
        cursor.operator(",")?;
    }
    let location = text(&cursor.expression("where to: a path or a URL")?);
    end(&mut cursor)?;
    Ok(quote(
        "::mik_sdk::Response::redirect($status, $location)",
        &[("status", status), ("location", location)],
    ))
}

/// `error!(404, "detail")`, `error!(404, { "member": value }, "detail")`, `error!(404)`.
pub(crate) fn error(input: TokenStream) -> Result<TokenStream> {
    problem(&mut Cursor::new(input, Span::call_site()))
}

/// `guard!(condition, 403, "detail")`
pub(crate) fn guard(input: TokenStream) -> Result<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    let condition = cursor.expression("a condition")?;
    cursor.operator(",")?;
    let problem = problem(&mut cursor)?;
    Ok(quote(
        "if !($condition) { return ::mik_sdk::__private::Early::early($problem); }",
        &[("condition", condition), ("problem", problem)],
    ))
}

/// `ensure!(option_or_result, 404, "detail")`: the value.
pub(crate) fn ensure(input: TokenStream) -> Result<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    let value = cursor.expression("an option or a result")?;
    cursor.operator(",")?;
    let problem = problem(&mut cursor)?;
    let value = quote_at(
        span_of(&value),
        "::mik_sdk::__private::Ensure::ensured($value)",
        &[("value", value)],
    );
    Ok(quote(
        "match $value {
            ::core::option::Option::Some(value) => value,
            ::core::option::Option::None => return ::mik_sdk::__private::Early::early($problem),
        }",
        &[("value", value), ("problem", problem)],
    ))
}

/// A response with JSON content.
fn content(status: &str, cursor: &mut Cursor) -> Result<TokenStream> {
    let status = quote(status, &[]);
    if json::is_literal(cursor) {
        let writer = json::value(cursor)?.writer();
        return Ok(quote(
            "::mik_sdk::Response::json_text($status, $writer.finish())",
            &[("status", status), ("writer", writer)],
        ));
    }
    let value = cursor.expression("the content")?;
    let value = quote_at(span_of(&value), "&($value)", &[("value", value)]);
    Ok(quote("::mik_sdk::Response::json($status, $value)", &[("status", status), ("value", value)]))
}

/// The rest of a macro that makes a problem: `status, { members }, detail`, the last two as one likes.
fn problem(cursor: &mut Cursor) -> Result<TokenStream> {
    check_status(
        cursor,
        |status| (400..=599).contains(&status),
        "the status of a problem is 400 to 599",
    )?;
    let status = cursor.expression("a status, 400 to 599")?;
    cursor.eat_operator(",");
    let mut others = TokenStream::new();
    if json::is_literal(cursor) {
        if let Some(group) = cursor.eat_group(Delimiter::Brace) {
            for (name, value) in json::members(&group)? {
                others.extend(member(&name, &value)?);
            }
            cursor.eat_operator(",");
        }
    }
    let detail = match cursor.is_end() {
        true => string(""),
        false => text(&cursor.expression("what went wrong")?),
    };
    end(cursor)?;
    let parts = [("status", status), ("detail", detail), ("others", others.clone())];
    Ok(if others.is_empty() {
        quote("::mik_sdk::Response::problem($status, $detail)", &parts)
    } else {
        quote(
            "::mik_sdk::Response::from(::mik_sdk::response::Problem::new($status).detail($detail) $others)",
            &parts,
        )
    })
}

/// A call that adds a member to a problem.
fn member(name: &crate::tokens::Text, value: &json::Pieces) -> Result<TokenStream> {
    let parts = [("name", string(&name.value)), ("value", value.raw())];
    match name.value.as_str() {
        "status" | "detail" => {
            let message = format!("`{}` is an argument of its own", name.value);
            Err(Error::new(name.span, message))
        }
        "type" | "title" => {
            let call = if name.value == "type" { ".kind($text)" } else { ".title($text)" };
            match value.as_expression() {
                Some(expression) => Ok(quote(call, &[("text", text(&expression))])),
                None => Err(Error::new(name.span, format!("`{}` is a text", name.value))),
            }
        }
        _ => Ok(quote(".with($name, &$value)", &parts)),
    }
}

/// `&str` of whatever is a text.
fn text(expression: &TokenStream) -> TokenStream {
    quote_at(
        span_of(expression),
        "::core::convert::AsRef::<str>::as_ref(&($text))",
        &[("text", expression.clone())],
    )
}

/// Is there but one argument?
fn is_last(ahead: &mut Cursor) -> Result<bool> {
    ahead.expression("an argument")?;
    ahead.eat_operator(",");
    Ok(ahead.is_end())
}

/// A status that is written as a number must be one that makes sense.
fn check_status(cursor: &Cursor, is_valid: impl Fn(u16) -> bool, message: &str) -> Result<()> {
    let Some(TokenTree::Literal(literal)) = cursor.peek() else { return Ok(()) };
    match literal.to_string().parse::<u16>() {
        Ok(status) if is_valid(status) => Ok(()),
        _ => Err(Error::new(literal.span(), message)),
    }
}

fn end(cursor: &mut Cursor) -> Result<()> {
    cursor.eat_operator(",");
    cursor.expect_end("the end")
}
