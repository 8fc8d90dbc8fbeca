//! Row 38: scripts that take too much time, memory or stack, while an innocent one is answered.

use std::time::Instant;

use super::*;

/// The time of scripts that misbehave; the innocent one has the usual time.
const TIME: &str = "300ms";
/// Ten times what such an answer may take.
const LATE: Duration = Duration::from_millis(4_000);

const TIMEOUT: (u16, &str) = (504, "timeout");
const EXCEPTION: (u16, &str) = (500, "exception");
const MEMORY: (u16, &str) = (500, "memory");
const NOTHING: (u16, &str) = (500, "no-response");

/// A name, a source, and the failures that it may be answered with.
type Input = (&'static str, &'static str, &'static [(u16, &'static str)]);

/// What every orchestrator answers in time. What takes memory is for those that can refuse it.
const ANY: [Input; 9] = [
    ("spins", "export default () => { while (1); };", &[TIMEOUT]),
    ("recursion", "export default () => { const f = () => f() + 1; return f(); };", &[EXCEPTION]),
    (
        "recursion-caught",
        "export default () => { const f = () => { try { f(); } finally { f(); } }; f(); };",
        &[EXCEPTION, TIMEOUT],
    ),
    ("never", "export default () => new Promise(() => {});", &[NOTHING]),
    (
        "never-with-a-timer",
        "export default () => new Promise(() => setTimeout(() => {}, 1e9));",
        &[TIMEOUT],
    ),
    (
        "waits",
        "export default async (_, host) => (await host.call('sleep', { path: '/?for_ever=1' })).body;",
        &[TIMEOUT],
    ),
    ("jobs", "export default async () => { for (;;) await 0; };", &[TIMEOUT]),
    (
        "jobs-that-catch",
        "export default async () => { for (;;) try { await 0; null.x; } catch {} };",
        &[TIMEOUT],
    ),
    ("cyclic", "export default () => { const a = {}; a.a = a; return a; };", &[NOTHING]),
];

/// What only one that caps memory and can interrupt answers so.
const CAPPED: [Input; 14] = [
    (
        "repeat",
        "export default () => { const all = []; for (;;) all.push('a'.repeat(2 ** 29)); };",
        &[MEMORY],
    ),
    (
        "repeat-caught",
        "export default () => { const all = []; for (;;) try { all.push('a'.repeat(2 ** 29)); } catch {} };",
        &[TIMEOUT, MEMORY],
    ),
    (
        "array",
        "export default () => { const all = []; for (;;) all.push({}); };",
        &[MEMORY, TIMEOUT],
    ),
    ("buffer", "export default () => new ArrayBuffer(2 ** 30).byteLength;", &[MEMORY]),
    (
        "join",
        "export default () => Array(2 ** 24).join('abcdefgh').length;",
        &[MEMORY, EXCEPTION, TIMEOUT],
    ),
    (
        "result",
        "export default () => 'x'.repeat(2 ** 25) + 'y'.repeat(2 ** 25);",
        &[MEMORY, EXCEPTION, TIMEOUT],
    ),
    ("regex", "export default () => /^(a+)+$/.test('a'.repeat(40) + 'b');", &[TIMEOUT, EXCEPTION]),
    (
        "regex-backtrack",
        "export default () => /(x+x+)+y/.test('x'.repeat(5000));",
        &[TIMEOUT, EXCEPTION],
    ),
    (
        "sort",
        "export default () => { for (;;) Array.from({ length: 1e5 }, Math.random).sort(); };",
        &[TIMEOUT],
    ),
    (
        "catch-all",
        "export default () => { for (;;) try { for (;;); } catch {} finally {} };",
        &[TIMEOUT],
    ),
    (
        "timers",
        "export default async () => { for (let at = 0; at < 1e6; at++) setTimeout(() => {}, 1e6); await new Promise(() => {}); };",
        &[EXCEPTION, TIMEOUT, MEMORY],
    ),
    // Another module than that of the innocent: both would share the calls that it may have in flight.
    (
        "calls",
        "export default async (_, host) => { const calls = []; for (;;) calls.push(host.call('sleep', { path: '/?ms=1' })); };",
        &[EXCEPTION, TIMEOUT, MEMORY],
    ),
    (
        "deep-json",
        "export default () => { let a = []; for (let at = 0; at < 1e6; at++) a = [a]; return a; };",
        &[EXCEPTION, MEMORY, NOTHING, TIMEOUT],
    ),
    ("getters", "export default () => ({ get a() { for (;;); } });", &[TIMEOUT]),
];

/// A builtin that asks nobody whether it may go on, for an hour.
const UNPOLLED: Input = (
    "unpolled",
    "export default () => 'a'.repeat(2 ** 24).indexOf('a'.repeat(2 ** 23) + 'b');",
    &[TIMEOUT],
);

fn start(orchestrator: &str, inputs: &[Input]) -> Mik {
    let files: Vec<_> =
        inputs.iter().map(|(name, text, _)| (format!("{name}.js"), *text)).collect();
    let scripts: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let tables: String = inputs
        .iter()
        .map(|(name, ..)| format!("[scripts.{name}]\ntimeout = \"{TIME}\"\n"))
        .collect();
    setup(orchestrator, &["sleep"], &scripts, &tables).start()
}

/// The script is answered with one of these, in time.
fn holds(mik: &Mik, (name, _, expected): &Input) -> Outcome {
    let started = Instant::now();
    let answer = get(mik, &format!("/script/{name}"))?;
    let took = started.elapsed();
    let told = (answer.status(), answer.kind().unwrap_or_default());
    if !expected.contains(&told) {
        return Err(format!("expected one of {expected:?}, got {answer}"));
    }
    mik_conformance::problem(&answer)?;
    if took > LATE { Err(format!("after {took:?}")) } else { Ok(()) }
}

#[test]
fn row_38_what_every_orchestrator_answers_in_time() {
    on_each("row 38", |orchestrator, cases| {
        // One that a thread is lost to comes last.
        let mut inputs = ANY.to_vec();
        inputs.rotate_left(1);
        let mik = start(orchestrator, &inputs);
        for input in &inputs {
            cases.case(&mik, input.0, || {
                // Twice: what the first one leaves must not harm the second.
                let times = if input.0 == "spins" { 1 } else { 2 };
                (0..times).try_for_each(|_| holds(&mik, input))
            });
        }
        same("the status", mik.health()["status"].clone(), json!("ready")).expect("it is well");
    });
}

#[test]
fn row_38_memory_regular_expressions_and_builtins() {
    let mut cases = Cases::of("row 38, where memory is capped");
    let inputs = [&CAPPED[..], &[UNPOLLED]].concat();
    let mik = start("rquickjs", &inputs);
    for input in &inputs {
        mik.case_beside(&mut cases, input.0, &INNOCENTS, || {
            let times = if input.0 == UNPOLLED.0 { 1 } else { 2 };
            (0..times).try_for_each(|_| holds(&mik, input))
        });
    }
    cases.finish();
}

#[test]
fn row_38_memory_is_what_a_first_run_left() {
    on_each("row 38, memory", |orchestrator, cases| {
        let quick = |input: &&Input| !matches!(input.0, "spins" | "waits" | "never-with-a-timer");
        let capped = CAPPED[..1].iter().chain(&CAPPED[2..6]).filter(|_| orchestrator != "boa");
        let inputs: Vec<_> = ANY.iter().filter(quick).chain(capped).copied().collect();
        let mik = start(orchestrator, &inputs);
        let round = || {
            for _ in 0..4 {
                inputs.iter().for_each(|(name, ..)| drop(mik.get(&format!("/script/{name}"))));
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

#[test]
fn time_on_the_processor_is_limited_by_itself() {
    on_each("cpu", |orchestrator, cases| {
        let scripts = [
            // On the processor for longer than it may be, in pieces.
            (
                "works.js",
                "export default async (_, host) => {
                   for (;;) {
                     const end = performance.now() + 40;
                     while (performance.now() < end);
                     await host.call('hello');
                   }
                 };",
            ),
            // Waits for longer than it may work.
            (
                "waits.js",
                "export default async (_, host) => (await host.call('sleep', { path: '/?ms=1500' })).body;",
            ),
        ];
        let config = "[scripts.works]\ncpu = \"200ms\"\n[scripts.waits]\ncpu = \"500ms\"\n";
        let mik = setup(orchestrator, &["sleep"], &scripts, config).start();
        cases.case(&mik, "one that works", || {
            let started = Instant::now();
            fails(get(&mik, "/script/works"), 504, "timeout")?;
            // The usual time to the head is half a minute.
            let took = started.elapsed();
            if took < Duration::from_secs(10) { Ok(()) } else { Err(format!("after {took:?}")) }
        });
        cases.case(&mik, "one that waits", || {
            gives(get(&mik, "/script/waits"), 200, &json!("slept 1500\n"))
        });
    });
}

#[test]
fn the_log_of_one_run_is_limited() {
    on_each("log", |orchestrator, cases| {
        let text = "export default () => {
            for (let at = 0; at < 20000; at++) console.log('a line of the flood', at);
            return 'done';
        };";
        let config = "log = \"10KiB\"\n";
        let mik = setup(orchestrator, &[], &[("floods.js", text)], config).start();
        cases.case(&mik, "a flood", || {
            let mark = mik.log().mark();
            gives(get(&mik, "/script/floods"), 200, &json!("done"))?;
            logs(&mik, mark, &["WARN", "log truncated"])?;
            let lines = mik.log().since(mark);
            let lines = lines.iter().filter(|line| line.contains("of the flood")).count();
            if lines < 600 { Ok(()) } else { Err(format!("{lines} lines")) }
        });
    });
}
