//! `fetch!`, `call!` and `request!`: a request to another server or module, with its content.

use proc_macro::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};

use crate::tokens::{
    integer, name_of, quote, quote_at, string, string_value, unwrapped, Cursor, Error, Errors,
    Result,
};

const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
const OPTIONS: [&str; 6] = ["headers", "query", "json", "form", "body", "timeout"];

/// `fetch!(GET "https://…", …)`: sends it, and waits for the response.
pub(crate) fn fetch(input: TokenStream) -> Result<TokenStream> {
    Ok(quote("$request.send()", &[("request", request(input)?)]))
}

/// `request!(GET "https://…", …)`: to be sent later.
pub(crate) fn request(input: TokenStream) -> Result<TokenStream> {
    let mut input = Cursor::new(input, Span::call_site());
    let method = method(&mut input)?;
    let url = target(&mut input, "an absolute URL", |url| {
        let is_absolute = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        let meant = if url.starts_with('/') {
            format!("https://example.org{url}")
        } else {
            format!("https://{url}")
        };
        (!is_absolute)
            .then(|| format!("\"{url}\" is not an absolute URL; did you mean \"{meant}\"?"))
    })?;
    let request = quote(
        "::mik_sdk::client::Request::new($method, $url)",
        &[("method", method), ("url", url)],
    );
    options(&mut input, request)
}

/// `call!("orders", POST "/create", …)`: to another module of the same host.
pub(crate) fn call(input: TokenStream) -> Result<TokenStream> {
    let mut input = Cursor::new(input, Span::call_site());
    if matches!(input.peek(), Some(TokenTree::Ident(word)) if METHODS.contains(&name_of(word).as_str()))
    {
        return Err(input.expected("the name of a module in quotes, and then the method"));
    }
    let module = target(&mut input, "the name of a module in quotes", |module| {
        let is_name = !module.is_empty()
            && module.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        (!is_name).then(|| {
            format!("\"{module}\" is not the name of a module; the path comes after the method")
        })
    })?;
    input.operator(",").map_err(|_| input.expected("a comma, and then the method"))?;
    let method = method(&mut input)?;
    let path = target(&mut input, "the path", |path| {
        (!path.starts_with('/'))
            .then(|| format!("a path begins with a slash; did you mean \"/{path}\"?"))
    })?;
    let request = quote(
        "::mik_sdk::client::Request::call($module, $method, $path)",
        &[("module", module), ("method", method), ("path", path)],
    );
    Ok(quote("$request.send()", &[("request", options(&mut input, request)?)]))
}

fn method(input: &mut Cursor) -> Result<TokenStream> {
    let word = input.ident("a method, such as `GET`")?;
    let name = name_of(&word);
    if !METHODS.contains(&name.as_str()) {
        return Err(Error::unknown(word.span(), "method", &name, &METHODS));
    }
    Ok(string(&name))
}

/// An expression; where it is a literal, `mistake` may say what is wrong with it.
fn target(
    input: &mut Cursor,
    what: &str,
    mistake: impl Fn(&str) -> Option<String>,
) -> Result<TokenStream> {
    let expression = input.expression(what)?;
    let mut tokens = expression.clone().into_iter();
    let literal =
        tokens.next().and_then(|token| string_value(&token)).filter(|_| tokens.next().is_none());
    if let Some(literal) = literal {
        if let Some(message) = mistake(&literal.value) {
            return Err(Error::new(literal.span, message));
        }
    }
    Ok(expression)
}

/// `, headers: { … }, json: { … }`: calls of the builder's methods.
fn options(input: &mut Cursor, mut request: TokenStream) -> Result<TokenStream> {
    let (mut seen, mut errors): (Vec<String>, _) = (Vec::new(), Errors::default());
    while !input.is_end() {
        input.operator(",")?;
        if input.is_end() {
            break;
        }
        let word = input.ident("an option, such as `json`")?;
        let name = name_of(&word);
        errors.take(is_new(&word, &name, &seen));
        if !OPTIONS.contains(&name.as_str()) {
            // What follows cannot be read: what it is, nobody knows.
            errors.add(Error::unknown(word.span(), "option", &name, &OPTIONS));
            break;
        }
        input.operator(":")?;
        let calls = option(&name, word.span(), input);
        request.extend(errors.take(calls));
        seen.push(name);
    }
    errors.finish(request)
}

fn is_new(word: &Ident, name: &str, seen: &[String]) -> Result<()> {
    let is_content = |name: &str| ["json", "form", "body"].contains(&name);
    if seen.iter().any(|other| other == name) {
        return Err(Error::new(word.span(), format!("`{name}` is there twice")));
    }
    match seen.iter().find(|other| is_content(other)) {
        Some(other) if is_content(name) => Err(Error::new(
            word.span(),
            format!("a request has one content, and `{other}` is there already"),
        )),
        _ => Ok(()),
    }
}

fn option(name: &str, span: Span, input: &mut Cursor) -> Result<TokenStream> {
    match name {
        "headers" => pairs(input, "header"),
        "query" => pairs(input, "query"),
        "form" => pairs(input, "form"),
        "json" => {
            let value = input.expression("JSON, such as `{ \"name\": name }`")?;
            Ok(quote(".json(&::mik_sdk::__private::json!($value))", &[("value", value)]))
        }
        "body" => {
            let value = input.expression("bytes or a text")?;
            Ok(quote_at(span, ".body($value)", &[("value", value)]))
        }
        _ => {
            let value = duration(input)?;
            Ok(quote_at(span, ".timeout($value)", &[("value", value)]))
        }
    }
}

/// `{ "name": value, … }`: one call for each.
fn pairs(input: &mut Cursor, call: &str) -> Result<TokenStream> {
    let group = input.group(
        Delimiter::Brace,
        "names and values in braces, such as `{ \"accept\": \"text/plain\" }`",
    )?;
    let mut input = Cursor::of_group(&group);
    let mut calls = TokenStream::new();
    while !input.is_end() {
        let name = input.string("a name in quotes")?;
        input.operator(":")?;
        let expression = input.expression("a value")?;
        let mut literal = Literal::string(&name.value);
        literal.set_span(name.span);
        let parts =
            [("name", TokenStream::from(TokenTree::Literal(literal))), ("value", expression)];
        calls.extend(quote(&format!(".{call}($name, &($value))"), &parts));
        if !input.is_end() {
            input.operator(",")?;
        }
    }
    Ok(calls)
}

/// `5s`, `500ms`, `2m`, or an expression that is a `Duration`.
fn duration(input: &mut Cursor) -> Result<TokenStream> {
    let span = input.span();
    let value = input.expression("a time, such as `5s`")?;
    let mut tokens = value.clone().into_iter();
    let literal = match (tokens.next().map(|token| unwrapped(&token)), tokens.next()) {
        (Some(TokenTree::Literal(literal)), None) => literal.to_string(),
        _ => return Ok(value),
    };
    match millis(&literal) {
        Ok(millis) => {
            Ok(quote("::core::time::Duration::from_millis($n)", &[("n", integer(millis))]))
        }
        Err(message) => Err(Error::new(span, message)),
    }
}

fn millis(literal: &str) -> std::result::Result<usize, String> {
    let literal = literal.replace('_', "");
    let (number, unit) =
        literal.split_at(literal.find(|c: char| c.is_alphabetic()).unwrap_or(literal.len()));
    let factor = match unit {
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        "h" => 3600e3,
        "" => return Err(format!("a time has a unit; did you mean `{literal}s`?")),
        "sec" | "secs" | "second" | "seconds" => {
            return Err(format!("unknown unit of time `{unit}`; did you mean `{number}s`?"));
        }
        "min" | "mins" | "minute" | "minutes" => {
            return Err(format!("unknown unit of time `{unit}`; did you mean `{number}m`?"));
        }
        _ => return Err(format!("unknown unit of time `{unit}`; there is `ms`, `s`, `m` or `h`")),
    };
    let millis = number.parse::<f64>().map(|number| number * factor);
    match millis {
        // A number of milliseconds that is whole, and that a timer can wait for.
        Ok(millis) if (1.0..1e13).contains(&millis) => Ok(millis as usize),
        _ => Err(format!("`{literal}` is no time to wait")),
    }
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn times_have_units() {
        for (literal, expected) in [
            ("5s", 5000),
            ("500ms", 500),
            ("1.5s", 1500),
            ("2m", 120_000),
            ("1_000ms", 1000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(millis(literal), Ok(expected), "{literal}");
        }
        assert_eq!(millis("5"), Err("a time has a unit; did you mean `5s`?".to_owned()));
        assert_eq!(
            millis("5sec"),
            Err("unknown unit of time `sec`; did you mean `5s`?".to_owned())
        );
        assert_eq!(
            millis("5us"),
            Err("unknown unit of time `us`; there is `ms`, `s`, `m` or `h`".to_owned())
        );
        assert_eq!(millis("0s"), Err("`0s` is no time to wait".to_owned()));
        assert_eq!(
            millis("\"5s\""),
            Err("unknown unit of time `s\"`; there is `ms`, `s`, `m` or `h`".to_owned())
        );
    }
}
