//! Sets of characters.

/// `\d`
pub(super) const DIGITS: &[(char, char)] = &[('0', '9')];

/// `\w`
pub(super) const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// `\s`: white space and line terminators (ECMA-262, sections 12.2 and 12.3).
pub(super) const BLANKS: &[(char, char)] = &[
    ('\t', '\r'),
    (' ', ' '),
    ('\u{a0}', '\u{a0}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{2000}', '\u{200a}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{202f}', '\u{202f}'),
    ('\u{205f}', '\u{205f}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{feff}', '\u{feff}'),
];

/// What `.` is not.
pub(super) const LINE_ENDS: &[(char, char)] =
    &[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')];

/// The set in order, without ranges that meet.
pub(super) fn normal(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    ranges.sort_unstable();
    let mut result: Vec<(char, char)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match result.last_mut() {
            Some((_, end)) if first <= *end || Some(first) == next(*end) => *end = last.max(*end),
            _ => result.push((first, last)),
        }
    }
    result
}

/// All characters that are not in the set.
pub(super) fn negated(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let mut result = Vec::new();
    let mut from = Some('\0');
    for (first, last) in normal(ranges.to_vec()) {
        if let (Some(from), Some(to)) = (from, previous(first)) {
            if from <= to {
                result.push((from, to));
            }
        }
        from = next(last);
    }
    result.extend(from.map(|from| (from, char::MAX)));
    result
}

/// The character after this one; surrogates are none.
fn next(character: char) -> Option<char> {
    (character..=char::MAX).nth(1)
}

fn previous(character: char) -> Option<char> {
    ('\0'..character).next_back()
}

#[cfg(test)]
mod tests {
    use super::{negated, normal, BLANKS};

    #[test]
    fn a_set_is_put_in_order() {
        assert_eq!(
            normal(vec![('x', 'z'), ('a', 'c'), ('d', 'e'), ('b', 'b')]),
            [('a', 'e'), ('x', 'z')]
        );
    }

    #[test]
    fn the_opposite_skips_surrogates() {
        assert_eq!(negated(&[]), [('\0', char::MAX)]);
        assert_eq!(negated(&[('\0', char::MAX)]), []);
        assert_eq!(negated(&[('\u{e000}', char::MAX)]), [('\0', '\u{d7ff}')]);
        assert_eq!(negated(&[('\0', '\u{d7ff}')]), [('\u{e000}', char::MAX)]);
        assert_eq!(negated(&negated(BLANKS)), BLANKS);
    }
}
