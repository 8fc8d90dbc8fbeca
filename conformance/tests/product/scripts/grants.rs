//! What a script may see and call, and that it reaches nothing else.

use mik_conformance::SECRET;

use super::*;

const SCRIPTS: [(&str, &str); 5] = [
    (
        "short.js",
        "export default async (_, host) => ({
           env: host.env,
           calls: await Promise.all(['hello', 'inspect'].map((name) =>
             host.call(name).then((answer) => answer.status, (error) => error.code))),
         });",
    ),
    (
        "web.js",
        "export default { async fetch(_, env) {
           return Response.json({
             names: Object.keys(env).sort(), greeting: env.GREETING, secret: env.TOKEN,
             none: [env.NOTHING === undefined, env.inspect === undefined, 'inspect' in env],
             status: (await env.hello.fetch('/')).status,
           });
         } };",
    ),
    (
        // Whatever other runtimes have for reaching out.
        "out.js",
        "export default async (_, host) => {
           const names = ['process', 'Deno', 'Bun', 'require', 'module', 'XMLHttpRequest', 'WebSocket',
             'importScripts', 'os', 'std', 'native', 'print', 'load', 'scriptArgs', 'WebAssembly', 'Worker'];
           const tried = async (attempt) => {
             try { await attempt(); return 'done'; } catch { return 'refused'; }
           };
           return {
             there: names.filter((name) => name in globalThis),
             fetch: await tried(() => fetch('http://example.com/')),
             inside: await tried(() => fetch('http://inspect.mik.internal/')),
             import: await tried(() => import('../mik.toml')),
             host: await tried(() => host.call('example.com')),
           };
         };",
    ),
    // It must not find what it could ask the host with.
    (
        "stack.js",
        "let seen = [];
         Error.prepareStackTrace = (_, sites) => { seen.push(...sites.map((site) => typeof site.getFunction?.())); };
         export default async (_, host) => {
           await host.call('nobody').catch(() => {});
           try { null.x; } catch (error) { error.stack; }
           return seen.filter((kind) => kind === 'function').length;
         };",
    ),
    ("all.js", "export default (_, host) => Object.keys(host.env);"),
];

const CONFIG: &str = r#"
[scripts.short]
modules = ["hello"]
env = { GREETING = "hi", TOKEN = { from = "OF_THE_TEST" } }
[scripts.web]
modules = ["hello"]
env = { GREETING = "hi", TOKEN = { from = "OF_THE_TEST" } }
"#;

#[test]
fn a_script_has_what_its_table_says() {
    on_each("grants", |orchestrator, cases| {
        let setup =
            setup(orchestrator, &["inspect"], &SCRIPTS, CONFIG).env("OF_THE_TEST", "s3cret");
        let mik = setup.start();
        cases.case(&mik, "in the short form", || {
            let expected = json!({
                "env": { "GREETING": "hi", "TOKEN": "s3cret" }, "calls": [200, "MODULE_NOT_FOUND"],
            });
            gives(get(&mik, "/script/short"), 200, &expected)
        });
        cases.case(&mik, "in the other form", || {
            let expected = json!({
                "names": ["GREETING", "TOKEN", "hello"], "greeting": "hi", "secret": "s3cret",
                "none": [true, true, false], "status": 200,
            });
            gives(get(&mik, "/script/web"), 200, &expected)
        });
        cases.case(&mik, "one without a table", || {
            let answer = get(&mik, "/script/all")?;
            if answer.text().contains(SECRET.0) {
                return Err("it sees the environment of the host".to_owned());
            }
            gives(Ok(answer), 200, &json!([]))
        });
    });
}

#[test]
fn a_script_reaches_nothing_else() {
    on_each("ways out", |orchestrator, cases| {
        let mik = setup(orchestrator, &["inspect"], &SCRIPTS, "").start();
        cases.case(&mik, "globals and imports", || {
            let expected = json!({
                "there": [], "fetch": "refused", "inside": "refused", "import": "refused", "host": "refused",
            });
            gives(get(&mik, "/script/out"), 200, &expected)
        });
        cases.case(&mik, "functions on the stack", || {
            gives(get(&mik, "/script/stack"), 200, &json!(0))
        });
    });
}

#[test]
fn one_name_for_a_module_and_a_variable_is_refused() {
    on_each("one name for two things", |orchestrator, cases| {
        let config = "[scripts.innocent]\nenv = { hello = \"x\" }\n";
        let checked = setup(orchestrator, &[], &[], config).run(&["check"]);
        let told = ["mik.toml:", "`hello`", "rename one of them"];
        cases.note("at the start", ends(&checked, 1, &told));
        let config = "[scripts.innocent]\nenv = { inspect = \"x\" }\n";
        let mik = setup(orchestrator, &[], &[], config).start();
        cases.lone_case(&mik, "a module that comes later", || {
            gives(
                get(&mik, "/script/innocent"),
                200,
                &json!("Hello from mik! And from a script."),
            )?;
            let inspect = std::fs::read(mik_conformance::guest("inspect")).unwrap_or_default();
            let mark = mik.log().mark();
            mik.replace(&mik.module("inspect"), inspect);
            logs(&mik, mark, &["new file", "inspect"])?;
            let path = mik.path().join("scripts/innocent.js");
            let mark = mik.log().mark();
            mik.replace(&path, INNOCENT.1.replace("And", "and"));
            logs(&mik, mark, &["variable inspect", "module inspect"]).map(drop)
        });
    });
}

#[test]
fn runs_share_nothing_unless_they_are_told_to() {
    let text = "let runs = 0;\nexport default () => { globalThis.seen = (globalThis.seen ?? 0) + 1;\n\
                return [++runs, globalThis.seen]; };";
    on_each("what a run leaves", |orchestrator, cases| {
        for (name, config, last) in
            [("fresh", "", [1, 1]), ("reuse", "[scripts.counts]\nreuse = 1000\n", [5, 5])]
        {
            let mik = setup(orchestrator, &[], &[("counts.js", text)], config).start();
            cases.lone_case(&mik, name, || {
                // Not every orchestrator keeps what it has.
                let last = if orchestrator == "boa" { [1, 1] } else { last };
                let mut raw = mik.connect();
                let mut found = Value::Null;
                for _ in 0..5 {
                    let answer = raw.get("/script/counts").map_err(|stop| stop.to_string())?;
                    found = answer.json();
                    // The one that answers is given back a moment after its answer.
                    std::thread::sleep(Duration::from_millis(20));
                }
                same("the last of five", found, json!(last))
            });
        }
    });
}
