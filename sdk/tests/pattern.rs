//! Patterns, against the crate `regex`.

#![allow(clippy::unwrap_used, reason = "a test is to fail then")]

use mik_sdk::validate::{Pattern, Step};
use proptest::prelude::*;

#[path = "../macros/src/pattern/mod.rs"]
mod pattern;

/// What the macro makes, at run time.
fn compiled(source: &str) -> Result<Pattern, String> {
    let program: pattern::Program =
        pattern::compile(source).map_err(|error| format!("{} at {}", error.message, error.at))?;
    let steps = program.steps.into_iter().map(|step| match step {
        pattern::Step::Character(one) => Step::Character(one),
        pattern::Step::Ranges(from, to) => Step::Ranges(from, to),
        pattern::Step::Fork(one, other) => Step::Fork(one, other),
        pattern::Step::Jump(to) => Step::Jump(to),
        pattern::Step::Start => Step::Start,
        pattern::Step::End => Step::End,
        pattern::Step::Match => Step::Match,
    });
    let steps: Vec<_> = steps.collect();
    Ok(Pattern::new(source.to_owned().leak(), steps.leak(), program.ranges.leak()))
}

fn is_match(source: &str, text: &str) -> bool {
    compiled(source).unwrap().is_match(text)
}

#[test]
fn a_pattern_is_found_anywhere_unless_it_is_anchored() {
    assert!(is_match("b", "abc"));
    assert!(!is_match("^b", "abc"));
    assert!(!is_match("b$", "abc"));
    assert!(is_match("^abc$", "abc"));
    assert!(is_match("", ""));
    assert!(is_match("^$", ""));
    assert!(!is_match("^$", "\n"));
    // An end is that of the text, not that of a line.
    assert!(!is_match("^a$", "a\nb"));
    assert!(is_match("a|^$", ""));
    assert!(is_match("(^a|b$)", "xb"));
}

#[test]
fn classes_are_those_of_ecma_262() {
    assert!(is_match(r"^\d+$", "0123456789"));
    assert!(!is_match(r"^\d$", "\u{663}"));
    assert!(is_match(r"^\w+$", "azAZ09_"));
    assert!(!is_match(r"^\w$", "é"));
    assert!(is_match(r"^\s+$", " \t\n\u{b}\u{c}\r\u{a0}\u{feff}\u{2003}\u{2028}\u{3000}"));
    assert!(is_match(r"^\S\D\W$", "aé\u{1f600}"));
    assert!(is_match(r"^.$", "\u{1f600}"));
    for end in ["\n", "\r", "\u{2028}", "\u{2029}"] {
        assert!(!is_match("^.$", end));
    }
    assert!(is_match(r"^[a-c\d_-]+$", "abc0-_"));
    assert!(!is_match(r"^[^a-c\s]$", "b"));
    assert!(is_match(r"^[^a-c\s]$", "d"));
    assert!(is_match(r"^[\]\\\-^]+$", r"]\-^"));
    assert!(!is_match("[]", "a"));
    assert!(is_match("^[^]$", "\n"));
}

#[test]
fn escapes() {
    assert!(is_match(r"^\t\n\r\v\f\0$", "\t\n\r\u{b}\u{c}\0"));
    assert!(is_match(r"^\x41\u0042\u{1F600}\uD83D\uDE00\cJ$", "AB\u{1f600}\u{1f600}\n"));
    assert!(is_match(r"^\^\$\\\.\*\+\?\(\)\[\]\{\}\|\/$", r"^$\.*+?()[]{}|/"));
    assert!(is_match("^[\\b]$", "\u{8}"));
}

#[test]
fn repetitions() {
    for (source, yes, no) in [
        ("^a{2}$", vec!["aa"], vec!["a", "aaa"]),
        ("^a{2,}$", vec!["aa", "aaaa"], vec!["a"]),
        ("^a{1,3}$", vec!["a", "aaa"], vec!["", "aaaa"]),
        ("^a{0}$", vec![""], vec!["a"]),
        ("^(?:ab)+?c??$", vec!["ab", "ababc"], vec!["", "abcc"]),
        ("^(a|b)*c$", vec!["c", "abbac"], vec!["ab"]),
        ("^(a*)*$", vec!["", "aaa"], vec!["b"]),
        ("^(|a)+b$", vec!["b", "aab"], vec!["a"]),
    ] {
        for text in yes {
            assert!(is_match(source, text), "{source} {text}");
        }
        for text in no {
            assert!(!is_match(source, text), "{source} {text}");
        }
    }
}

#[test]
fn time_grows_with_the_text_alone() {
    let text = "a".repeat(20_000);
    for source in ["^(a*)*b$", "^(a+)+$b", "(a|a)*b", "^(a?){50}a{50}b"] {
        let started = std::time::Instant::now();
        assert!(!is_match(source, &text));
        assert!(started.elapsed().as_secs() < 10, "{source}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (source, message, at) in [
        ("a)", "a `)` that closes nothing", 1),
        ("(a", "this group is not closed", 0),
        ("a[b", "this class is not closed", 1),
        ("[a-", "this class is not closed", 0),
        ("[z-a]", "a range that ends before it begins", 1),
        (r"[\d-z]", "a range goes from one character to another", 1),
        ("*a", "nothing to repeat", 0),
        ("a**", "nothing to repeat", 2),
        ("a{2}{3}", "nothing to repeat", 4),
        ("^*", "`^` and `$` cannot be repeated", 0),
        ("a{3,2}", "the first number is greater", 1),
        ("a{x}", "expected `{2}`", 1),
        ("a{1", "expected `{2}`", 1),
        ("a{1001}", "more than 1000 repetitions", 2),
        ("a}", "a `}` here must be escaped", 1),
        ("]", "a `]` here must be escaped", 0),
        (r"\p{L}", "properties of Unicode", 0),
        (r"a\b", "borders of words", 1),
        (r"(a)\1", "references to groups", 3),
        ("(?=a)", "looking ahead", 0),
        ("(?<=a)", "looking behind", 0),
        ("(?<n>a)", "looking behind and names", 0),
        ("(?i)a", "unknown kind of group", 0),
        (r"\q", "`\\q` is no escape", 0),
        (r"\", "a `\\` at the end", 0),
        (r"\u12", "`\\u` takes four", 0),
        (r"\uD800", "`\\u` takes four", 0),
        (r"\u{110000}", "`\\u` takes four", 0),
        (r"\x4", "`\\x` takes two", 0),
        (r"\c1", "`\\c` takes a letter", 0),
        ("[[:alpha:]]", "classes like `[:alpha:]`", 0),
        ("(a{1000}){5}", "more than 4096 steps", 0),
    ] {
        let error = pattern::compile(source).unwrap_err();
        assert!(error.message.starts_with(message), "{source}: {}", error.message);
        assert_eq!(error.at, at, "{source}");
    }
    let deep = "(".repeat(5000);
    assert!(compiled(&deep).unwrap_err().starts_with("too many groups"));
}

/// A pattern as we write it, and as the other crate does.
type Both = (String, String);

fn both(text: &str) -> Both {
    (text.to_owned(), text.to_owned())
}

fn any_pattern() -> impl Strategy<Value = Both> {
    let ends = r"[^\n\r\x{2028}\x{2029}]";
    let pair = |ours: &str, theirs: &str| (ours.to_owned(), theirs.to_owned());
    let atoms = vec![
        both("a"),
        both("b"),
        both("c"),
        both("é"),
        both("[a-b]"),
        both("[^a]"),
        both("[^a-bé]"),
        both("^"),
        both("$"),
        pair(".", ends),
        pair(r"\d", "[0-9]"),
        pair(r"\D", "[^0-9]"),
        pair(r"\w", "[0-9A-Za-z_]"),
        pair(r"\W", "[^0-9A-Za-z_]"),
        pair(r"[\d_]", "[0-9_]"),
        pair(r"[^\w\s]", r"[^0-9A-Za-z_ \n]"),
        pair(r"\u0061", "a"),
        both(r"\n"),
        both(""),
    ];
    let repeats = vec!["*", "+", "?", "*?", "+?", "??", "{0}", "{2}", "{1,}", "{0,2}", "{2,3}?"];
    prop::sample::select(atoms).prop_recursive(5, 24, 4, move |inside| {
        let repeats = repeats.clone();
        prop_oneof![
            prop::collection::vec(inside.clone(), 0..4).prop_map(|parts| join(&parts, "")),
            prop::collection::vec(inside.clone(), 1..4).prop_map(|parts| join(&parts, "|")),
            (inside.clone(), prop::sample::select(repeats)).prop_map(|(node, times)| (
                format!("(?:{}){times}", node.0),
                format!("(?:{}){times}", node.1)
            )),
            inside.prop_map(|node| (format!("({})", node.0), format!("({})", node.1))),
        ]
    })
}

/// Each in a group, so that it stays one.
fn join(parts: &[Both], by: &str) -> Both {
    let ours: Vec<_> = parts.iter().map(|part| format!("(?:{})", part.0)).collect();
    let theirs: Vec<_> = parts.iter().map(|part| format!("(?:{})", part.1)).collect();
    (ours.join(by), theirs.join(by))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_same_texts_match((ours, theirs) in any_pattern(), texts in prop::collection::vec("[abcé0_ \n]{0,6}", 8)) {
        let pattern = compiled(&ours).map_err(TestCaseError::fail)?;
        let expected = regex::Regex::new(&theirs).unwrap();
        for text in texts {
            prop_assert_eq!(pattern.is_match(&text), expected.is_match(&text), "{} on {:?}", ours, text);
        }
    }

    #[test]
    fn no_pattern_makes_it_fail(source in r"[ab(){}\[\]|*+?^$.\\0-9,:=<>!dwspu-]{0,16}", text in "[ab0]{0,8}") {
        if let Ok(pattern) = compiled(&source) {
            pattern.is_match(&text);
        }
    }
}
