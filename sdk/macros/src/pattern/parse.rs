//! Taking patterns apart (ECMA-262, section 22.2.1, with the flag `u`).

use super::class::{negated, normal, BLANKS, DIGITS, LINE_ENDS, WORD};
use super::{Node, PatternError};

/// How deep groups may be.
const DEPTH: u32 = 100;
/// How often a repetition may be asked for.
const MOST_REPEATS: u32 = 1000;

type Result<T> = std::result::Result<T, PatternError>;

pub(super) fn parse(pattern: &str) -> Result<Node> {
    let mut parser = Parser { characters: pattern.chars().collect(), at: 0 };
    let node = parser.alternatives(DEPTH)?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => parser.fail("a `)` that closes nothing; a bracket itself is `\\)`"),
    }
}

struct Parser {
    characters: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, text: &str) -> bool {
        let is_next =
            text.chars().enumerate().all(|(n, c)| self.characters.get(self.at + n) == Some(&c));
        if is_next {
            self.at += text.chars().count();
        }
        is_next
    }

    /// An error at the next character.
    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        self.fail_at(self.at, message)
    }

    fn fail_at<T>(&self, at: usize, message: impl Into<String>) -> Result<T> {
        Err(PatternError { message: message.into(), at })
    }

    fn alternatives(&mut self, depth: u32) -> Result<Node> {
        let mut alternatives = vec![self.sequence(depth)?];
        while self.eat("|") {
            alternatives.push(self.sequence(depth)?);
        }
        Ok(match alternatives.pop() {
            Some(only) if alternatives.is_empty() => only,
            last => {
                alternatives.extend(last);
                Node::Alternatives(alternatives)
            }
        })
    }

    fn sequence(&mut self, depth: u32) -> Result<Node> {
        let mut nodes = Vec::new();
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let from = self.at;
            let atom = self.atom(depth)?;
            let is_place = matches!(atom, Node::Start | Node::End);
            let before_repeat = self.at;
            let node = self.repeated(atom)?;
            if is_place && self.at != before_repeat {
                return self.fail_at(from, "`^` and `$` cannot be repeated");
            }
            nodes.push(node);
        }
        Ok(if nodes.is_empty() { Node::Empty } else { Node::Sequence(nodes) })
    }

    fn atom(&mut self, depth: u32) -> Result<Node> {
        let at = self.at;
        match self.next() {
            Some('^') => Ok(Node::Start),
            Some('$') => Ok(Node::End),
            Some('.') => Ok(Node::Class(negated(LINE_ENDS))),
            Some('(') => self.group(depth),
            Some('[') => self.class(),
            Some('\\') => self.escape(),
            Some('*' | '+' | '?') => self.fail_at(at, "nothing to repeat"),
            Some(bracket @ ('{' | '}' | ']')) => {
                self.fail_at(at, format!("a `{bracket}` here must be escaped: `\\{bracket}`"))
            }
            Some(character) => Ok(Node::Character(character)),
            None => Ok(Node::Empty),
        }
    }

    fn group(&mut self, depth: u32) -> Result<Node> {
        let open = self.at - 1;
        let Some(depth) = depth.checked_sub(1) else {
            return self.fail_at(open, "too many groups in one another");
        };
        if self.eat("?") && !self.eat(":") {
            return self.fail_at(
                open,
                match self.peek() {
                    Some('=' | '!') => "looking ahead (`(?=`, `(?!`) takes more than linear time: it is not supported",
                    Some('<') => "looking behind and names of groups (`(?<`) are not supported; `(` or `(?:` opens a group",
                    _ => "unknown kind of group; `(` or `(?:` opens one",
                },
            );
        }
        let node = self.alternatives(depth)?;
        if !self.eat(")") {
            return self.fail_at(open, "this group is not closed");
        }
        Ok(node)
    }

    fn repeated(&mut self, node: Node) -> Result<Node> {
        let at = self.at;
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => self.counts()?,
            _ => return Ok(node),
        };
        self.at += 1;
        // Lazy or not: there is a match or there is none.
        self.eat("?");
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return self
                .fail("nothing to repeat: a repetition can be repeated in a group, `(?:a+)*`");
        }
        if max.is_some_and(|max| max < min) {
            return self.fail_at(at, "the first number is greater than the second");
        }
        Ok(Node::Repeat { node: Box::new(node), min, max })
    }

    /// The numbers of `{2}`, `{2,}` or `{2,3}`, up to the `}`.
    fn counts(&mut self) -> Result<(u32, Option<u32>)> {
        let open = self.at;
        self.at += 1;
        let min = self.count(open)?;
        let max = if !self.eat(",") {
            Some(min)
        } else if self.peek() == Some('}') {
            None
        } else {
            Some(self.count(open)?)
        };
        match self.peek() {
            Some('}') => Ok((min, max)),
            _ => self.fail_at(open, "expected `{2}`, `{2,}` or `{2,3}`; a brace itself is `\\{`"),
        }
    }

    fn count(&mut self, open: usize) -> Result<u32> {
        let from = self.at;
        let mut count = 0_u32;
        while let Some(digit) = self.peek().and_then(|character| character.to_digit(10)) {
            count = count.saturating_mul(10).saturating_add(digit);
            self.at += 1;
        }
        if self.at == from {
            return self
                .fail_at(open, "expected `{2}`, `{2,}` or `{2,3}`; a brace itself is `\\{`");
        }
        if count > MOST_REPEATS {
            let message = format!(
                "more than {MOST_REPEATS} repetitions; `min` and `max` bound the length of a text"
            );
            return self.fail_at(from, message);
        }
        Ok(count)
    }

    fn class(&mut self) -> Result<Node> {
        let open = self.at - 1;
        let is_negated = self.eat("^");
        let mut ranges = Vec::new();
        while !self.eat("]") {
            let from = self.at;
            let Some(first) = self.member(open)? else {
                return self.fail_at(open, "this class is not closed");
            };
            // A `-` at the end is one.
            if self.peek() == Some('-') && self.characters.get(self.at + 1) != Some(&']') {
                self.at += 1;
                let Some(last) = self.member(open)? else {
                    return self.fail_at(open, "this class is not closed");
                };
                match (first, last) {
                    (Node::Character(first), Node::Character(last)) if first <= last => {
                        ranges.push((first, last));
                    }
                    (Node::Character(_), Node::Character(_)) => {
                        return self.fail_at(from, "a range that ends before it begins");
                    }
                    _ => return self.fail_at(from, "a range goes from one character to another"),
                }
            } else {
                match first {
                    Node::Character(character) => ranges.push((character, character)),
                    Node::Class(class) => ranges.extend(class),
                    _ => {}
                }
            }
        }
        Ok(Node::Class(if is_negated { negated(&ranges) } else { normal(ranges) }))
    }

    /// A character of a class, or a class in it; `None` at the end of the pattern.
    fn member(&mut self, open: usize) -> Result<Option<Node>> {
        match self.next() {
            Some('\\') if self.eat("b") => Ok(Some(Node::Character('\u{8}'))),
            Some('\\') if self.eat("-") => Ok(Some(Node::Character('-'))),
            Some('\\') => self.escape().map(Some),
            Some('[') if self.peek() == Some(':') => {
                self.fail_at(open, "classes like `[:alpha:]` are not of ECMA-262; `[A-Za-z]` is")
            }
            Some(character) => Ok(Some(Node::Character(character))),
            None => Ok(None),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<Node> {
        let at = self.at - 1;
        let Some(character) = self.next() else {
            return self.fail_at(at, "a `\\` at the end; itself it is `\\\\`");
        };
        Ok(match character {
            'd' => Node::Class(DIGITS.to_vec()),
            'D' => Node::Class(negated(DIGITS)),
            'w' => Node::Class(WORD.to_vec()),
            'W' => Node::Class(negated(WORD)),
            's' => Node::Class(BLANKS.to_vec()),
            'S' => Node::Class(negated(BLANKS)),
            't' => Node::Character('\t'),
            'n' => Node::Character('\n'),
            'r' => Node::Character('\r'),
            'v' => Node::Character('\u{b}'),
            'f' => Node::Character('\u{c}'),
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => Node::Character('\0'),
            'c' => match self.next() {
                Some(letter) if letter.is_ascii_alphabetic() => Node::Character(char::from(letter as u8 & 31)),
                _ => return self.fail_at(at, "`\\c` takes a letter"),
            },
            'x' => match self.hexadecimal(2).and_then(char::from_u32) {
                Some(character) => Node::Character(character),
                None => return self.fail_at(at, "`\\x` takes two hexadecimal digits"),
            },
            'u' => match self.code_point() {
                Some(character) => Node::Character(character),
                None => return self.fail_at(at, "`\\u` takes four hexadecimal digits or `{…}`, and together they are a character"),
            },
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => {
                Node::Character(character)
            }
            'p' | 'P' => {
                return self.fail_at(at, "properties of Unicode (`\\p`) would need large tables: they are not supported; list ranges, `[\\u00C0-\\u017F]`");
            }
            'b' | 'B' => return self.fail_at(at, "borders of words (`\\b`) are not supported"),
            '1'..='9' | 'k' => return self.fail_at(at, "references to groups take more than linear time: they are not supported"),
            _ => return self.fail_at(at, format!("`\\{character}` is no escape")),
        })
    }

    fn hexadecimal(&mut self, digits: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..digits {
            value = value << 4 | self.peek()?.to_digit(16)?;
            self.at += 1;
        }
        Some(value)
    }

    fn code_point(&mut self) -> Option<char> {
        if self.eat("{") {
            let mut value = 0_u32;
            while !self.eat("}") {
                value = value.checked_mul(16)?.checked_add(self.next()?.to_digit(16)?)?;
            }
            return char::from_u32(value);
        }
        let unit = self.hexadecimal(4)?;
        if !(0xd800..0xdc00).contains(&unit) {
            return char::from_u32(unit);
        }
        if !self.eat("\\u") {
            return None;
        }
        let low = self.hexadecimal(4)?.checked_sub(0xdc00).filter(|&low| low < 0x400)?;
        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + low)
    }
}
