//! Modules that call scripts, at `http://NAME.script.mik.internal/`.

use super::*;

const SCRIPTS: [(&str, &str); 4] = [
    (
        "told.js",
        "export default (input, host) => ({ path: host.request.path, query: host.request.query });",
    ),
    // Asks a module that asks this script, and so on; says where it ended.
    (
        "loop.js",
        "export default async (_, host) => {
           const url = encodeURIComponent('http://loop.script.mik.internal/');
           try {
             const { status, body } = await host.call('upstream', { path: `/?url=${url}` });
             return { status, body: typeof body === 'string' ? body : { below: body } };
           } catch (error) {
             return { status: 200, body: { code: error.code } };
           }
         };",
    ),
    // The same, without looking at what comes.
    (
        "blind.js",
        "export default { async fetch(_, env) {
           return env.recurse.fetch('/?depth=1&name=blind.script');
         } };",
    ),
    (
        "slow.js",
        "export default async (_, host) => (await host.call('sleep', { path: '/?for_ever=1' })).status;",
    ),
];

fn start(orchestrator: &str, config: &str) -> Mik {
    let config = format!(
        "{config}[middleware.breaker]\nenabled = false\n\
         [modules.upstream]\nallowed_hosts = [\"*.script.mik.internal\"]\ntimeout = \"1s\"\n\
         [modules.recurse]\nallowed_hosts = [\"*.mik.internal\"]\n"
    );
    let guests = ["upstream", "recurse", "sleep", "inspect"];
    setup(orchestrator, &guests, &SCRIPTS, &config).guest("upstream", "denied").start()
}

fn through(module: &str, url: &str) -> String {
    format!("/run/{module}/?url={}", escaped(url))
}

#[test]
fn a_module_calls_a_script() {
    on_each("scripts that modules call", |orchestrator, cases| {
        let mik = start(orchestrator, "");
        cases.case(&mik, "one that may", || {
            let target = through("upstream", "http://told.script.mik.internal/a/b?c=d");
            gives(get(&mik, &target), 200, &json!({ "path": "/a/b", "query": { "c": "d" } }))
        });
        cases.case(&mik, "one that may not", || {
            let mark = mik.log().mark();
            let answer = get(&mik, &through("denied", "http://told.script.mik.internal/"))?;
            if answer.status() != 502 || !answer.text().contains("Denied") {
                return Err(format!("expected a denial, got {answer}"));
            }
            logs(&mik, mark, &["allowed_hosts", "told.script.mik.internal"]).map(drop)
        });
        cases.case(&mik, "one that is not there", || {
            let answer = get(&mik, &through("upstream", "http://nobody.script.mik.internal/"))?;
            if matches!(answer.status(), 404 | 502) { Ok(()) } else { Err(answer.to_string()) }
        });
        cases.case(&mik, "the time of the caller holds", || {
            let answer = get(&mik, &through("upstream", "http://slow.script.mik.internal/"))?;
            if matches!(answer.status(), 502 | 504) { Ok(()) } else { Err(answer.to_string()) }
        });
    });
}

#[test]
fn depth_is_counted() {
    on_each("how deep scripts and modules may nest", |orchestrator, cases| {
        let mik = start(orchestrator, "");
        cases.case(&mik, "a script and a module for ever", || {
            failed_with(&get(&mik, "/script/blind")?, 508, "loop")
                .or_else(|_| same("the status", get(&mik, "/script/blind")?.status(), 508))
        });
        // So deep that it is the script whose call is the one too many.
        let mik = start(orchestrator, "[server.limits]\ndepth = 7\n");
        cases.case(&mik, "a script knows", || {
            let answer = get(&mik, "/script/loop")?;
            let mut told = answer.json();
            let mut scripts = 1;
            while !told["below"].is_null() {
                told = told["below"].take();
                scripts += 1;
            }
            same("the end", told, json!({ "code": "LOOP_DETECTED" }))
                .map_err(|failure| format!("{failure}: {answer}"))?;
            // Scripts at the depths 1, 3, 5 and 7.
            same("the scripts on the way", scripts, 4)
        });
    });
}
