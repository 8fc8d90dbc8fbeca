//! Regular expressions, compiled to the program that `mik_sdk::validate::Pattern` runs.
//!
//! The language is the part of ECMA-262 that JSON Schema recommends: characters, `.`, classes, groups, alternatives,
//! repetitions, `^` and `$`. A repetition matches as many or as few as it may: whether there is a match at all does not
//! depend on that.
//!
//! Nothing here knows of tokens, so that tests run it as it is.

mod class;
mod compile;
mod parse;

pub(crate) use compile::{compile, Program, Step};

/// What is wrong with a pattern, and at which character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternError {
    pub(crate) message: String,
    /// From 0.
    pub(crate) at: usize,
}

/// A pattern, taken apart.
#[derive(Debug, Clone)]
enum Node {
    Empty,
    Character(char),
    /// Any character of these ranges.
    Class(Vec<(char, char)>),
    Start,
    End,
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
}
