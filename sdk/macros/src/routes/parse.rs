//! Reads `GET | POST "/a" | "/b" => handler(path: P, json: J) -> T,`.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use super::pattern::Pattern;
use super::METHODS;
use crate::tokens::{name_of, Attributes, Cursor, Error, Errors, Result};

/// One entry of `routes!`.
pub(super) struct Route {
    pub(super) docs: Attributes,
    pub(super) methods: Vec<Method>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) handler: Handler,
    /// In the order in which the function takes them.
    pub(super) inputs: Vec<Input>,
    /// The type of the content of a successful answer.
    pub(super) output: Option<TokenStream>,
}

pub(super) struct Method {
    /// Where it stands in [`METHODS`].
    pub(super) number: usize,
}

pub(super) struct Handler {
    pub(super) path: TokenStream,
    /// The last word of the path.
    pub(super) name: String,
    pub(super) span: Span,
}

pub(super) struct Input {
    pub(super) source: Source,
    pub(super) type_: TokenStream,
    pub(super) span: Span,
}

/// Where the value of an argument comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Path,
    Query,
    Json,
    Form,
}

impl Method {
    pub(super) fn name(&self) -> &'static str {
        METHODS.get(self.number).copied().unwrap_or_default()
    }
}

impl Route {
    /// The sum of the numbers of its methods.
    pub(super) fn methods(&self) -> u16 {
        self.methods.iter().fold(0, |sum, method| sum | 1 << method.number)
    }

    pub(super) fn input(&self, source: Source) -> Option<&Input> {
        self.inputs.iter().find(|input| input.source == source)
    }
}

/// All routes, or all that is wrong with them.
pub(super) fn routes(input: &mut Cursor) -> Result<Vec<Route>> {
    let (mut routes, mut errors) = (Vec::new(), Errors::default());
    while !input.is_end() {
        let route = route(input);
        if route.is_err() {
            skip_past_comma(input);
        }
        routes.extend(errors.take(route));
    }
    errors.finish(routes)
}

fn skip_past_comma(input: &mut Cursor) {
    while let Some(token) = input.next() {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            break;
        }
    }
}

fn route(input: &mut Cursor) -> Result<Route> {
    let docs = input.attributes()?;
    if let Some(other) = docs.others.first() {
        return Err(Error::new(
            other.span,
            "a route takes no attribute but its documentation (`///`)",
        ));
    }
    let methods = methods(input)?;
    let patterns = patterns(input)?;
    input.operator("=>")?;
    let handler = handler(input)?;
    let inputs = match input.eat_group(Delimiter::Parenthesis) {
        Some(group) => inputs(&mut Cursor::of_group(&group))?,
        None => Vec::new(),
    };
    let output = match input.eat_operator("->") {
        Some(_) => Some(input.type_("the type of what is answered")?),
        None => None,
    };
    if !input.is_end() {
        input.operator(",").map_err(|_| input.expected("a comma, and then the next route"))?;
    }
    Ok(Route { docs, methods, patterns, handler, inputs, output })
}

fn methods(input: &mut Cursor) -> Result<Vec<Method>> {
    let mut methods: Vec<Method> = Vec::new();
    loop {
        let word = input.ident("a method, such as `GET`")?;
        let name = name_of(&word);
        let Some(number) = METHODS.iter().position(|method| *method == name) else {
            return Err(Error::unknown(word.span(), "method", &name, &METHODS));
        };
        if methods.iter().any(|method| method.number == number) {
            return Err(Error::new(word.span(), format!("`{name}` is there twice")));
        }
        methods.push(Method { number });
        if input.eat_operator("|").is_none() {
            return Ok(methods);
        }
    }
}

fn patterns(input: &mut Cursor) -> Result<Vec<Pattern>> {
    let (mut patterns, mut errors) = (Vec::new(), Errors::default());
    loop {
        let text = input.string("a path in quotes, such as \"/users/{id}\"")?;
        patterns.extend(errors.take(Pattern::parse(&text)));
        if input.eat_operator("|").is_none() {
            return errors.finish(patterns);
        }
    }
}

fn handler(input: &mut Cursor) -> Result<Handler> {
    let path = input.path("the function that answers")?;
    let last = path.clone().into_iter().last();
    let span = last.as_ref().map_or_else(|| input.last_span(), TokenTree::span);
    let name = last.map(|token| token.to_string()).unwrap_or_default();
    let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
    Ok(Handler { path, name, span })
}

fn inputs(input: &mut Cursor) -> Result<Vec<Input>> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut errors = Errors::default();
    while !input.is_end() {
        let Some(found) = errors.take(self::input(input)) else {
            skip_past_comma(input);
            continue;
        };
        if let Some(error) = conflict(&found, &inputs) {
            errors.add(error);
        }
        inputs.push(found);
        if !input.is_end() {
            input.operator(",")?;
        }
    }
    errors.finish(inputs)
}

/// `path: UserPath`.
fn input(input: &mut Cursor) -> Result<Input> {
    let word = input.ident("where a value comes from, such as `path`")?;
    let source = match name_of(&word).as_str() {
        "path" => Source::Path,
        "query" => Source::Query,
        "json" | "body" => Source::Json,
        "form" => Source::Form,
        other => {
            let known = ["path", "query", "json", "form", "body"];
            return Err(Error::unknown(word.span(), "source", other, &known));
        }
    };
    input.operator(":")?;
    let type_ = input.type_("a type")?;
    Ok(Input { source, type_, span: word.span() })
}

fn conflict(input: &Input, others: &[Input]) -> Option<Error> {
    let is_content = |source| matches!(source, Source::Json | Source::Form);
    let other = others.iter().find(|other| {
        other.source == input.source || is_content(other.source) && is_content(input.source)
    })?;
    let reason = match other.source == input.source {
        true => "this source is there twice",
        false => "the content of a request is either JSON or a form",
    };
    Some(Error::new(input.span, reason))
}
