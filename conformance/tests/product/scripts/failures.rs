//! What a script throws, and results that cannot be sent.

use super::*;

/// TypeScript whose types take room, so that only kept positions are right.
const THROWS: &str = "interface Answer { status: number }

type Explain = (answer: Answer) => never;

const explain: Explain = (answer: Answer): never => {
  throw new RangeError(`secret ${answer.status}`);
};

export default async function (input: unknown, host: { call(name: string): Promise<Answer> }) {
  const answer = await host.call(\"hello\") as Answer;
  return explain(answer);
}
";

/// Names, sources, and what the log must say.
const EXCEPTIONS: [(&str, &str, &[&str]); 9] = [
    (
        "error.js",
        "export default () => { throw new Error('secret'); };",
        &["Error: secret", "error.js:1"],
    ),
    ("text.js", "export default () => { throw 'secret'; };", &["secret", "not an Error"]),
    ("null.js", "export default () => { throw null; };", &["null", "not an Error"]),
    ("rejects.js", "export default () => Promise.reject(new Error('secret'));", &["Error: secret"]),
    ("name.js", "export default () => secret.length;", &["ReferenceError", "secret", "name.js:1"]),
    (
        "later.js",
        "export default async (_, host) => {\n  await host.call('hello');\n  secret.none();\n};",
        &["ReferenceError", "later.js:3"],
    ),
    (
        "web.js",
        "export default { async fetch(request) {\n  throw new URIError('secret');\n} };",
        &["URIError: secret", "web.js:2"],
    ),
    (
        "cause.js",
        "export default () => { throw new Error('outer', { cause: new Error('secret') }); };",
        &["Error: outer", "caused by Error: secret"],
    ),
    (
        "status.js",
        "export default { fetch: () => new Response('secret', { status: 99 }) };",
        &["RangeError", "99"],
    ),
];

/// Names, results, and what the log must say.
const RESULTS: [(&str, &str, &[&str]); 10] = [
    ("cyclic.js", "const a = { b: [] }; a.b.push(a); return a;", &["cyclic", "value.b[0]"]),
    ("bigint.js", "return { sums: [1, 2n] };", &["BigInt", "value.sums[1]"]),
    ("undefined.js", "return undefined;", &["undefined"]),
    ("function.js", "return () => 1;", &["function"]),
    ("symbol.js", "return Symbol('s');", &["symbol"]),
    ("bytes.js", "return new Uint8Array(3);", &["Uint8Array"]),
    ("nested.js", "return { status: 200, body: { a: 1n } };", &["BigInt"]),
    ("no-content.js", "return { status: 204, body: 'text' };", &["204"]),
    ("error-response.js", "return Response.error();", &["Response.error()"]),
    ("used.js", "const r = new Response('a'); await r.text(); return r;", &["used"]),
];

#[test]
fn an_exception_is_a_500_that_tells_the_author_alone() {
    on_each("uncaught exceptions", |orchestrator, cases| {
        let scripts: Vec<_> = EXCEPTIONS.iter().map(|(name, text, _)| (*name, *text)).collect();
        let mik = setup(orchestrator, &[], &scripts, "").start();
        for (file, _, said) in EXCEPTIONS {
            cases.case(&mik, file, || {
                let mark = mik.log().mark();
                let script = file.trim_end_matches(".js");
                let fields = [("x-request-id", "of-the-test")];
                let answer = send(&mik, "GET", &format!("/script/{script}"), &fields, "")?;
                failed_with(&answer, 500, "exception")?;
                same("the instance", answer.json()["instance"].as_str(), Some("of-the-test"))?;
                if ["secret", file, "null", "Error"].iter().any(|word| answer.text().contains(word))
                {
                    return Err(format!("the client is told of it: {answer}"));
                }
                let mut said = said.to_vec();
                // After an `await`, Boa knows the function alone where an error comes from itself.
                if orchestrator == "boa" && script == "later" {
                    said.pop();
                }
                logs(&mik, mark, &[&["ERROR", "of-the-test", script], &said[..]].concat()).map(drop)
            });
        }
    });
}

#[test]
fn a_stack_names_the_authors_lines_and_columns() {
    on_each("positions of TypeScript", |orchestrator, cases| {
        let mik = setup(orchestrator, &[], &[("throws.ts", THROWS)], "").start();
        cases.case(&mik, "thrown", || {
            let mark = mik.log().mark();
            fails(get(&mik, "/script/throws"), 500, "exception")?;
            let line = logs(&mik, mark, &["RangeError: secret 200", "throws.ts:6:"])?;
            // Columns of the `throw`, the `new` or the name, as the engine has it; then the caller's.
            let columns = (3..=20).any(|column| line.contains(&format!("throws.ts:6:{column}")));
            let caller = (10..=25).any(|column| line.contains(&format!("throws.ts:11:{column}")));
            if columns && caller { Ok(()) } else { Err(format!("other places: {line}")) }
        });
    });
}

#[test]
fn a_result_that_cannot_be_sent_says_why() {
    on_each("results", |orchestrator, cases| {
        let scripts: Vec<_> = RESULTS
            .iter()
            .map(|(name, text, _)| (*name, format!("export default async () => {{ {text} }};")))
            .collect();
        let scripts: Vec<_> = scripts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let mik = setup(orchestrator, &[], &scripts, "").start();
        for (file, _, said) in RESULTS {
            cases.case(&mik, file, || {
                let mark = mik.log().mark();
                let script = file.trim_end_matches(".js");
                let answer = get(&mik, &format!("/script/{script}"))?;
                failed_with(&answer, 500, "no-response").or_else(|failure| match script {
                    // It is the Response that says so.
                    "used" => failed_with(&answer, 500, "exception"),
                    _ => Err(failure),
                })?;
                logs(&mik, mark, &[&["ERROR", script], said].concat()).map(drop)
            });
        }
    });
}

#[test]
fn a_body_that_is_not_what_its_type_says() {
    on_each("input", |orchestrator, cases| {
        let scripts = [
            ("short.js", "export default (input) => ({ input });"),
            ("small.js", "export default (input) => input.length;"),
            (
                "web.js",
                "export default { fetch: async (request) => Response.json(await request.json()) };",
            ),
        ];
        let config = "[scripts.small]\nmemory = \"16MiB\"\n";
        let mik = setup(orchestrator, &[], &scripts, config).start();
        cases.case(&mik, "broken JSON is the client's fault", || {
            for body in ["{", "{\"a\": }", "[1,]", "nul", "\u{0}"] {
                let answer = post_json(&mik, "/script/short", body)?;
                failed_with(&answer, 400, "input")?;
                if !answer.json()["detail"].as_str().is_some_and(|detail| detail.contains("JSON")) {
                    return Err(format!("it does not say what is wrong: {answer}"));
                }
            }
            Ok(())
        });
        cases.case(&mik, "JSON, and what is none", || {
            gives(
                post_json(&mik, "/script/short", "{\"a\":[1]}"),
                200,
                &json!({ "input": { "a": [1] } }),
            )?;
            gives(post_json(&mik, "/script/short", ""), 200, &json!({ "input": null }))?;
            let text =
                send(&mik, "POST", "/script/short", &[("content-type", "text/plain")], "hi {");
            gives(text, 200, &json!({ "input": null }))?;
            gives(get(&mik, "/script/short"), 200, &json!({ "input": null }))
        });
        cases.case(&mik, "JSON that the heap has no room for is not the client's fault", || {
            // As bytes, as text, and as what is made of it.
            let large = format!("\"{}\"", "a".repeat(7_000_000));
            let answer = post_json(&mik, "/script/small", &large)?;
            match (orchestrator, answer.status(), answer.kind()) {
                (_, 500, Some("memory" | "exception")) | ("boa", 200, None) => Ok(()),
                _ => Err(format!("{answer}")),
            }
        });
        cases.case(&mik, "a script that reads it by itself has thrown", || {
            fails(post_json(&mik, "/script/web", "{"), 500, "exception")
        });
    });
}

#[test]
fn what_fails_after_the_answer_is_in_the_log() {
    on_each("after the answer", |orchestrator, cases| {
        let scripts = [
            (
                "wait.js",
                "export default { async fetch(request, env, ctx) {
                   const later = async () => {
                     await env.hello.fetch('/');
                     throw new Error('too late');
                   };
                   ctx.waitUntil(later());
                   return new Response('done');
                 } };",
            ),
            (
                "broken-off.js",
                "export default { fetch: () => new Response(new ReadableStream({
                   async pull(controller) {
                     controller.enqueue(new TextEncoder().encode('half'));
                     await new Promise((go) => setTimeout(go, 50));
                     controller.error(new Error('no more'));
                   },
                 })) };",
            ),
        ];
        let mik = setup(orchestrator, &[], &scripts, "").start();
        cases.case(&mik, "a promise of waitUntil", || {
            let mark = mik.log().mark();
            same("the answer", get(&mik, "/script/wait")?.text(), "done".to_owned())?;
            logs(&mik, mark, &["ERROR", "Error: too late"]).map(drop)
        });
        cases.case(&mik, "a body that breaks off is no clean end", || {
            let answer = get(&mik, "/script/broken-off")?;
            match (answer.status(), answer.text().as_str(), answer.is_whole()) {
                (200, "half", false) => Ok(()),
                _ => Err(format!("{answer}")),
            }
        });
    });
}
