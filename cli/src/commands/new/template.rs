//! The templates of `mik new`, by name.

use std::fmt;

use clap::ValueEnum;

use crate::output::columns;

/// What a new project starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// Rust, with mik's SDK: routes, typed requests, JSON, OpenAPI
    Rust,
    /// Rust on plain `wasi:http`, with wstd
    RustWasi,
    /// JavaScript, with componentize-js
    Js,
    /// TypeScript, with componentize-js
    Ts,
    /// Python, with componentize-py
    Python,
    /// C, with clang
    C,
    /// Scripts only: TypeScript that mik runs as it is and that makes one answer of several modules
    Scripts,
}

impl Template {
    /// Each of them, the one that is taken unless told otherwise first.
    pub(super) const ALL: [Self; 7] =
        [Self::Rust, Self::RustWasi, Self::Js, Self::Ts, Self::Python, Self::C, Self::Scripts];

    /// As it is given to `--template`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::RustWasi => "rust-wasi",
            Self::Js => "js",
            Self::Ts => "ts",
            Self::Python => "python",
            Self::C => "c",
            Self::Scripts => "scripts",
        }
    }

    /// What it is, in a line.
    pub fn summary(self) -> String {
        let value = self.to_possible_value();
        let help = value.as_ref().and_then(|value| value.get_help());
        help.map(ToString::to_string).unwrap_or_default()
    }

    /// Whether its project is a package of cargo's.
    pub(super) fn is_rust(self) -> bool {
        matches!(self, Self::Rust | Self::RustWasi)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What `--list` prints: the name of each template and what it is.
pub(super) fn list() -> String {
    columns(&Template::ALL.map(|template| [template.name().to_owned(), template.summary()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line_and_none_is_left_out() {
        assert_eq!(Template::value_variants(), Template::ALL);
        for template in Template::ALL {
            let value = template.to_possible_value().unwrap();
            assert_eq!(value.get_name(), template.name());
            assert!(!template.summary().is_empty(), "{template}");
        }
    }

    #[test]
    fn the_list_has_a_line_for_each() {
        let list = list();
        assert_eq!(list.lines().count(), Template::ALL.len());
        assert!(list.starts_with("  rust       Rust, with mik's SDK"), "{list}");
    }
}
