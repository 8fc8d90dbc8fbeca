//! Places in the author's files.

/// A place in one of the files of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file, by the name that [`Source`](crate::Source) gives it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl Position {
    /// The first place in `stack`, a stack trace of any engine, that lies in one of the author's files.
    pub fn first_in(stack: &str) -> Option<Self> {
        stack.lines().filter(|line| is_of_author(line)).find_map(Self::in_line)
    }

    /// `FILE:LINE:COLUMN` at the end of a line of a stack trace, in parentheses or without.
    fn in_line(line: &str) -> Option<Self> {
        let line = line.trim().trim_end_matches(')');
        let place = line.rsplit(['(', ' ']).next()?;
        let mut parts = place.rsplitn(3, ':');
        let (column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
        let position =
            Self { file: file.to_owned(), line: line.parse().ok()?, column: column.parse().ok()? };
        Some(position).filter(|position| !position.file.is_empty())
    }
}

/// The lines of a stack trace that are the author's; the prelude's own are of no use to anybody.
pub(crate) fn of_author(stack: &str) -> String {
    let lines = stack.lines().filter(|line| is_of_author(line));
    lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn is_of_author(line: &str) -> bool {
    !line.contains(crate::prelude::SCHEME) && !line.contains("(native)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_of_the_author_is_found_in_any_form() {
        let quickjs = "    at raise (mik:core.js:1:2)\n    at <anonymous> (lib/price.ts:3:14)\n";
        let boa = "at price (lib/price.ts:3:14)";
        let bare = "    at lib/price.ts:3:14";
        for stack in [quickjs, boa, bare] {
            let place = Position { file: "lib/price.ts".into(), line: 3, column: 14 };
            assert_eq!(Position::first_in(stack), Some(place), "{stack}");
        }
        for stack in ["", "at f (native)", "at mik:core.js:1:2", "Error: 1:2"] {
            assert_eq!(Position::first_in(stack), None, "{stack}");
        }
    }

    #[test]
    fn a_stack_is_shown_without_the_prelude() {
        let stack = "    at a (checkout.ts:1:2)\n    at b (mik:core.js:1:2)\n    at c (native)\n";
        assert_eq!(of_author(stack), "at a (checkout.ts:1:2)");
    }
}
