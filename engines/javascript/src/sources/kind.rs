//! What a script may be made of, told by the ends of names.

use super::specifier::Refusal;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    JavaScript,
    TypeScript,
    Json,
}

/// The ends of names that may be left out in an import elsewhere, in the order in which they are proposed.
pub(super) const ENDS: [&str; 5] = ["ts", "js", "mts", "mjs", "json"];

impl Kind {
    /// The kind of a file of that name.
    ///
    /// # Errors
    /// What is wrong with such a name, and what to do.
    pub(super) fn of(name: &str) -> Result<Self, Refusal> {
        let file = name.rsplit('/').next().unwrap_or(name);
        let end = file.rsplit_once('.').map_or("", |(_, end)| end);
        if [".d.ts", ".d.mts", ".d.cts"].iter().any(|types| file.ends_with(types)) {
            let help = "write `import type`, which is gone when the script runs";
            return Err(Refusal { reason: format!("`{name}` has types only"), help });
        }
        let help = match end {
            "js" | "mjs" => return Ok(Self::JavaScript),
            "ts" | "mts" => return Ok(Self::TypeScript),
            "json" => return Ok(Self::Json),
            "cjs" | "cts" => "CommonJS is not understood: make it an ES module with `export`",
            "jsx" | "tsx" => "JSX is not understood: compile it first",
            "wasm" => "put it into the modules folder, and call it as a module",
            "" => "an import names the whole file, with its end: .js, .mjs, .ts, .mts or .json",
            _ => "a script is made of .js, .mjs, .ts, .mts and .json files",
        };
        Err(Refusal { reason: format!("`{name}` is no file that a script can be made of"), help })
    }
}
