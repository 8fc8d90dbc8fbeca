//! What the commands print. Standard output carries only what a command was asked for.

use std::fmt;
use std::io::{self, Write};

/// Prints what was asked for. A reader that has gone (`mik schema | head`) is no failure.
pub(crate) fn print(text: impl fmt::Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Tells a person what went wrong.
pub(crate) fn complain(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Rows as aligned columns, each row indented by two spaces; the last column is not padded.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (width, cell) in widths.iter().zip(row) {
            line.push(' ');
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 1 - cell.chars().count()));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bbb", "c"], ["aaa", "", "d"]].map(|row| row.map(ToOwned::to_owned));
        assert_eq!(columns(&rows), "  a    bbb  c\n  aaa       d\n");
    }
}
