//! From a pattern to its program.

use super::{parse, Node, PatternError};

/// How many steps a program may have: what it costs in a component, and a character of a text in time.
const MOST_STEPS: usize = 4096;

/// What the program of a pattern is made of; the same as `mik_sdk::validate::Step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Character(char),
    Ranges(u16, u16),
    Fork(u16, u16),
    Jump(u16),
    Start,
    End,
    Match,
}

/// A program, and the ranges that its steps speak of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    pub(crate) ranges: Vec<(char, char)>,
}

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str) -> Result<Program, PatternError> {
    let node = parse::parse(pattern)?;
    let mut program = Program::default();
    program.node(&node).and_then(|()| program.push(Step::Match)).ok_or_else(|| PatternError {
        message: format!(
            "more than {MOST_STEPS} steps: with fewer repetitions it would be smaller"
        ),
        at: 0,
    })?;
    Ok(program)
}

/// `None` is everywhere: too large.
impl Program {
    fn push(&mut self, step: Step) -> Option<()> {
        self.steps.push(step);
        (self.steps.len() <= MOST_STEPS).then_some(())
    }

    /// The index of the next step.
    fn here(&self) -> u16 {
        // Not more than `MOST_STEPS`.
        self.steps.len() as u16
    }

    fn node(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Empty => Some(()),
            Node::Character(character) => self.push(Step::Character(*character)),
            Node::Class(ranges) => {
                let step = self.class(ranges)?;
                self.push(step)
            }
            Node::Start => self.push(Step::Start),
            Node::End => self.push(Step::End),
            Node::Sequence(nodes) => nodes.iter().try_for_each(|node| self.node(node)),
            Node::Alternatives(nodes) => self.alternatives(nodes),
            Node::Repeat { node, min, max } => {
                for _ in 0..*min {
                    self.node(node)?;
                }
                match max {
                    None => self.any_number(node),
                    Some(max) => self.at_most(node, max - min),
                }
            }
        }
    }

    /// The same class twice is there once.
    fn class(&mut self, ranges: &[(char, char)]) -> Option<Step> {
        let known = self.ranges.windows(ranges.len().max(1)).position(|window| window == ranges);
        let from = known.unwrap_or(self.ranges.len());
        if known.is_none() {
            self.ranges.extend(ranges);
        }
        let to = u16::try_from(from + ranges.len()).ok()?;
        Some(Step::Ranges(from.try_into().ok()?, to))
    }

    /// `one | other | …`: a fork before each but the last, and a jump behind.
    fn alternatives(&mut self, nodes: &[Node]) -> Option<()> {
        let mut jumps = Vec::new();
        for (n, node) in nodes.iter().enumerate() {
            if n + 1 == nodes.len() {
                self.node(node)?;
                continue;
            }
            let fork = self.steps.len();
            self.push(Step::Fork(0, 0))?;
            self.node(node)?;
            jumps.push(self.steps.len());
            self.push(Step::Jump(0))?;
            self.steps[fork] = Step::Fork(fork as u16 + 1, self.here());
        }
        for jump in jumps {
            self.steps[jump] = Step::Jump(self.here());
        }
        Some(())
    }

    fn any_number(&mut self, node: &Node) -> Option<()> {
        let fork = self.steps.len();
        self.push(Step::Fork(0, 0))?;
        self.node(node)?;
        self.push(Step::Jump(fork as u16))?;
        self.steps[fork] = Step::Fork(fork as u16 + 1, self.here());
        Some(())
    }

    fn at_most(&mut self, node: &Node, times: u32) -> Option<()> {
        let mut forks = Vec::new();
        for _ in 0..times {
            forks.push(self.steps.len());
            self.push(Step::Fork(0, 0))?;
            self.node(node)?;
        }
        for fork in forks {
            self.steps[fork] = Step::Fork(fork as u16 + 1, self.here());
        }
        Some(())
    }
}
