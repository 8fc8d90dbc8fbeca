//! A call that the host cannot carry out: what a script knows of it, and what the client does where the
//! script does not care. What a guest itself answers is no failure.

use super::*;

const SCRIPTS: [(&str, &str); 4] = [
    // Makes the same call `times` times at once, and says what each came to.
    (
        "short.js",
        "export default async (_, host) => {
           const { module, path, times = '1', timeout } = host.request.query;
           const options = { path, timeout: timeout === undefined ? undefined : Number(timeout) };
           const told = (error) => [error instanceof Error, error.name, error.code];
           const once = () => host.call(module, options).then((answer) => answer.status, told);
           return Promise.all(Array.from({ length: Number(times) }, once));
         };",
    ),
    (
        "web.js",
        "export default { async fetch(request, env) {
           const query = new URL(request.url).searchParams;
           const { module, path, times = '1', timeout } = Object.fromEntries(query);
           const init = timeout === undefined ? undefined : { timeout: Number(timeout) };
           const told = (error) => [error instanceof Error, error.name, error.code];
           const once = () => env[module].fetch(path, init).then((answer) => answer.status, told);
           return Response.json(await Promise.all(Array.from({ length: Number(times) }, once)));
         } };",
    ),
    (
        "uncaught.ts",
        "interface Host {
           call(module: string, options: { path: string }): Promise<unknown>;
           request: { query: Record<string, string> };
         }
         export default async (_: unknown, host: Host) => ask(host);
         async function ask(host: Host) {
           const { module, path } = host.request.query;
           return await host.call(module, { path });
         }",
    ),
    ("both.js", "export default { fetch: (request, env) => env.trap.fetch('/?how=panic') };"),
];

const CONFIG: &str = r#"
[middleware.breaker]
consecutive = 3
open = "10m"
max_open = "10m"
[modules.broken.breaker]
consecutive = 2
[modules.trap.breaker]
consecutive = 1000
[modules.silent.breaker]
consecutive = 1000
[modules.slow]
timeout = "150ms"
breaker.consecutive = 1000
[modules.single]
concurrency = 1
[modules.rated.rate-limit]
requests = 1
per = "10m"
ring = "call"
key = "module"
"#;

fn start(orchestrator: &str) -> Mik {
    let setup = setup(orchestrator, &["trap", "silent", "sleep"], &SCRIPTS, CONFIG);
    let setup = setup.guest("trap", "broken").guest("sleep", "slow").guest("sleep", "single");
    setup.guest("hello", "rated").start()
}

/// What came of the calls, sorted: statuses, or the codes of errors.
fn outcomes(mik: &Mik, script: &str, query: &str) -> Result<Vec<String>, String> {
    let answer = get(mik, &format!("/script/{script}?{query}"))?;
    let list = answer.json();
    let list = list.as_array().ok_or_else(|| format!("expected a list, got {answer}"))?;
    let told = |one: &Value| match one {
        Value::Number(status) => Ok(status.to_string()),
        Value::Array(error) if error[..2] == [json!(true), json!("CallError")] => {
            Ok(error[2].as_str().unwrap_or("no code").to_owned())
        }
        other => Err(format!("neither a status nor a CallError: {other}")),
    };
    let mut outcomes = list.iter().map(told).collect::<Result<Vec<_>, _>>()?;
    outcomes.sort();
    Ok(outcomes)
}

#[test]
fn a_failed_call_has_a_code() {
    on_each("codes of failed calls", |orchestrator, cases| {
        for script in ["short", "web"] {
            let mik = start(orchestrator);
            for (name, query, expected) in [
                ("a guest that traps", "module=trap&path=/", &["HANDLER_ERROR"][..]),
                ("a guest that says nothing", "module=silent&path=/", &["HANDLER_ERROR"]),
                ("its own time", "module=sleep&path=/%3Ffor_ever=1&timeout=150", &["TIMEOUT"]),
                ("the module's time", "module=slow&path=/%3Ffor_ever=1", &["TIMEOUT"]),
                (
                    "more than may be in flight",
                    "module=single&path=/%3Fms=800&times=3",
                    &["200", "OVERLOADED", "OVERLOADED"],
                ),
                (
                    "more than may be called",
                    "module=rated&path=/&times=2",
                    &["200", "RATE_LIMITED"],
                ),
                (
                    "failures that open a circuit",
                    "module=broken&path=/&times=2",
                    &["HANDLER_ERROR", "HANDLER_ERROR"],
                ),
                ("an open circuit", "module=broken&path=/", &["CIRCUIT_OPEN"]),
                ("a status is no failure", "module=trap&path=/%3Fhow=other", &["400"]),
            ] {
                cases.case(&mik, &format!("{script}: {name}"), || {
                    same("the outcome", outcomes(&mik, script, query)?, owned(expected))
                });
            }
        }
        let mik = start(orchestrator);
        cases.case(&mik, "short: no such module", || {
            for name in ["nobody", "", "..", "hello.mik.internal", "HELLO", "innocent.script"] {
                let query = format!("module={name}&path=/");
                same(name, outcomes(&mik, "short", &query)?, owned(&["MODULE_NOT_FOUND"]))?;
            }
            match Page::of(&mik).text().contains("nobody") {
                false => Ok(()),
                true => Err("a name that is none is on the page of metrics".to_owned()),
            }
        });
    });
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn one_that_nobody_catches_is_a_bad_gateway() {
    on_each("uncaught failures of calls", |orchestrator, cases| {
        let mik = start(orchestrator);
        for (name, module, code) in
            [("a trap", "trap", "HANDLER_ERROR"), ("no module", "nobody", "MODULE_NOT_FOUND")]
        {
            cases.case(&mik, name, || {
                let mark = mik.log().mark();
                let target = format!("/script/uncaught?module={module}&path=/charge%3Fcard=secret");
                let answer = get(&mik, &target)?;
                failed_with(&answer, 502, "bad-gateway")?;
                if answer.text().contains(module) || answer.text().contains("HANDLER") {
                    return Err(format!("the client is told too much: {answer}"));
                }
                // Which call it was, without its query, and where the script has made it.
                let call = format!("GET {module}/charge\"");
                let line = logs(&mik, mark, &["ERROR", code, &call, "uncaught.ts:8"])?;
                let id = answer.json()["instance"].as_str().unwrap_or("none").to_owned();
                match (line.contains(&id), line.contains("secret")) {
                    (true, false) => Ok(()),
                    _ => Err(format!("without the id {id}, or with the query: {line}")),
                }
            });
        }
        cases.case(&mik, "in the other form", || {
            fails(get(&mik, "/script/both"), 502, "bad-gateway")
        });
    });
}
