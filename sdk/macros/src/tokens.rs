//! Reading tokens, writing tokens, and saying what is wrong with them.
//!
//! [`Cursor`] reads; [`quote`] writes; an [`Error`] points at the token it speaks of.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

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

/// The value of a string literal, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) span: Span,
}

/// One `#[name(body)]`, `#[name = body]` or `#[name]`.
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// What is between the parentheses, or after the `=`.
    pub(crate) body: Cursor,
}

/// The attributes before an item, its documentation apart.
#[derive(Default)]
pub(crate) struct Attributes {
    /// The documentation's text, its lines as written.
    pub(crate) docs: String,
    pub(crate) others: Vec<Attribute>,
}

impl Attributes {
    /// The first paragraph of the documentation, in one line.
    pub(crate) fn summary(&self) -> String {
        let lines = self.docs.lines().map(str::trim).take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The documentation without its first paragraph.
    pub(crate) fn description(&self) -> &str {
        self.docs.split_once("\n\n").map_or("", |(_, rest)| rest.trim())
    }
}

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
        let from = self.at;
        let mut depth = 0_u32;
        while let Some(token) = self.peek() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ',' && depth == 0 => break,
                TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
                TokenTree::Punct(punct) if punct.as_char() == '>' && !self.is_arrow_head(from) => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
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

    /// An expression: everything up to a comma; those between `::<` and `>` belong to it.
    pub(crate) fn expression(&mut self, what: &str) -> Result<TokenStream> {
        let from = self.at;
        let mut depth = 0_u32;
        while let Some(token) = self.peek() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ',' && depth == 0 => break,
                TokenTree::Punct(punct) if punct.as_char() == '<' => {
                    depth += u32::from(depth > 0 || self.follows_path_separator(from));
                }
                TokenTree::Punct(punct) if punct.as_char() == '>' && !self.is_arrow_head(from) => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            self.at += 1;
        }
        if self.at == from {
            return Err(self.expected(what));
        }
        Ok(self.tokens[from..self.at].iter().cloned().collect())
    }

    fn follows_path_separator(&self, from: usize) -> bool {
        let is_colon =
            |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
        self.at >= from + 2 && self.tokens[self.at - 2..self.at].iter().all(is_colon)
    }

    /// The attributes that stand here, if any; the documentation's lines become one text.
    pub(crate) fn attributes(&mut self) -> Result<Attributes> {
        let mut attributes = Attributes::default();
        let mut lines = Vec::new();
        while self.eat_operator("#").is_some() {
            let group = self.group(Delimiter::Bracket, "an attribute in brackets")?;
            let mut inside = Self::of_group(&group);
            let name = inside.ident("the name of an attribute")?;
            let (span, name) = (name.span(), name.to_string());
            if name == "doc" && inside.eat_operator("=").is_some() {
                lines.extend(inside.string("the documentation").map(|text| text.value));
                continue;
            }
            let body = match inside.eat_group(Delimiter::Parenthesis) {
                Some(group) => Self::of_group(&group),
                None => {
                    inside.eat_operator("=");
                    inside
                }
            };
            attributes.others.push(Attribute { name, span, body });
        }
        attributes.docs = documentation(&lines);
        Ok(attributes)
    }
}

/// Joins lines of documentation: without the blank that follows `///`, and without empty lines around.
fn documentation(lines: &[String]) -> String {
    let text = lines.iter().flat_map(|line| line.split('\n'));
    let text = text.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    text.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
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

/// The name of an identifier; that of `r#type` is `type`.
pub(crate) fn name_of(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// The only token of a group without delimiters, which is how a macro hands on what it was given.
pub(crate) fn unwrapped(token: &TokenTree) -> TokenTree {
    if let TokenTree::Group(group) = token {
        let mut inside = group.stream().into_iter();
        if let (Delimiter::None, Some(only), None) =
            (group.delimiter(), inside.next(), inside.next())
        {
            return unwrapped(&only);
        }
    }
    token.clone()
}

/// The value of a token that is a string literal.
pub(crate) fn string_value(token: &TokenTree) -> Option<Text> {
    let TokenTree::Literal(literal) = unwrapped(token) else { return None };
    let value = unquoted(&literal.to_string())?;
    Some(Text { value, span: literal.span() })
}

/// The value of a string literal as it is written in Rust. `None`: it is another kind of literal.
fn unquoted(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('r') {
        let inside = raw.trim_start_matches('#').strip_prefix('"')?;
        return Some(inside.trim_end_matches('#').strip_suffix('"')?.to_owned());
    }
    let inside = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next()? {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            '0' => value.push('\0'),
            'x' => value.push(char::from_u32(hexadecimal(characters.by_ref().take(2))?)?),
            'u' => {
                characters.next();
                let digits = characters.by_ref().take_while(|&c| c != '}').filter(|&c| c != '_');
                value.push(char::from_u32(hexadecimal(digits)?)?);
            }
            // The line goes on after the blanks.
            '\n' => characters = characters.as_str().trim_start().chars(),
            same => value.push(same),
        }
    }
    Some(value)
}

fn hexadecimal(digits: impl Iterator<Item = char>) -> Option<u32> {
    let mut value = 0_u32;
    for digit in digits {
        value = value.checked_mul(16)?.checked_add(digit.to_digit(16)?)?;
    }
    Some(value)
}

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

/// `a`, `b` or `c`.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

/// The known word that is closest to this one, if any is close.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let limit = word.chars().count().max(3) / 3;
    let distances =
        known.iter().map(|candidate| (distance(&word, &candidate.to_lowercase()), *candidate));
    let (distance, candidate) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit).then_some(candidate)
}

/// How many characters to insert, delete, replace or swap make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<_>, Vec<_>) = (from.chars().collect(), to.chars().collect());
    let row = |n| {
        (0..=to.len())
            .map(|m| {
                if n == 0 {
                    m
                } else if m == 0 {
                    n
                } else {
                    0
                }
            })
            .collect()
    };
    let mut rows: Vec<Vec<usize>> = (0..=from.len()).map(row).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::{closest, distance, documentation, list, unquoted};

    #[test]
    fn a_word_close_to_a_known_one_is_meant() {
        let known = ["min", "max", "pattern", "format", "rename", "default"];
        assert_eq!(closest("patern", &known), Some("pattern"));
        assert_eq!(closest("Rename", &known), Some("rename"));
        assert_eq!(closest("mni", &known), Some("min"));
        assert_eq!(closest("length", &known), None);
        assert_eq!(closest("x", &[]), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn string_literals_have_the_value_that_rust_gives_them() {
        assert_eq!(
            unquoted(r#""a\n\t\\\"\'\0\x41\u{1_F600}b""#).as_deref(),
            Some("a\n\t\\\"'\0A\u{1F600}b")
        );
        assert_eq!(unquoted("\"a\\\n   b\"").as_deref(), Some("ab"));
        assert_eq!(unquoted(r##"r#"a\n"b"#"##).as_deref(), Some("a\\n\"b"));
        assert_eq!(unquoted("b\"a\""), None);
        assert_eq!(unquoted("1"), None);
        assert_eq!(unquoted("'a'"), None);
    }

    #[test]
    fn documentation_is_one_text() {
        let lines = [" A.", "", "   b", " "].map(str::to_owned);
        assert_eq!(documentation(&lines), "A.\n\n  b");
    }

    #[test]
    fn words_are_listed() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
