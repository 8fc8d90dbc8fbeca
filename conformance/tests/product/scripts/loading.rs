//! What a script is made of, and what becomes of it when a file changes.

use std::fs;

use super::*;

/// Two files and JSON; one is TypeScript.
const PARTS: [(&str, &str); 4] = [
    (
        "main.ts",
        "import { twice } from \"./lib/twice.ts\";\n\
         import names from './lib/names.json' with { type: 'json' };\n\
         type Names = string[];\n\
         export default (): string => twice((names as Names)[0]);\n",
    ),
    (
        "lib/twice.ts",
        "import { join } from './join.mjs';\nexport const twice = (text: string): string => join(text, text);\n",
    ),
    ("lib/join.mjs", "export function join(...texts) { return texts.join('+'); }\n"),
    ("lib/names.json", "[\"ann\", { \"__proto__\": 1 }]"),
];

/// Names, sources, and what `mik check` must say of them.
const BROKEN: [(&str, &str, &[&str]); 17] = [
    (
        "syntax.js",
        "export default () => {\n  return 1 +;\n};\n",
        &["syntax.js:2:", "return 1 +;", "^"],
    ),
    (
        "typescript.ts",
        "export default () => {\n  const a: = 1;\n};\n",
        &["typescript.ts:2:", "const a: = 1;", "^"],
    ),
    (
        "enums.ts",
        "enum Colour { Red }\nexport default () => Colour.Red;\n",
        &["enums.ts:1:1", "enum"],
    ),
    ("top.js", "\nconst x = null;\nx.y;\nexport default () => 1;\n", &["top.js:3:", "x.y;", "^"]),
    (
        "nothing.js",
        "export const a = 1;\n",
        &["nothing.js", "no default export", "export default async function"],
    ),
    ("object.js", "export default { get() {} };\n", &["object.js", "without a function `fetch`"]),
    (
        "waits.js",
        "await new Promise(() => {});\nexport default () => 1;\n",
        &["waits.js", "awaits"],
    ),
    (
        "missing.js",
        "import './lib/none.js';\nexport default () => 1;\n",
        &["missing.js:1:8", "lib/none.js", "^"],
    ),
    (
        "ending.js",
        "import { twice } from './lib/twice';\nexport default twice;\n",
        &["ending.js:1:23", "did you mean `./lib/twice.ts`?"],
    ),
    (
        "export.js",
        "import { thrice } from './lib/twice.ts';\nexport default thrice;\n",
        &["export.js", "thrice"],
    ),
    (
        "outside.js",
        "import a from '../mik.toml';\nexport default a;\n",
        &["outside.js:1:15", "outside of the scripts folder"],
    ),
    (
        "link.js",
        "import a from './lib/link.js';\nexport default a;\n",
        &["link.js:1:15", "outside"],
    ),
    (
        "bare.js",
        "import _ from 'lodash';\nexport default _;\n",
        &["bare.js:1:15", "`lodash`", "bundled"],
    ),
    (
        "node.js",
        "import fs from 'node:fs';\nexport default fs;\n",
        &["node.js:1:16", "this is not Node.js"],
    ),
    (
        "url.js",
        "import a from 'https://example.com/a.js';\nexport default a;\n",
        &["url.js:1:15", "is a URL"],
    ),
    (
        "json.js",
        "import a from './lib/broken.json';\nexport default a;\n",
        &["lib/broken.json:2:", "not JSON"],
    ),
    ("empty.js", "", &["empty.js", "empty"]),
];

fn put_all(setup: Setup, files: &[(&str, &str)]) -> Setup {
    files.iter().fold(setup, put)
}

#[test]
fn files_and_json_are_imported() {
    on_each("imports", |orchestrator, cases| {
        let mik = setup(orchestrator, &[], &PARTS, "").start();
        cases.case(&mik, "TypeScript, modules and JSON", || {
            gives(get(&mik, "/script/main"), 200, &json!("ann+ann"))?;
            // What lies in folders is part of scripts, and none by itself.
            for target in ["/script/twice", "/script/lib", "/script/lib/twice", "/script/main.ts"] {
                fails(get(&mik, target), 404, "not-found")?;
            }
            Ok(())
        });
    });
}

#[test]
fn what_does_not_load_is_told_with_its_place() {
    on_each("scripts that do not load", |orchestrator, cases| {
        let broken: Vec<_> = BROKEN.iter().map(|(name, text, _)| (*name, *text)).collect();
        let setup = put_all(setup(orchestrator, &[], &broken, ""), &PARTS[1..]);
        let setup = setup.file("scripts/lib/broken.json", "{\n  \"a\": ,\n}");
        let outside = setup.path().join("secret.js");
        fs::write(&outside, "export default 'secret';").expect("the folder can be written");
        std::os::unix::fs::symlink(&outside, setup.path().join("scripts/lib/link.js"))
            .expect("a link can be made");
        let checked = setup.run(&["check"]);
        for (file, _, told) in BROKEN {
            cases.note(&format!("mik check: {file}"), ends(&checked, 1, told));
        }
        cases.note("mik check: the good one", ends(&checked, 1, &["innocent: JavaScript, "]));
        let mik = setup.start();
        for (file, ..) in BROKEN {
            cases.case(&mik, file, || {
                let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
                let answer = get(&mik, &format!("/script/{name}"))?;
                failed_with(&answer, 500, "load")?;
                if answer.text().contains(file) || answer.text().contains("secret") {
                    return Err(format!("the client is told of files: {answer}"));
                }
                logs(&mik, 0, &["ERROR", file]).map(drop)
            });
        }
    });
}

#[test]
fn changes_are_taken_up_and_broken_ones_are_not() {
    on_each("scripts that change", |orchestrator, cases| {
        let mik = put_all(setup(orchestrator, &[], &PARTS, ""), &PARTS).start();
        let file = |name: &str| mik.path().join("scripts").join(name);
        becomes(&mik, "/script/main", "\"ann+ann\"").expect("the script answers");
        cases.case(&mik, "a file that it imports", || {
            mik.replace(&file("lib/join.mjs"), PARTS[2].1.replace('+', "-"));
            becomes(&mik, "/script/main", "\"ann-ann\"")
        });
        cases.case(&mik, "JSON that it imports", || {
            mik.replace(&file("lib/names.json"), "[\"bob\"]");
            becomes(&mik, "/script/main", "\"bob-bob\"")
        });
        cases.case(&mik, "itself", || {
            mik.replace(&file("main.ts"), PARTS[0].1.replace("[0]);", "[0]) + '!';"));
            becomes(&mik, "/script/main", "\"bob-bob!\"")
        });
        for (name, part, text, told) in [
            (
                "a broken script",
                "main.ts",
                "export default () => {\n  let a = ;\n};\n",
                "let a = ;",
            ),
            ("a broken import", "lib/join.mjs", "export const join = (;\n", "join = (;"),
            ("broken JSON", "lib/names.json", "[\"bob\",\n  oh]\n", "oh]"),
        ] {
            cases.case(&mik, name, || {
                let good = fs::read(file(part)).map_err(|error| error.to_string())?;
                let mark = mik.log().mark();
                mik.replace(&file(part), text);
                // With the line that is wrong, and a mark below it.
                logs(&mik, mark, &["ERROR", part, told, "^"])?;
                for _ in 0..10 {
                    becomes(&mik, "/script/main", "\"bob-bob!\"")?;
                }
                let mark = mik.log().mark();
                mik.replace(&file(part), good);
                logs(&mik, mark, &["\"loaded\"", "main"])?;
                becomes(&mik, "/script/main", "\"bob-bob!\"")
            });
        }
        cases.case(&mik, "a new script", || {
            mik.replace(&file("fresh.js"), "export default () => 'fresh';");
            becomes(&mik, "/script/fresh", "\"fresh\"")
        });
        cases.case(&mik, "one that goes", || {
            fs::remove_file(file("fresh.js")).map_err(|error| error.to_string())?;
            let gone = || mik.get("/script/fresh").is_ok_and(|answer| answer.status() == 404);
            if eventually(BOUND, gone) { Ok(()) } else { Err("it is still there".to_owned()) }
        });
        cases.case(&mik, "two of one name", || {
            let mark = mik.log().mark();
            mik.replace(&file("main.js"), "export default () => 'other';");
            logs(&mik, mark, &["main.ts", "main.js"])?;
            becomes(&mik, "/script/main", "\"bob-bob!\"")
        });
    });
}

#[test]
fn no_request_is_lost_while_a_script_changes() {
    on_each("changes under load", |orchestrator, cases| {
        let text = |number: usize| format!("export default () => {number};");
        let mik = setup(orchestrator, &[], &[("n.js", &text(0))], "").start();
        cases.case(&mik, "again and again", || {
            for number in 1..=5 {
                mik.replace(&mik.path().join("scripts/n.js"), text(number));
                let becomes = eventually(BOUND, || match mik.get("/script/n") {
                    Ok(answer) if answer.status() == 200 => answer.text() == number.to_string(),
                    other => panic!("{}", told(&other)),
                });
                if !becomes {
                    return Err(format!("it has not become {number}"));
                }
            }
            Ok(())
        });
    });
}

#[test]
fn what_cannot_stop_a_script_wants_to_be_told_that_all_are_trusted() {
    if !orchestrators().contains(&"boa") {
        return;
    }
    let mut cases = Cases::of("boa without trusted_scripts");
    let setup = put(Setup::new(&["hello"]), &INNOCENT);
    let advice = ["boa", "trusted_scripts = true", "[orchestrator]"];
    for (name, args) in [
        ("run", &["run", "--port", "0", "--orchestrator", "boa", "."][..]),
        ("check", &["check", "--orchestrator", "boa", "."]),
    ] {
        cases.note(name, ends(&setup.run(args), 1, &advice));
    }
    let refused = setup.run(&["run", "--port", "0", "--orchestrator", "v8", "."]);
    cases.note("an unknown one", ends(&refused, 2, &["v8", "rquickjs", "boa"]));
    let trusted = setup.config("[orchestrator]\ntrusted_scripts = true\n");
    let mik = trusted.args(&["--orchestrator", "boa"]).start();
    let expected = json!("Hello from mik! And from a script.");
    cases.note("trusted", gives(get(&mik, "/script/innocent"), 200, &expected));
    cases.finish();
}
