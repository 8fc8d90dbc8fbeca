//! Writing tokens.

use proc_macro::{Group, Ident, Literal, Span, TokenStream, TokenTree};

/// Tokens from a template of Rust source, in which `$name` stands for the tokens of that name.
///
/// Local variables of the template are out of sight for the tokens put in, and the other way round.
/// A template is the macro's own text: one that does not parse is a defect of the macro.
pub(crate) fn quote(template: &str, parts: &[(&str, TokenStream)]) -> TokenStream {
    quote_at(Span::mixed_site(), template, parts)
}

/// The same, where the compiler's own errors about the template's tokens are to point at `span`.
pub(crate) fn quote_at(span: Span, template: &str, parts: &[(&str, TokenStream)]) -> TokenStream {
    match template.parse() {
        Ok(tokens) => substituted(tokens, Span::mixed_site().located_at(span), parts),
        Err(error) => panic!("{error} in {template}"),
    }
}

fn substituted(tokens: TokenStream, span: Span, parts: &[(&str, TokenStream)]) -> TokenStream {
    let mut result = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(mut token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '$' => {
                let name = tokens.next().map(|name| name.to_string()).unwrap_or_default();
                match parts.iter().find(|(part, _)| *part == name) {
                    Some((_, part)) => result.extend(part.clone()),
                    None => panic!("no tokens for ${name}"),
                }
            }
            TokenTree::Group(group) => {
                let inside = substituted(group.stream(), span, parts);
                let mut group = Group::new(group.delimiter(), inside);
                group.set_span(span);
                result.push(TokenTree::Group(group));
            }
            _ => {
                token.set_span(span);
                result.push(token);
            }
        }
    }
    result.into_iter().collect()
}

/// Where tokens begin.
pub(crate) fn span_of(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

/// A string literal.
pub(crate) fn string(value: &str) -> TokenStream {
    TokenStream::from(TokenTree::Literal(Literal::string(value)))
}

/// An integer literal without a suffix.
pub(crate) fn integer(value: usize) -> TokenStream {
    TokenStream::from(TokenTree::Literal(Literal::usize_unsuffixed(value)))
}

/// An identifier as tokens.
pub(crate) fn word(ident: &Ident) -> TokenStream {
    TokenStream::from(TokenTree::Ident(ident.clone()))
}
