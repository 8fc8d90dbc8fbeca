//! Row 38: what scripts that take too much leave behind. That each is answered in time is a case of the suite.

use super::*;

/// What every orchestrator stops by itself.
const ANY: [(&str, &str); 6] = [
    ("recursion.js", "export default () => { const f = () => f() + 1; return f(); };"),
    (
        "recursion-caught.js",
        "export default () => { const f = () => { try { f(); } finally { f(); } }; f(); };",
    ),
    ("never.js", "export default () => new Promise(() => {});"),
    ("jobs.js", "export default async () => { for (;;) await 0; };"),
    (
        "jobs-that-catch.js",
        "export default async () => { for (;;) try { await 0; null.x; } catch {} };",
    ),
    ("cyclic.js", "export default () => { const a = {}; a.a = a; return a; };"),
];

/// What only one that caps memory can be asked.
const CAPPED: [(&str, &str); 5] = [
    (
        "repeat.js",
        "export default () => { const all = []; for (;;) all.push('a'.repeat(2 ** 29)); };",
    ),
    ("array.js", "export default () => { const all = []; for (;;) all.push({}); };"),
    ("buffer.js", "export default () => new ArrayBuffer(2 ** 30).byteLength;"),
    ("join.js", "export default () => Array(2 ** 24).join('abcdefgh').length;"),
    ("result.js", "export default () => 'x'.repeat(2 ** 25) + 'y'.repeat(2 ** 25);"),
];

#[test]
fn row_38_memory_is_what_a_first_run_left() {
    on_each("row 38, memory", |orchestrator, cases| {
        let capped = CAPPED.iter().filter(|_| orchestrator != "boa");
        let scripts: Vec<_> = ANY.iter().chain(capped).copied().collect();
        let names: Vec<_> = scripts.iter().map(|(file, _)| file.trim_end_matches(".js")).collect();
        let tables: String =
            names.iter().map(|name| format!("[scripts.{name}]\ntimeout = \"300ms\"\n")).collect();
        let mik = setup(orchestrator, &[], &scripts, &tables).start();
        let round = || {
            for _ in 0..4 {
                names.iter().for_each(|name| drop(mik.get(&format!("/script/{name}"))));
                (0..20).for_each(|_| drop(mik.get("/script/innocent")));
            }
        };
        (0..2).for_each(|_| round());
        let first = mik.memory();
        (0..4).for_each(|_| round());
        let grown = mik.memory().saturating_sub(first) >> 10;
        let outcome = if grown < 24 { Ok(()) } else { Err(format!("{grown} MiB more are held")) };
        cases.note("after four more identical rounds", outcome);
    });
}
