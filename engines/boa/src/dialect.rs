//! JavaScript that Boa's parser does not take, in words that it does.

use crate::failure::split;

/// Names for the default export of a script, of which one will be free. They are as long as `default` is with
/// what stands around it, so that nothing moves.
const NAMES: [&str; 3] = ["_default_", "$default$", "default__"];

/// The text of a module that Boa refuses with `message`, written otherwise: lines and columns stay.
///
/// To Boa `export default async` begins a function and nothing else; here it may begin an arrow function.
pub(crate) fn amended(text: &str, message: &str) -> Option<String> {
    let (_, line, column) = split(message)?;
    let (before, _) = text.split_at_checked(offset(text, line, column)?)?;
    let before = before.trim_end().strip_suffix("async")?;
    let end = before.rfind("default")? + "default".len();
    let start = before[..end].rfind("export")?;
    let words = &text[start..end];
    if words.split_whitespace().ne(["export", "default"]) || words.contains('\n') {
        return None;
    }
    let name = NAMES.iter().find(|name| !text.contains(**name))?;
    let assigned = format!("{:1$}", format!("let {name}="), words.chars().count());
    let (head, tail) = (&text[..start], &text[end..]);
    Some(format!("{head}{assigned}{tail}\nexport {{ {name} as default }};"))
}

/// Where a line and a column, from 1, are in a text.
fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
    let start = match line.checked_sub(2) {
        None => 0,
        Some(ends) => text.match_indices('\n').nth(ends)?.0 + 1,
    };
    let letters = text[start..].char_indices().nth(column.checked_sub(1)?);
    Some(letters.map_or(text.len(), |(index, _)| start + index))
}

#[cfg(test)]
mod tests {
    use boa_engine::{Context, Module, Source};

    use super::*;

    /// What Boa says to a module, and to what is made of it.
    fn parse(text: &str) -> Result<(), Option<Result<String, String>>> {
        let context = &mut Context::builder().build().unwrap();
        let mut parse = |text: &str| {
            let parsed = Module::parse(Source::from_bytes(text), None, context);
            parsed.map(drop).map_err(|error| error.as_native().unwrap().message().to_owned())
        };
        parse(text).map_err(|message| {
            let amended = amended(text, &message)?;
            Some(parse(&amended).map(|()| amended))
        })
    }

    #[test]
    fn an_async_arrow_function_may_be_the_default_export() {
        for text in [
            "export default async () => 1",
            "export default async x => x",
            "\n// é\n  export  default /* it */ async (a, { b }) => {\n  await a;\n};\nexport const c = 1;",
            "const a = '_default_';\nexport default async () => a",
        ] {
            let amended = parse(text).unwrap_err().unwrap().unwrap();
            let kept: String = amended.chars().take(text.chars().count()).collect();
            let places = |text: &str| {
                text.find("async").into_iter().chain(text.find("=>")).collect::<Vec<_>>()
            };
            assert_eq!(places(&kept), places(text), "{amended}");
        }
    }

    #[test]
    fn nothing_else_is_touched() {
        for text in ["export default async function () {}", "export default async function* a() {}"]
        {
            assert_eq!(parse(text), Ok(()));
        }
        for text in ["let a = ;", "const f = async 1", "export default async", "async"] {
            assert!(parse(text).is_ok() || parse(text) == Err(None), "{text}");
        }
        // A second mistake is told of as it is.
        assert!(matches!(parse("export default async () => {"), Err(Some(Err(_)))));
    }
}
