//! What `mik new` asks on a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use super::name;
use super::template::{Template, list};

/// How often it asks again before it takes the answers for an accident.
const PATIENCE: usize = 5;

/// Whether somebody is there to answer.
pub(super) fn is_answered() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for the name of the project. `None`: no answer.
pub(super) fn name() -> Option<String> {
    name_from(&mut io::stdin().lock(), &mut io::stderr().lock())
}

/// Asks what to start from. `None`: no answer.
pub(super) fn template() -> Option<Template> {
    template_from(&mut io::stdin().lock(), &mut io::stderr().lock())
}

fn name_from(answers: &mut dyn BufRead, out: &mut dyn Write) -> Option<String> {
    ask("Name of the project: ", answers, out, |answer| match name::check(answer, None) {
        Ok(()) => Ok(answer.to_owned()),
        Err(error) => Err(error.to_string()),
    })
}

fn template_from(answers: &mut dyn BufRead, out: &mut dyn Write) -> Option<Template> {
    let _ = writeln!(out, "What to start from:");
    for (number, line) in (1..).zip(list().lines()) {
        let _ = writeln!(out, "  {number}{line}");
    }
    ask("Number or name [1]: ", answers, out, chosen)
}

fn chosen(answer: &str) -> Result<Template, String> {
    let number = if answer.is_empty() { Some(1) } else { answer.parse::<usize>().ok() };
    if let Some(number) = number {
        let chosen = number.checked_sub(1).and_then(|index| Template::ALL.get(index));
        return chosen.copied().ok_or_else(|| format!("from 1 to {}", Template::ALL.len()));
    }
    let lower = answer.to_lowercase();
    let named = Template::ALL.into_iter().find(|template| template.name() == lower);
    named.ok_or_else(|| {
        let close = Template::ALL
            .into_iter()
            .min_by_key(|template| strsim::damerau_levenshtein(template.name(), &lower))
            .unwrap_or(Template::Rust);
        format!("there is no {answer:?}; did you mean {close}?")
    })
}

/// Asks until an answer is understood.
fn ask<T>(
    question: &str,
    answers: &mut dyn BufRead,
    out: &mut dyn Write,
    understand: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    for _ in 0..PATIENCE {
        let _ = write!(out, "{question}").and_then(|()| out.flush());
        let mut answer = String::new();
        if answers.read_line(&mut answer).unwrap_or(0) == 0 {
            // What comes next is no answer.
            let _ = writeln!(out);
            return None;
        }
        match understand(answer.trim()) {
            Ok(answer) => return Some(answer),
            Err(told) => drop(writeln!(out, "{told}")),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template_of(mut answers: &[u8]) -> (Option<Template>, String) {
        let mut out = Vec::new();
        let template = template_from(&mut answers, &mut out);
        (template, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_template_is_chosen_by_number_by_name_or_by_default() {
        for (answers, template) in [
            ("\n", Template::Rust),
            ("1\n", Template::Rust),
            (" 7 \n", Template::Scripts),
            ("Rust-WASI\n", Template::RustWasi),
            ("ts", Template::Ts),
        ] {
            assert_eq!(template_of(answers.as_bytes()).0, Some(template), "{answers:?}");
        }
        let (_, told) = template_of(b"\n");
        assert!(told.contains("\n  2  rust-wasi  Rust on plain"), "{told}");
        assert!(told.ends_with("[1]: "), "{told}");
    }

    #[test]
    fn it_asks_again_with_a_hint_but_not_for_ever() {
        let (template, told) = template_of(b"0\n8\npyton\n5\n");
        assert_eq!(template, Some(Template::Python));
        assert!(told.contains("from 1 to 7") && told.contains("did you mean python?"), "{told}");
        assert_eq!(template_of(&b"nothing\n".repeat(50)).0, None);
        assert_eq!(template_of(b"").0, None);
    }

    #[test]
    fn a_name_is_checked_as_it_is_given() {
        let mut out = Vec::new();
        let name = name_from(&mut &b"my api\nmy-api\n"[..], &mut out);
        assert_eq!(name.as_deref(), Some("my-api"));
        assert!(String::from_utf8(out).unwrap().contains("for example: my-api"));
    }
}
