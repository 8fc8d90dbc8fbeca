//! JSON literals: `{ "name": expression, … }`, `[…]`, `null`, and any expression that can be written as JSON.
//!
//! What is known while compiling becomes text that is written at once; so an object of three texts is one copy.

use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

use crate::tokens::{
    integer, quote, quote_at, span_of, string, unwrapped, Cursor, Error, Errors, Result, Text,
};

/// What is to be written, in its order.
#[derive(Default)]
pub(crate) struct Pieces {
    list: Vec<Piece>,
}

enum Piece {
    Text(String),
    Value(TokenStream),
    /// The name of a member that is known at run time only.
    Name(TokenStream),
}

impl Pieces {
    fn text(&mut self, text: &str) {
        match self.list.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ => self.list.push(Piece::Text(text.to_owned())),
        }
    }

    /// Statements that write to the writer `$out`.
    fn statements(&self, out: &TokenStream) -> TokenStream {
        let statement = |piece: &Piece| match piece {
            Piece::Text(text) => {
                quote("$out.part($text);", &[("out", out.clone()), ("text", string(text))])
            }
            Piece::Value(value) => quote_at(
                span_of(value),
                "::mik_sdk::json::ToJson::to_json(&($value), &mut $out);",
                &[("value", value.clone()), ("out", out.clone())],
            ),
            Piece::Name(name) => quote_at(
                span_of(name),
                "$out.string(::core::convert::AsRef::<str>::as_ref(&($name)));",
                &[("name", name.clone()), ("out", out.clone())],
            ),
        };
        self.list.iter().map(statement).collect()
    }

    /// An expression: a `Writer` that has written this.
    pub(crate) fn writer(&self) -> TokenStream {
        let size = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Value(_) | Piece::Name(_) => 16,
        };
        let size = self.list.iter().map(size).sum();
        quote(
            "{ let mut out = ::mik_sdk::json::Writer::with_capacity($size); $statements out }",
            &[("size", integer(size)), ("statements", self.statements(&quote("out", &[])))],
        )
    }
}

impl Pieces {
    /// An expression: a `Raw` of this.
    pub(crate) fn raw(&self) -> TokenStream {
        quote("::mik_sdk::json::Raw::from($writer)", &[("writer", self.writer())])
    }

    /// The expression that this is, if it is one alone.
    pub(crate) fn as_expression(&self) -> Option<TokenStream> {
        match self.list.as_slice() {
            [Piece::Value(value)] => Some(value.clone()),
            [Piece::Text(text)] => text.starts_with('"').then(|| text.parse().ok()).flatten(),
            _ => None,
        }
    }
}

/// `json!`
pub(crate) fn json(input: TokenStream) -> Result<TokenStream> {
    let mut cursor = Cursor::new(input, Span::call_site());
    let pieces = value(&mut cursor)?;
    cursor.expect_end("the end: `json!` takes one value")?;
    Ok(pieces.raw())
}

/// Is this value a literal whose tokens only this macro understands?
pub(crate) fn is_literal(cursor: &Cursor) -> bool {
    match cursor.peek() {
        Some(TokenTree::Group(group)) => {
            let is_alone = is_value_end(cursor.peek_at(1));
            let is_json = matches!(group.delimiter(), Delimiter::Brace | Delimiter::Bracket);
            is_json && is_alone && !is_repeat(group)
        }
        Some(TokenTree::Ident(ident)) => {
            ident.to_string() == "null" && is_value_end(cursor.peek_at(1))
        }
        _ => false,
    }
}

/// One value, up to a comma or the end.
pub(crate) fn value(cursor: &mut Cursor) -> Result<Pieces> {
    let mut pieces = Pieces::default();
    write_value(cursor, &mut pieces)?;
    Ok(pieces)
}

/// The members of an object, each with its value.
pub(crate) fn members(group: &Group) -> Result<Vec<(Text, Pieces)>> {
    let mut cursor = Cursor::of_group(group);
    let mut members: Vec<(Text, Pieces)> = Vec::new();
    while !cursor.is_end() {
        let name = cursor.string("the name of a member: a string")?;
        cursor.operator(":")?;
        members.push((name, value(&mut cursor)?));
        comma(&mut cursor)?;
    }
    Ok(members)
}

fn write_value(cursor: &mut Cursor, pieces: &mut Pieces) -> Result<()> {
    if is_literal(cursor) {
        return match cursor.next() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                write_object(&group, pieces)
            }
            Some(TokenTree::Group(group)) => write_array(&group, pieces),
            _ => {
                pieces.text("null");
                Ok(())
            }
        };
    }
    let expression = cursor.expression("a value")?;
    comma_is_not_missing(&expression)?;
    match constant(&expression) {
        Some(text) => pieces.text(&text),
        None => pieces.list.push(Piece::Value(expression)),
    }
    Ok(())
}

/// In no expression a string stands before a single colon: that is the next member.
fn comma_is_not_missing(expression: &TokenStream) -> Result<()> {
    let mut cursor = Cursor::new(expression.clone(), Span::call_site());
    while let Some(token) = cursor.next() {
        let is_name = crate::tokens::string_value(&token).is_some();
        if is_name && cursor.is_operator(":") && !cursor.is_operator("::") {
            return Err(Error::new(token.span(), "expected `,` before the next member"));
        }
    }
    Ok(())
}

fn write_object(group: &Group, pieces: &mut Pieces) -> Result<()> {
    let mut cursor = Cursor::of_group(group);
    let mut errors = Errors::default();
    let mut names: Vec<String> = Vec::new();
    pieces.text("{");
    while !cursor.is_end() {
        if let Some(Some(name)) = errors.take(write_name(&mut cursor, pieces)?) {
            if names.contains(&name.value) {
                errors.add(Error::new(
                    name.span,
                    format!("the member `{}` is there twice", name.value),
                ));
            }
            names.push(name.value);
        }
        write_value(&mut cursor, pieces)?;
        if comma(&mut cursor)? && !cursor.is_end() {
            pieces.text(",");
        }
    }
    pieces.text("}");
    errors.finish(())
}

/// The name of a member and its colon. Given back is one that is known.
fn write_name(cursor: &mut Cursor, pieces: &mut Pieces) -> Result<Result<Option<Text>>> {
    if cursor.is_string() {
        let name = cursor.string("a name")?;
        pieces.text(&quoted(&name.value));
        colon(cursor)?;
        pieces.text(":");
        return Ok(Ok(Some(name)));
    }
    if let Some(group) = cursor.eat_group(Delimiter::Parenthesis) {
        pieces.list.push(Piece::Name(group.stream()));
        colon(cursor)?;
        pieces.text(":");
        return Ok(Ok(None));
    }
    if let Some(TokenTree::Ident(ident)) = cursor.peek().cloned() {
        let hint = format!("the name of a member is a string: `\"{ident}\"`; one that is computed stands in parentheses: `({ident})`");
        cursor.next();
        colon(cursor)?;
        return Ok(Err(Error::new(ident.span(), hint)));
    }
    Err(cursor.expected("the name of a member: a string"))
}

fn colon(cursor: &mut Cursor) -> Result<()> {
    if cursor.is_operator("=>") || cursor.is_operator("=") {
        return Err(Error::new(cursor.span(), "a `:` stands between a name and its value"));
    }
    cursor.operator(":").map(|_| ())
}

fn write_array(group: &Group, pieces: &mut Pieces) -> Result<()> {
    let mut cursor = Cursor::of_group(group);
    pieces.text("[");
    while !cursor.is_end() {
        write_value(&mut cursor, pieces)?;
        if comma(&mut cursor)? && !cursor.is_end() {
            pieces.text(",");
        }
    }
    pieces.text("]");
    Ok(())
}

/// A comma, or the end.
fn comma(cursor: &mut Cursor) -> Result<bool> {
    if cursor.is_end() || cursor.eat_operator(",").is_some() {
        return Ok(true);
    }
    Err(cursor.expected("`,`"))
}

fn is_value_end(token: Option<&TokenTree>) -> bool {
    match token {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ',',
        Some(_) => false,
    }
}

/// `[0; 4]`
fn is_repeat(group: &Group) -> bool {
    let is_semicolon =
        |token: TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
    group.delimiter() == Delimiter::Bracket && group.stream().into_iter().any(is_semicolon)
}

/// The JSON text of an expression that is a plain literal: a string, a decimal number without suffix, a boolean.
pub(crate) fn constant(expression: &TokenStream) -> Option<String> {
    let mut tokens = expression.clone().into_iter();
    let (first, second, third) = (tokens.next()?, tokens.next(), tokens.next());
    let (is_negative, token) = match (&first, second, third) {
        (_, None, None) => (false, first),
        (TokenTree::Punct(minus), Some(number), None) if minus.as_char() == '-' => (true, number),
        _ => return None,
    };
    match unwrapped(&token) {
        TokenTree::Ident(ident) if !is_negative => {
            let word = ident.to_string();
            matches!(word.as_str(), "true" | "false").then_some(word)
        }
        TokenTree::Literal(literal) => {
            let text = crate::tokens::string_value(&TokenTree::Literal(literal.clone()));
            match text {
                Some(text) if !is_negative => Some(quoted(&text.value)),
                Some(_) => None,
                None => {
                    number(&literal)
                        .map(|number| if is_negative { format!("-{number}") } else { number })
                }
            }
        }
        _ => None,
    }
}

/// The JSON text of a number, if it is written the same way in JSON, underscores apart.
pub(crate) fn number(literal: &Literal) -> Option<String> {
    let text = literal.to_string().replace('_', "");
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text.as_str(), None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_json = is_digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| is_digits(exponent.trim_start_matches(['+', '-'])));
    is_json.then_some(text)
}

/// The JSON text of a string.
pub(crate) fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            character if character < ' ' => {
                json.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => json.push(character),
        }
    }
    json.push('"');
    json
}
