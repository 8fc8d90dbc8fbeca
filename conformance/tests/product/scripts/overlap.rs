//! Calls at the same time really are, and those one after the other are not. What tells is how many calls
//! are in flight, not the time that they take.

use std::thread;

use super::*;

/// Scripts that make three calls; those of the first two do not overlap.
const SCRIPTS: [(&str, &str); 7] = [
    (
        "sequence.js",
        "export default async (_, host) => {
           const texts = [];
           for (let at = 0; at < 3; at++) texts.push((await host.call('sleep', { path: '/?ms=400' })).body);
           return texts;
         };",
    ),
    (
        "web-sequence.js",
        "export default { async fetch(_, env) {
           const texts = [];
           for (let at = 0; at < 3; at++) texts.push(await (await env.sleep.fetch('/?ms=400')).text());
           return Response.json(texts);
         } };",
    ),
    (
        "promises.js",
        "export default async (_, host) => {
           const call = () => host.call('sleep', { path: '/?ms=400' });
           const answers = await Promise.all([call(), call(), call()]);
           return answers.map((answer) => answer.body);
         };",
    ),
    (
        "web-promises.js",
        "export default { async fetch(_, env) {
           const text = async () => (await env.sleep.fetch('/?ms=400')).text();
           return Response.json(await Promise.all([text(), text(), text()]));
         } };",
    ),
    (
        "begun-first.js",
        "export default async (_, host) => {
           const calls = [1, 2, 3].map(() => host.call('sleep', { path: '/?ms=400' }));
           const texts = [];
           for (const call of calls) texts.push((await call).body);
           return texts;
         };",
    ),
    (
        "host-all.js",
        "export default async (_, host) => {
           const sleep = ['sleep', { path: '/?ms=400' }];
           const all = await host.all({ a: sleep, b: sleep, c: () => host.call(...sleep) });
           return Object.values(all).map((answer) => answer.body);
         };",
    ),
    (
        "later.js",
        "export default async (_, host) => {
           await host.call('hello');
           const sleep = ['sleep', { path: '/?ms=400' }];
           return (await host.all([sleep, sleep, sleep])).map((answer) => answer.body);
         };",
    ),
];

/// The most calls that were in flight at once while the script ran.
fn most_in_flight(mik: &Mik, script: &str) -> Result<u64, String> {
    let target = format!("/script/{script}");
    thread::scope(|scope| {
        let asked = scope.spawn(|| get(mik, &target));
        let mut most = 0;
        while !asked.is_finished() {
            most = most.max(mik.in_flight().unwrap_or_default());
        }
        let slept = "slept 400\n";
        let answer = asked.join().map_err(|_| "the client panicked".to_owned())?;
        gives(answer, 200, &json!([slept, slept, slept]))?;
        Ok(most)
    })
}

#[test]
fn calls_overlap_where_the_script_says_so() {
    on_each("calls at the same time", |orchestrator, cases| {
        let mik = setup(orchestrator, &["sleep"], &SCRIPTS, "").start();
        for (file, _) in SCRIPTS {
            let script = file.trim_end_matches(".js");
            // The script, and what it calls.
            let expected = if script.ends_with("sequence") { 2 } else { 4 };
            cases.lone_case(&mik, script, || {
                same("the most in flight at once", most_in_flight(&mik, script)?, expected)
            });
        }
    });
}

#[test]
fn one_script_does_not_wait_for_another() {
    on_each("scripts at the same time", |orchestrator, cases| {
        // A script that waits for its calls holds up nobody.
        let mik = setup(orchestrator, &["sleep"], &SCRIPTS, "").start();
        cases.lone_case(&mik, "20 that wait", || {
            get(&mik, "/script/promises")?;
            let mut all: Vec<_> = (0..20).map(|_| mik.connect()).collect();
            for raw in &mut all {
                let sent = raw.send(request("GET", "/script/promises", &[], b""));
                sent.map_err(|error| error.to_string())?;
            }
            let most = eventually(BOUND, || mik.in_flight() >= Some(60));
            for raw in &mut all {
                let answer = raw.response().map_err(|stop| stop.to_string())?;
                same("the status", answer.status(), 200)?;
            }
            if most { Ok(()) } else { Err("they were never at work together".to_owned()) }
        });
    });
}
