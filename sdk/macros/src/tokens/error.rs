//! What is wrong with tokens.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use super::words::{closest, list};

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// What is wrong in the input of a macro, each mistake at its place.
#[derive(Debug)]
pub(crate) struct Error {
    mistakes: Vec<(Span, Span, String)>,
}

impl Error {
    /// A mistake at one token.
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self::between(span, span, message)
    }

    /// A mistake from one token to another.
    pub(crate) fn between(first: Span, last: Span, message: impl Into<String>) -> Self {
        Self { mistakes: vec![(first, last, message.into())] }
    }

    /// A word that is not one of those that are known: with the one that was meant, if that can be guessed.
    pub(crate) fn unknown(span: Span, what: &str, word: &str, known: &[&str]) -> Self {
        let hint = match closest(word, known) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if known.is_empty() => String::new(),
            None => format!("; there is {}", list(known)),
        };
        Self::new(span, format!("unknown {what} `{word}`{hint}"))
    }

    /// Both mistakes.
    pub(crate) fn and(mut self, other: Error) -> Self {
        self.mistakes.extend(other.mistakes);
        self
    }

    /// As items, for a macro that stands where items stand.
    pub(crate) fn into_items(self) -> TokenStream {
        self.mistakes
            .into_iter()
            .flat_map(|(first, last, text)| compile_error(first, last, &text))
            .collect()
    }

    /// As an expression.
    pub(crate) fn into_expression(self) -> TokenStream {
        TokenStream::from(TokenTree::Group(Group::new(Delimiter::Brace, self.into_items())))
    }
}

/// Gathers what is wrong, so that one build shows all of it.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// The value, or its mistake noted.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub(crate) fn add(&mut self, error: Error) {
        self.0 = Some(match self.0.take() {
            Some(before) => before.and(error),
            None => error,
        });
    }

    /// The value if nothing was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}

/// `::core::compile_error! { "…" }`. The compiler marks from the span of the first token to that of the last.
fn compile_error(first: Span, last: Span, message: &str) -> TokenStream {
    let punct = |character, spacing| {
        let mut punct = Punct::new(character, spacing);
        punct.set_span(first);
        TokenTree::Punct(punct)
    };
    let mut text = Literal::string(message);
    text.set_span(last);
    let mut body = Group::new(Delimiter::Brace, TokenStream::from(TokenTree::Literal(text)));
    body.set_span(last);
    TokenStream::from_iter([
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        TokenTree::Ident(Ident::new("core", first)),
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        TokenTree::Ident(Ident::new("compile_error", first)),
        punct('!', Spacing::Alone),
        TokenTree::Group(body),
    ])
}
