//! The scripts that are measured, and the cases that compare them with direct calls.

use std::fs;
use std::io;
use std::path::Path;

use mik_conformance::orchestrators;

use crate::Case;
use crate::sides::{Chain, Kind, Side};

/// How the names of cases begin that compare scripts with what they call.
pub(crate) const SCRIPT: &str = "script";

/// What a script does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// So many calls, one after the other.
    Sequence(u32),
    /// So many at the same time.
    Parallel(u32),
    /// No call, but a lot of text to be compiled. Asked for the first time, or after that.
    Text { first: bool },
}

/// Functions of each imported file, of which there are [`FILES`].
const FUNCTIONS: usize = 100;
const FILES: usize = 5;

impl Work {
    /// Calls of a module that one run makes.
    pub(crate) fn calls(self) -> u32 {
        match self {
            Self::Sequence(calls) | Self::Parallel(calls) => calls,
            Self::Text { .. } => 0,
        }
    }

    /// Bytes of the answer: `hello` says 16, which are 19 as JSON.
    pub(crate) fn answer(self) -> usize {
        match self {
            Self::Text { .. } => FUNCTIONS.to_string().len(),
            _ => 1 + 20 * self.calls() as usize,
        }
    }

    /// The project's configuration of scripts.
    pub(crate) fn config(orchestrator: &str, reuse: bool) -> String {
        let trusted = orchestrator == "boa";
        let reuse = if reuse { 1_000 } else { 1 };
        format!(
            "[orchestrator]\nname = \"{orchestrator}\"\nreuse = {reuse}\ntrusted_scripts = {trusted}\n"
        )
    }

    /// Writes the script `work`, and another one: a lone script would be compiled at the start.
    pub(crate) fn write(self, scripts: &Path) -> io::Result<()> {
        fs::create_dir_all(scripts.join("lib"))?;
        fs::write(scripts.join("other.js"), "export default () => null;\n")?;
        fs::write(scripts.join("work.js"), self.text())?;
        if let Self::Text { .. } = self {
            for file in 0..FILES {
                fs::write(scripts.join(format!("lib/part{file}.js")), part())?;
            }
        }
        Ok(())
    }

    fn text(self) -> String {
        match self {
            Self::Sequence(calls) => format!(
                "export default async (_, host) => {{\n  const bodies = [];\n  \
                 for (let at = 0; at < {calls}; at++) bodies.push((await host.call(\"hello\")).body);\n  \
                 return bodies;\n}};\n"
            ),
            Self::Parallel(calls) => format!(
                "export default async (_, host) => {{\n  \
                 const calls = Array.from({{ length: {calls} }}, () => host.call(\"hello\"));\n  \
                 return (await Promise.all(calls)).map((answer) => answer.body);\n}};\n"
            ),
            Self::Text { .. } => {
                let imports = (0..FILES).map(|file| {
                    format!("import {{ all as all{file} }} from \"./lib/part{file}.js\";\n")
                });
                let imports: String = imports.collect();
                format!("{imports}export default () => all0.length;\n")
            }
        }
    }
}

/// A file of functions as people write them, about 200 bytes each.
fn part() -> String {
    let mut text = String::from("export const all = [];\n");
    for number in 0..FUNCTIONS {
        text += &format!(
            "function price{number}(items, rate) {{\n  \
             const sum = items.reduce((sum, item) => sum + item.price * item.quantity, {number});\n  \
             if (sum > 100) return {{ sum, tax: Math.round(sum * rate), free: true }};\n  \
             return {{ sum, tax: 0, free: false }};\n}}\nall.push(price{number});\n"
        );
    }
    text
}

/// Scripts beside direct calls of the module that they call.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name, unit, sides| Case { name, unit, guest: "hello", query: "", sides };
    vec![
        case("script, one call", "req/s", sides(Work::Sequence(1))),
        case("script, three calls", "req/s", sides(Work::Sequence(3))),
        case("script, ten parallel calls", "req/s", sides(Work::Parallel(10))),
        case("script, 100 KiB of text", "ms", texts()),
    ]
}

fn sides(work: Work) -> Vec<Side> {
    let mut sides = vec![Side::new("direct", Kind::Mik { reuse: false, chain: Chain::Default })];
    for orchestrator in orchestrators() {
        // Boa has nothing to use again.
        for reuse in [false, true].into_iter().take(if *orchestrator == "boa" { 1 } else { 2 }) {
            let name = match (*orchestrator, reuse) {
                ("rquickjs", true) => "rquickjs, reuse 1000",
                (name, _) => name,
            };
            sides.push(Side::new(name, Kind::Script { orchestrator, reuse, work }));
        }
    }
    sides
}

fn texts() -> Vec<Side> {
    let side = |orchestrator: &'static str, first: bool| {
        let name = match (orchestrator, first) {
            ("boa", true) => "boa, first request",
            ("boa", false) => "boa, later ones",
            (_, true) => "rquickjs, first request",
            (_, false) => "rquickjs, later ones",
        };
        Side::new(name, Kind::Script { orchestrator, reuse: false, work: Work::Text { first } })
    };
    orchestrators().iter().flat_map(|name| [side(name, true), side(name, false)]).collect()
}
