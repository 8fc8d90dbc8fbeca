//! What passes between a script and a module, and what a client and a module see of a script.

use super::*;

const SCRIPTS: [(&str, &str); 8] = [
    (
        "short.js",
        "export default async (input, host) => {
           const { method, path, query, headers } = host.request;
           const seen = await host.call('inspect', {
             method: 'PUT', path: '/a b/ü?x=1', query: { y: [2, 3], z: null }, headers: { 'X-Own': 'é' },
             body: input,
           });
           return { method, path, query, agent: headers['user-agent'], seen: seen.body, ok: seen.ok,
             type: seen.headers['content-type'], id: host.requestId };
         };",
    ),
    (
        "web.js",
        "export default { async fetch(request, env) {
           const url = new URL(request.url);
           const answer = await env.inspect.fetch('/a?b=c', {
             method: 'POST', headers: { 'x-own': 'é' }, body: new URLSearchParams({ a: 'b c' }),
           });
           const seen = await answer.json();
           return Response.json({ url, method: request.method, agent: request.headers.get('user-agent'), seen },
             { status: 202, headers: { 'x-made-by': 'web' } });
         } };",
    ),
    (
        "envelope.js",
        "export default (_, host) => ({
           status: 418, headers: { 'x-one': '1', 'set-cookie': ['a=1', 'b=2'] }, body: 'a text',
         });",
    ),
    (
        "binary.js",
        "export default async (_, host) => {
           const body = new Uint8Array([0, 255, 128, 10]);
           const back = await host.call('echo', { body, as: 'bytes' });
           return { status: 200, body: back.body };
         };",
    ),
    (
        "race.js",
        "export default async (_, host) => {
           const first = await host.race([
             ['sleep', { path: '/?for_ever=1' }],
             ['sleep', { path: '/?ms=20' }],
             (signal) => host.call('sleep', { path: '/?for_ever=1', signal }),
           ]);
           return first.body;
         };",
    ),
    (
        "retry.js",
        "export default async (_, host) => {
           let tries = 0;
           const attempt = () => { tries += 1; return host.call('trap'); };
           const code = await host.retry(attempt, { times: 4, backoff: 1 }).catch((error) => error.code);
           return { tries, code };
         };",
    ),
    (
        "abort.js",
        "export default { async fetch(_, env) {
           const told = (error) => error.name;
           const early = new AbortController();
           const given_up = env.sleep.fetch('/?for_ever=1', { signal: early.signal }).catch(told);
           setTimeout(() => early.abort(), 30);
           const late = env.sleep.fetch('/?for_ever=1', { signal: AbortSignal.timeout(30) }).catch(told);
           const body = (await env.sleep.fetch('/?for_ever=1&after=head')).body;
           await body.cancel();
           return Response.json([await given_up, await late]);
         } };",
    ),
    (
        "log.js",
        "export default (_, host) => {
           console.log('a line of', { a: [1, 'b'] }, 'for', host.request.query.who);
           console.warn('careful'); console.debug('not shown'); host.log('plain');
           return null;
         };",
    ),
];

fn start(orchestrator: &str) -> Mik {
    let config = "[middleware.breaker]\nenabled = false\n";
    setup(orchestrator, &["inspect", "echo", "sleep", "trap"], &SCRIPTS, config).start()
}

/// The value of a field that the guest `inspect` has seen.
fn seen<'a>(report: &'a Value, name: &str) -> Option<&'a str> {
    let headers = report["headers"].as_array()?;
    headers.iter().find(|pair| pair[0] == name).and_then(|pair| pair[1].as_str())
}

#[test]
fn requests_and_answers_pass_as_they_are() {
    on_each("requests and answers", |orchestrator, cases| {
        let mik = start(orchestrator);
        cases.case(&mik, "the short form", || {
            let fields = [
                ("content-type", "application/json"),
                ("user-agent", "a test"),
                ("x-request-id", "id-1"),
            ];
            let answer =
                send(&mik, "POST", "/script/short/deep/er?a=1&b=%20", &fields, "{\"k\":1}")?;
            let told = answer.json();
            let seen_of = |name| seen(&told["seen"], name);
            same("the status", answer.status(), 200)?;
            same("the type", answer.field("content-type"), Some("application/json"))?;
            let asked =
                json!([told["method"], told["path"], told["query"], told["agent"], told["id"]]);
            let expected = json!(["POST", "/deep/er", { "a": "1", "b": " " }, "a test", "id-1"]);
            same("the request", asked, expected)?;
            let called =
                json!([told["seen"]["method"], told["seen"]["path_with_query"], told["ok"]]);
            same("the call", called, json!(["PUT", "/a%20b/%C3%BC?x=1&y=2&y=3", true]))?;
            same("its body", told["seen"]["body_bytes"].clone(), json!(7))?;
            same("its type", seen_of("content-type"), Some("application/json"))?;
            same("its id", seen_of("x-request-id"), Some("id-1"))?;
            // The byte E9 is not UTF-8.
            same("its field", seen_of("x-own"), Some("\u{fffd}"))?;
            same("what the client says of itself", seen_of("user-agent"), None)
        });
        cases.case(&mik, "the other form", || {
            let answer = send(&mik, "GET", "/script/web/x?y=1", &[("user-agent", "a test")], "")?;
            let told = answer.json();
            same("the status", (answer.status(), answer.field("x-made-by")), (202, Some("web")))?;
            let asked = json!([told["url"], told["method"], told["agent"]]);
            same("the request", asked, json!(["http://test/x?y=1", "GET", "a test"]))?;
            let called = json!([told["seen"]["method"], told["seen"]["path_with_query"]]);
            same("the call", called, json!(["POST", "/a?b=c"]))?;
            same("its body", told["seen"]["body_bytes"].clone(), json!("a=b+c".len()))
        });
        cases.case(&mik, "an envelope", || {
            let answer = get(&mik, "/script/envelope")?;
            let cookies: Vec<_> = answer.head.fields.values("set-cookie").collect();
            same("the cookies", cookies, vec!["a=1", "b=2"])?;
            let told = (answer.status(), answer.field("x-one"), answer.text());
            same("the rest", told, (418, Some("1"), "a text".to_owned()))
        });
        cases.case(&mik, "bytes", || {
            same("the body", get(&mik, "/script/binary")?.body, vec![0, 255, 128, 10])
        });
        cases.case(&mik, "HEAD and an unknown script", || {
            let mut raw = mik.connect();
            raw.send(request("HEAD", "/script/envelope", &[], b""))
                .map_err(|error| error.to_string())?;
            let head = raw.response_to("HEAD").map_err(|stop| stop.to_string())?;
            same("HEAD", (head.status(), head.body.len()), (418, 0))?;
            fails(get(&mik, "/script/nobody"), 404, "not-found")
        });
    });
}

#[test]
fn what_is_given_up_ends_at_once() {
    on_each("calls that are given up", |orchestrator, cases| {
        let mik = start(orchestrator);
        cases.case(&mik, "the losers of a race", || {
            gives(get(&mik, "/script/race"), 200, &json!("slept 20\n"))
        });
        cases.case(&mik, "signals", || {
            gives(get(&mik, "/script/abort"), 200, &json!(["AbortError", "TimeoutError"]))
        });
        cases.lone_case(&mik, "a client that leaves", || {
            let mut raw = mik.connect();
            raw.send(request("GET", "/script/race", &[], b""))
                .map_err(|error| error.to_string())?;
            drop(raw);
            Ok(())
        });
    });
}

#[test]
fn calls_of_scripts_are_counted_and_logged() {
    on_each("what is told of calls", |orchestrator, cases| {
        let mik = start(orchestrator);
        cases.case(&mik, "tries are calls", || {
            let expected = json!({ "tries": 4, "code": "HANDLER_ERROR" });
            gives(get(&mik, "/script/retry"), 200, &expected)?;
            let labels = [("mik_module", "trap"), ("mik_outcome", "trap"), ("mik_script", "retry")];
            measures(&mik, "mik_script_calls_total", &labels, 4.0)?;
            let labels = [("mik_outcome", "ok"), ("mik_script", "retry")];
            measures(&mik, "mik_script_call_duration_seconds_count", &labels, 1.0)
        });
        cases.case(&mik, "a trace goes on", || {
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let fields = [("traceparent", parent), ("content-type", "application/json")];
            let answer = send(&mik, "POST", "/script/short", &fields, "1")?;
            let told = answer.json();
            same("the trace", seen(&told["seen"], "traceparent"), Some(parent))
        });
        cases.case(&mik, "lines of the console", || {
            let mark = mik.log().mark();
            let who = escaped("a\u{1b}[31m\nb");
            let fields = [("x-request-id", "id-of-log")];
            gives(
                send(&mik, "GET", &format!("/script/log?who={who}"), &fields, ""),
                200,
                &Value::Null,
            )?;
            let line = logs(&mik, mark, &["INFO", "a line of { a: [1, ", "id-of-log", "log"])?;
            logs(&mik, mark, &["WARN", "careful"])?;
            logs(&mik, mark, &["INFO", "plain"])?;
            if line.contains('\u{1b}') {
                return Err(format!("a terminal would obey: {line:?}"));
            }
            let shown = mik.log().since(mark).iter().any(|line| line.contains("not shown"));
            if shown { Err("what is for debugging is shown".to_owned()) } else { Ok(()) }
        });
    });
}
