//! Which names a project may have.

use std::fmt;

use mik_core::ModuleName;

use super::template::Template;

/// The ending that a file of `dist/` has beside its name, and which is therefore no part of one.
const COMPOSED: &str = "-composed";

/// Names that rustc or cargo keeps to itself, as of crates: keywords of every edition, what every program has in
/// scope, and what cargo puts into its target folder.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// What the projects of the Rust templates depend on: a package cannot have the name of what it needs.
const NEEDED: &[&str] = &["mik_sdk", "mik_sdk_macros", "serde_json", "wstd"];

/// A name that a project cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is not a name that a project can have: {reason}\n  {RULES}\n  for example: {suggestion}"
)]
pub struct InvalidProjectName {
    given: String,
    reason: Reason,
    suggestion: String,
}

const RULES: &str = "allowed are 1 to 64 letters, digits, '-', '_' and '.', of which the first is a letter or a digit";

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Empty,
    Long,
    Start,
    Character(char),
    Composed,
    Dot,
    Digit,
    Case,
    Reserved,
    Needed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::Long => "it is longer than 64 bytes",
            Self::Start => "it starts with neither a letter nor a digit",
            Self::Character(other) => return write!(f, "{other:?} is not allowed in it"),
            Self::Composed => "the file of a module loses the ending -composed",
            Self::Dot => "a package of Rust has no '.' in its name",
            Self::Digit => "a package of Rust does not start with a digit",
            Self::Case => "a crate of Rust has no capital letters in its name",
            Self::Reserved => "Rust keeps it to itself",
            Self::Needed => "a package that the project needs has it",
        })
    }
}

/// Checks that a project of this template, or of any where none is chosen yet, may have the name.
pub(super) fn check(name: &str, template: Option<Template>) -> Result<(), InvalidProjectName> {
    let is_rust = template.is_some_and(Template::is_rust);
    match fault(name, is_rust) {
        None => Ok(()),
        Some(reason) => {
            let suggestion = suggest(name, is_rust);
            Err(InvalidProjectName { given: name.to_owned(), reason, suggestion })
        }
    }
}

fn fault(name: &str, is_rust: bool) -> Option<Reason> {
    let first = name.chars().next();
    let Some(first) = first else { return Some(Reason::Empty) };
    if let Some(other) = name.chars().find(|&char| !is_allowed(char)) {
        return Some(Reason::Character(other));
    }
    if !first.is_ascii_alphanumeric() {
        return Some(Reason::Start);
    }
    if name.ends_with(COMPOSED) {
        return Some(Reason::Composed);
    }
    // What mik itself says goes before all else, should it ever say more than this.
    if name.len() > ModuleName::MAX_LEN || ModuleName::new(name).is_err() {
        return Some(Reason::Long);
    }
    if is_rust { fault_of_crate(name, first) } else { None }
}

fn fault_of_crate(name: &str, first: char) -> Option<Reason> {
    let crate_name = name.replace('-', "_");
    if name.contains('.') {
        Some(Reason::Dot)
    } else if first.is_ascii_digit() {
        Some(Reason::Digit)
    } else if name.contains(|char: char| char.is_ascii_uppercase()) {
        Some(Reason::Case)
    } else if RESERVED.contains(&&*crate_name) {
        Some(Reason::Reserved)
    } else if NEEDED.contains(&&*crate_name) {
        Some(Reason::Needed)
    } else {
        None
    }
}

fn is_allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.')
}

/// A name that is allowed and looks like this one.
fn suggest(name: &str, is_rust: bool) -> String {
    let keep = |char: char| is_allowed(char) && !(is_rust && char == '.');
    let mut close = String::new();
    for char in name.chars() {
        match char {
            char if keep(char) && is_rust => close.push(char.to_ascii_lowercase()),
            char if keep(char) => close.push(char),
            _ if close.ends_with('-') => {}
            _ => close.push('-'),
        }
    }
    let mut close = close.trim_matches(|char: char| !char.is_ascii_alphanumeric());
    while let Some(shorter) = close.strip_suffix(COMPOSED) {
        close = shorter;
    }
    let close = &close[..close.len().min(ModuleName::MAX_LEN - "my-".len())];
    let close = close.trim_end_matches(|char: char| !char.is_ascii_alphanumeric());
    let prefixed = if close.is_empty() { String::new() } else { format!("my-{close}") };
    [close.to_owned(), prefixed]
        .into_iter()
        .find(|name| fault(name, is_rust).is_none())
        .unwrap_or_else(|| "my-api".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, template: Template) -> InvalidProjectName {
        check(name, Some(template)).unwrap_err()
    }

    #[test]
    fn what_a_module_may_be_called_a_project_may() {
        for name in ["my-api", "my_api", "API", "v1.2", "0", "type", "test", &"x".repeat(64)] {
            assert_eq!(check(name, Some(Template::Js)), Ok(()), "{name}");
            assert!(ModuleName::new(name).is_ok(), "{name}");
        }
        for name in ["", "-a", ".a", "_a", "a b", "a/b", "ä", "a%20", "a-composed", &"x".repeat(65)]
        {
            refused(name, Template::Js);
        }
    }

    #[test]
    fn a_project_in_rust_is_a_package_as_well() {
        for name in ["my-api", "my_api", "v12", "types"] {
            assert_eq!(check(name, Some(Template::Rust)), Ok(()), "{name}");
        }
        for (name, suggestion) in [
            ("v1.2", "v1-2"),
            ("3d", "my-3d"),
            ("MyAPI", "myapi"),
            ("type", "my-type"),
            ("proc-macro", "my-proc-macro"),
            ("mik-sdk", "my-mik-sdk"),
            ("wstd", "my-wstd"),
        ] {
            assert_eq!(refused(name, Template::RustWasi).suggestion, suggestion, "{name}");
            assert_eq!(check(name, Some(Template::Ts)), Ok(()), "{name}");
        }
    }

    #[test]
    fn every_suggestion_may_be_taken() {
        let long = "ab".repeat(40);
        let names = [
            "",
            " ",
            "..",
            "---",
            "größe",
            "my api!",
            "-x-",
            "a-composed",
            "-composed-composed",
            "a--b",
            "1.",
            "1-composed",
            "💥",
            "self",
            &long,
            &format!("{}-composed", "x".repeat(60)),
            "my.mik_sdk",
        ];
        for name in names {
            for template in [Template::Rust, Template::C] {
                if let Err(refused) = check(name, Some(template)) {
                    let suggestion = &refused.suggestion;
                    assert_eq!(
                        check(suggestion, Some(template)),
                        Ok(()),
                        "{name:?}: {suggestion:?}"
                    );
                }
            }
        }
        assert_eq!(refused("my api!", Template::Rust).suggestion, "my-api");
        assert_eq!(refused("größe", Template::Rust).suggestion, "gr-e");
        assert_eq!(refused("..", Template::Rust).suggestion, "my-api");
    }

    #[test]
    fn the_message_says_what_is_wrong_what_is_allowed_and_what_to_take() {
        let message = refused("my api", Template::Rust).to_string();
        for part in ["\"my api\"", "' ' is not allowed", "letters, digits", "for example: my-api"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
