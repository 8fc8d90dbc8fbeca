//! Reading tokens.

use proc_macro::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

use super::{string_value, Error, Result, Text};

/// Reads tokens, one after the other.
#[derive(Clone)]
pub(crate) struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
    /// Where "something is missing" points to once there is no token left.
    end: Span,
}

impl Cursor {
    pub(crate) fn new(tokens: TokenStream, end: Span) -> Self {
        Self { tokens: tokens.into_iter().collect(), at: 0, end }
    }

    /// The inside of a group; its end is the closing delimiter.
    pub(crate) fn of_group(group: &Group) -> Self {
        Self::new(group.stream(), group.span_close())
    }

    pub(crate) fn is_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(crate) fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }

    /// The token `n` after the next one.
    pub(crate) fn peek_at(&self, n: usize) -> Option<&TokenTree> {
        self.tokens.get(self.at + n)
    }

    pub(crate) fn next(&mut self) -> Option<TokenTree> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    /// Where the next token stands, or the end.
    pub(crate) fn span(&self) -> Span {
        self.peek().map_or(self.end, TokenTree::span)
    }

    /// Where the token before stands, or the end of what has none.
    pub(crate) fn last_span(&self) -> Span {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(self.end, TokenTree::span)
    }

    /// All tokens that are left.
    pub(crate) fn rest(&mut self) -> TokenStream {
        let rest = self.tokens.split_off(self.at.min(self.tokens.len()));
        rest.into_iter().collect()
    }

    /// "expected `what`", at the next token.
    pub(crate) fn expected(&self, what: &str) -> Error {
        match self.peek() {
            Some(found) => {
                Error::new(found.span(), format!("expected {what}, found `{}`", shown(found)))
            }
            None => Error::new(self.end, format!("expected {what}")),
        }
    }

    /// Nothing may be left.
    pub(crate) fn expect_end(&self, what: &str) -> Result<()> {
        if self.is_end() {
            return Ok(());
        }
        Err(self.expected(what))
    }

    /// Is the operator (`,`, `=>`, `::` …) next?
    pub(crate) fn is_operator(&self, operator: &str) -> bool {
        let last = operator.chars().count() - 1;
        operator.chars().enumerate().all(|(n, character)| match self.peek_at(n) {
            Some(TokenTree::Punct(punct)) => {
                punct.as_char() == character && (n == last || punct.spacing() == Spacing::Joint)
            }
            _ => false,
        })
    }

    /// Takes the operator if it is next, and says where it stood.
    pub(crate) fn eat_operator(&mut self, operator: &str) -> Option<Span> {
        let span = self.is_operator(operator).then(|| self.span());
        if span.is_some() {
            self.at += operator.chars().count();
        }
        span
    }

    pub(crate) fn operator(&mut self, operator: &str) -> Result<Span> {
        self.eat_operator(operator).ok_or_else(|| self.expected(&format!("`{operator}`")))
    }

    /// Takes the word (a keyword, for instance) if it is next.
    pub(crate) fn eat_word(&mut self, word: &str) -> Option<Span> {
        let span = match self.peek() {
            Some(TokenTree::Ident(ident)) if ident.to_string() == word => ident.span(),
            _ => return None,
        };
        self.at += 1;
        Some(span)
    }

    /// An identifier; `what` says what for.
    pub(crate) fn ident(&mut self, what: &str) -> Result<Ident> {
        match self.peek() {
            Some(TokenTree::Ident(ident)) => {
                let ident = ident.clone();
                self.at += 1;
                Ok(ident)
            }
            _ => Err(self.expected(what)),
        }
    }

    /// A path: `home`, `handlers::home`, `crate::a::b`, `::a::b`.
    pub(crate) fn path(&mut self, what: &str) -> Result<TokenStream> {
        let from = self.at;
        self.eat_operator("::");
        self.ident(what)?;
        while self.eat_operator("::").is_some() {
            self.ident("the rest of the path")?;
        }
        Ok(self.tokens[from..self.at].iter().cloned().collect())
    }

    /// A string literal; `what` says what for.
    pub(crate) fn string(&mut self, what: &str) -> Result<Text> {
        match self.peek().and_then(string_value) {
            Some(text) => {
                self.at += 1;
                Ok(text)
            }
            None => Err(self.expected(what)),
        }
    }

    pub(crate) fn is_string(&self) -> bool {
        self.peek().and_then(string_value).is_some()
    }

    /// Takes the group in these delimiters if it is next.
    pub(crate) fn eat_group(&mut self, delimiter: Delimiter) -> Option<Group> {
        match self.peek() {
            Some(TokenTree::Group(group)) if group.delimiter() == delimiter => {
                let group = group.clone();
                self.at += 1;
                Some(group)
            }
            _ => None,
        }
    }

    pub(crate) fn group(&mut self, delimiter: Delimiter, what: &str) -> Result<Group> {
        self.eat_group(delimiter).ok_or_else(|| self.expected(what))
    }

    /// A type: everything up to a comma that is not between angle brackets.
    pub(crate) fn type_(&mut self, what: &str) -> Result<TokenStream> {
        self.up_to_comma(what, |_, _| true)
    }

    /// An expression: everything up to a comma; those between `::<` and `>` belong to it.
    pub(crate) fn expression(&mut self, what: &str) -> Result<TokenStream> {
        self.up_to_comma(what, Self::follows_path_separator)
    }

    /// Everything up to a comma that is not between angle brackets; `is_open` tells whether a `<` is one.
    fn up_to_comma(
        &mut self,
        what: &str,
        is_open: fn(&Self, usize) -> bool,
    ) -> Result<TokenStream> {
        let from = self.at;
        let mut depth = 0_u32;
        while let Some(token) = self.peek() {
            if let TokenTree::Punct(punct) = token {
                match punct.as_char() {
                    ',' if depth == 0 => break,
                    '<' => depth += u32::from(depth > 0 || is_open(self, from)),
                    '>' if !self.is_arrow_head(from) => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            self.at += 1;
        }
        if self.at == from {
            return Err(self.expected(what));
        }
        Ok(self.tokens[from..self.at].iter().cloned().collect())
    }

    /// Is the next `>` that of a `->`?
    fn is_arrow_head(&self, from: usize) -> bool {
        self.at > from
            && matches!(&self.tokens[self.at - 1],
                TokenTree::Punct(punct) if punct.as_char() == '-' && punct.spacing() == Spacing::Joint)
    }

    fn follows_path_separator(&self, from: usize) -> bool {
        let is_colon =
            |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
        self.at >= from + 2 && self.tokens[self.at - 2..self.at].iter().all(is_colon)
    }
}

/// A token as an error shows it: a group by its opening delimiter alone.
fn shown(token: &TokenTree) -> String {
    match token {
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Parenthesis => "(".to_owned(),
            Delimiter::Brace => "{".to_owned(),
            Delimiter::Bracket => "[".to_owned(),
            Delimiter::None => group.stream().to_string(),
        },
        other => other.to_string(),
    }
}
