//! The JavaScript that stands between a script and the natives.

use crate::Value;

/// The scheme of the prelude's file names in stack traces.
pub const SCHEME: &str = "mik:";

/// The name of the part that every world begins with.
pub const CORE: &str = "core";

macro_rules! parts {
    ($($name:literal),* $(,)?) => {
        /// The parts by name: each is a script that is one function.
        pub const PARTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("prelude/", $name, ".js")))),*];
    };
}

parts![
    "abort",
    "asked",
    "bodies",
    "clone",
    "console",
    "core",
    "crypto",
    "effects",
    "encoding",
    "env",
    "envelope",
    "errors",
    "events",
    "exception",
    "fetch",
    "fields",
    "group",
    "headers",
    "host",
    "input",
    "inspect",
    "json",
    "options",
    "rare_options",
    "request",
    "response",
    "results",
    "short",
    "stream",
    "stream_body",
    "streaming",
    "timers",
    "url",
    "values",
    "web",
];

/// The globals that scripts find beside those of the language, each with the part that makes it.
const GLOBALS: &[(&str, &str)] = &[
    ("AbortController", "abort"),
    ("AbortSignal", "abort"),
    ("CallError", "errors"),
    ("DOMException", "exception"),
    ("Event", "events"),
    ("EventTarget", "events"),
    ("Headers", "headers"),
    ("ReadableStream", "stream"),
    ("Request", "fetch"),
    ("Response", "fetch"),
    ("TextDecoder", "encoding"),
    ("TextEncoder", "encoding"),
    ("URL", "url"),
    ("URLSearchParams", "url"),
    ("atob", "encoding"),
    ("btoa", "encoding"),
    ("clearInterval", "timers"),
    ("clearTimeout", "timers"),
    ("console", "console"),
    ("crypto", "crypto"),
    ("fetch", "timers"),
    ("performance", "crypto"),
    ("queueMicrotask", "timers"),
    ("setInterval", "timers"),
    ("setTimeout", "timers"),
    ("structuredClone", "clone"),
];

/// With one of these a script may reach a global that its text does not name.
const INDIRECT: [&str; 5] = ["globalThis", "eval", "Function", "constructor", "\\u"];

/// The globals that scripts of these texts can reach, as the prelude takes them: name, part, name … Each that
/// is put in place costs time in every world, so those that nobody names are left out.
pub fn globals(texts: &[&str]) -> Value {
    let names = |word: &str| texts.iter().any(|text| text.contains(word));
    let all = INDIRECT.iter().any(|word| names(word));
    let named = GLOBALS.iter().filter(|(name, _)| all || names(name));
    Value::texts(named.flat_map(|(name, part)| [*name, *part]))
}

/// The source of a part.
pub fn part(name: &str) -> Option<&'static str> {
    PARTS.iter().find(|(part, _)| *part == name).map(|(_, source)| *source)
}

/// The file name of a part, as stack traces show it.
pub fn file(name: &str) -> String {
    format!("{SCHEME}{name}.js")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_gets_the_globals_that_it_can_name() {
        let of = |text: &'static str| globals(&[text]);
        assert_eq!(of("export default () => 1"), Value::List(Vec::new()));
        assert_eq!(of("new URL(x)"), Value::texts(["URL", "url"]));
        let all = Value::texts(GLOBALS.iter().flat_map(|(name, part)| [*name, *part]));
        for text in ["globalThis[name]", "eval(x)", "(() => 1).constructor('x')", "\\u0055RL"] {
            assert_eq!(of(text), all, "{text}");
        }
    }

    #[test]
    fn every_global_has_its_part() {
        assert!(GLOBALS.iter().all(|(_, name)| part(name).is_some()));
        assert!(part(CORE).is_some());
    }
}
