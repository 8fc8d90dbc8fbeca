//! Matching patterns, in time that grows with the length of the text alone.

/// A regular expression, compiled by the macro that read it.
///
/// It is of the kind that JSON Schema recommends: a part of ECMA-262, found anywhere in the text unless `^` and `$` say
/// otherwise.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    steps: &'static [Step],
    ranges: &'static [(char, char)],
}

/// A step of the program that a pattern is.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The next character is this one.
    Character(char),
    /// The next character is in one of the ranges from the first index to before the second one.
    Ranges(u16, u16),
    /// On at both places.
    Fork(u16, u16),
    /// On at another place.
    Jump(u16),
    /// Only where the text begins.
    Start,
    /// Only where the text ends.
    End,
    /// The text matches.
    Match,
}

impl Pattern {
    /// What the macro compiles a pattern to.
    #[doc(hidden)]
    pub const fn new(
        source: &'static str,
        steps: &'static [Step],
        ranges: &'static [(char, char)],
    ) -> Self {
        Self { source, steps, ranges }
    }

    /// The pattern as it was written.
    pub const fn source(&self) -> &'static str {
        self.source
    }

    /// Is it found in the text?
    pub fn is_match(&self, text: &str) -> bool {
        let mut now = Places::new(self.steps.len());
        let mut then = Places::new(self.steps.len());
        let mut characters = text.chars();
        let mut is_start = true;
        loop {
            let next = characters.next();
            // It may begin at each character.
            if now.reach(self.steps, 0, is_start, next.is_none()) {
                return true;
            }
            let Some(character) = next else { return false };
            let is_end = characters.as_str().is_empty();
            then.clear();
            for at in now.list.iter() {
                if self.takes(*at, character) && then.reach(self.steps, at + 1, false, is_end) {
                    return true;
                }
            }
            std::mem::swap(&mut now, &mut then);
            is_start = false;
        }
    }

    fn takes(&self, at: u16, character: char) -> bool {
        match self.steps.get(usize::from(at)) {
            Some(Step::Character(expected)) => character == *expected,
            Some(Step::Ranges(from, to)) => {
                let ranges =
                    self.ranges.get(usize::from(*from)..usize::from(*to)).unwrap_or_default();
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&character))
            }
            _ => false,
        }
    }
}

/// The steps at which the program is at the same time: each at most once, which bounds the work.
struct Places {
    /// Those that take a character.
    list: Vec<u16>,
    is_reached: Vec<bool>,
    pending: Vec<u16>,
}

impl Places {
    fn new(steps: usize) -> Self {
        Self { list: Vec::new(), is_reached: vec![false; steps], pending: Vec::new() }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.is_reached.fill(false);
    }

    /// Adds a step, and all that it leads to without a character. `true`: that is a match.
    fn reach(&mut self, steps: &[Step], at: u16, is_start: bool, is_end: bool) -> bool {
        self.pending.push(at);
        while let Some(at) = self.pending.pop() {
            let (Some(step), Some(is_reached)) =
                (steps.get(usize::from(at)), self.is_reached.get_mut(usize::from(at)))
            else {
                continue;
            };
            if std::mem::replace(is_reached, true) {
                continue;
            }
            match *step {
                Step::Character(_) | Step::Ranges(..) => self.list.push(at),
                Step::Fork(one, other) => self.pending.extend([one, other]),
                Step::Jump(to) => self.pending.push(to),
                Step::Start if is_start => self.pending.push(at + 1),
                Step::End if is_end => self.pending.push(at + 1),
                Step::Start | Step::End => {}
                Step::Match => return true,
            }
        }
        false
    }
}
