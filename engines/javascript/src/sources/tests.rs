use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A folder with these files; the script is `main.ts`, or `main.js` where there is none.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn open(folder: &TempDir) -> Sources {
    let typescript = folder.path().join("main.ts");
    let path = if typescript.exists() { typescript } else { folder.path().join("main.js") };
    Sources::open(folder.path(), &path, &fs::read_to_string(&path).unwrap()).unwrap()
}

fn import(sources: &Sources, from: &str, specifier: &str) -> Result<Arc<Source>, SourceError> {
    sources.resolve(from, specifier).and_then(|name| sources.load(&name))
}

/// What it says of this import in `main.js`.
fn refusal(specifier: &str) -> String {
    let folder = folder(&[("main.js", &format!("const a = 1;\nimport x from \"{specifier}\";\n"))]);
    let error = import(&open(&folder), "main.js", specifier).unwrap_err();
    assert!(matches!(error, SourceError::Import(_) | SourceError::Missing(_)), "{error:?}");
    error.to_string()
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

/// A script of this TypeScript.
fn typescript(text: &str) -> Result<Arc<Source>, SourceError> {
    Sources::open(Path::new("scripts"), Path::new("scripts/main.ts"), text).map(|s| s.entry())
}

#[test]
fn imports_are_found_from_the_file_that_they_stand_in() {
    let folder = folder(&[
        ("main.ts", "import { price } from './lib/price.ts';\nexport default price"),
        (
            "lib/price.ts",
            "import rates from '../data/rates.json';\nexport const price: number = rates.a",
        ),
        ("lib/tax.mjs", "export const tax = 1"),
        ("data/rates.json", "{\"a\": 1}"),
    ]);
    let sources = open(&folder);
    assert_eq!(sources.entry().name, "main.ts");
    let cases = [
        ("main.ts", "./lib/price.ts", "lib/price.ts"),
        ("lib/price.ts", "../data/rates.json", "data/rates.json"),
        ("lib/price.ts", "./tax.mjs", "lib/tax.mjs"),
        ("lib/price.ts", "./../lib/.//tax.mjs", "lib/tax.mjs"),
        ("lib/price.ts", "../main.ts", "main.ts"),
    ];
    for (from, specifier, name) in cases {
        let source = import(&sources, from, specifier).unwrap();
        assert_eq!((source.name.as_str(), &source.path), (name, &folder.path().join(name)));
    }
    let files = ["data/rates.json", "lib/price.ts", "lib/tax.mjs"];
    assert_eq!(sources.files(), files.map(|name| folder.path().join(name)));
    // What was loaded stays, whatever becomes of the file.
    fs::remove_dir_all(folder.path().join("lib")).unwrap();
    assert_eq!(import(&sources, "main.ts", "./lib/tax.mjs").unwrap().text, "export const tax = 1");
}

#[test]
fn a_script_alone_has_its_own_folder_as_root() {
    let folder = folder(&[("main.js", "import './a.js'"), ("a.js", "")]);
    let path = folder.path().join("main.js");
    let sources = Sources::open(&path, &path, "import './a.js'").unwrap();
    assert_eq!(sources.entry().name, "main.js");
    assert_eq!(import(&sources, "main.js", "./a.js").unwrap().name, "a.js");
    // It need not exist as a file at all.
    let nowhere = Path::new("/nowhere/main.js");
    assert_eq!(Sources::open(nowhere, nowhere, "1").unwrap().entry().name, "main.js");
    assert_eq!(
        Sources::open(Path::new("main.js"), Path::new("main.js"), "1").unwrap().entry().name,
        "main.js"
    );
}

#[test]
fn a_root_may_be_written_in_many_ways() {
    let folder = folder(&[("scripts/admin/main.js", "")]);
    symlink(folder.path().join("scripts"), folder.path().join("link")).unwrap();
    let name = |root: &str, path: &str| {
        let (root, path) = (folder.path().join(root), folder.path().join(path));
        Sources::open(&root, &path, "").map(|sources| sources.entry().name.clone())
    };
    for root in ["scripts", "link", "scripts/", "./scripts/admin/.."] {
        assert_eq!(name(root, "scripts/admin/main.js").unwrap(), "admin/main.js", "{root}");
    }
    let error = name("scripts/admin", "scripts/main.js").unwrap_err().to_string();
    assert_says(&error, &["does not lie below", "scripts/admin"]);
}

#[test]
fn what_lies_outside_is_refused() {
    for specifier in ["../secret.js", "./lib/../../secret.js", "./..", "../"] {
        assert_says(&refusal(specifier), &["outside of the scripts folder", "main.js:2:15"]);
    }
    let outside = folder(&[("secret.js", "export default 1"), ("dir/secret.js", "")]);
    let folder = folder(&[("main.js", ""), ("lib/a.js", "export default 2")]);
    symlink(outside.path().join("secret.js"), folder.path().join("leak.js")).unwrap();
    symlink(outside.path().join("dir"), folder.path().join("dir")).unwrap();
    symlink(folder.path().join("lib/a.js"), folder.path().join("fine.js")).unwrap();
    let sources = open(&folder);
    for specifier in ["./leak.js", "./dir/secret.js"] {
        let error = import(&sources, "main.js", specifier).unwrap_err().to_string();
        assert_says(&error, &["lies outside of the scripts folder"]);
    }
    assert_eq!(import(&sources, "main.js", "./fine.js").unwrap().text, "export default 2");
    // Names that no import resolves to.
    for name in ["../secret.js", "/etc/hostname", "leak.js", "lib/../main2.js", "", "a\0.js"] {
        assert!(sources.load(name).is_err(), "{name}");
    }
}

#[test]
fn other_imports_are_refused_in_words_that_help() {
    let cases: [(&str, &[&str]); 12] = [
        (
            "lodash",
            &[
                "cannot import `lodash`: it is a package",
                "below the scripts folder only",
                "bundled",
            ],
        ),
        ("@scope/pkg/x.js", &["it is a package"]),
        ("#internal", &["it is a package"]),
        ("npm:zod", &["it is a package"]),
        ("lib/price.ts", &["it is a package", "`./price.ts`"]),
        ("node:fs", &["this is not Node.js", "no files and no network"]),
        ("fs/promises", &["this is not Node.js"]),
        ("cloudflare:workers", &["Cloudflare"]),
        ("https://esm.sh/zod", &["it is a URL", "copy it there"]),
        ("file:///etc/passwd", &["it is a URL"]),
        ("/etc/passwd", &["it is an absolute path"]),
        ("mik", &["it has types only", "import type"]),
    ];
    for (specifier, parts) in cases {
        let text = refusal(specifier);
        assert_says(&text, parts);
        assert_says(&text, &["main.js:2:15", "import x from", "^^"]);
    }
}

#[test]
fn a_missing_file_comes_with_what_was_meant() {
    let folder = folder(&[
        ("main.js", "import './lib/price'\nimport './lib'\nimport './tax.js'\nimport './gone.js'"),
        ("lib/price.ts", ""),
        ("lib/index.js", ""),
        ("tax.mts", ""),
    ]);
    let sources = open(&folder);
    let cases = [
        ("./lib/price", "`lib/price` is not there", "did you mean `./lib/price.ts`?"),
        ("./lib", "`lib` is a folder", "did you mean `./lib/index.js`?"),
        ("./lib/", "`lib` is a folder", "did you mean `./lib/index.js`?"),
        ("./tax.js", "`tax.js` is not there", "did you mean `./tax.mts`?"),
        ("./gone", "`gone` is not there", "with its end: .js"),
        ("./gone.wasm", "`gone.wasm` is not there", "call it as a module"),
        ("./gone.js", "main.js:4:8", "import './gone.js'"),
    ];
    for (specifier, what, help) in cases {
        let error = sources.resolve("main.js", specifier).unwrap_err();
        assert!(matches!(error, SourceError::Missing(_)), "{error:?}");
        assert_says(&error.to_string(), &[what, help]);
    }
    assert!(sources.files().contains(&folder.path().join("gone.js")), "it may come to be there");
}

#[test]
fn files_of_other_kinds_are_refused() {
    let folder = folder(&[
        ("main.js", ""),
        ("a.cjs", ""),
        ("a.tsx", ""),
        ("a.wasm", ""),
        ("a.d.ts", ""),
        ("a.txt", ""),
        ("a", ""),
    ]);
    let sources = open(&folder);
    let cases = [
        ("./a.cjs", "CommonJS"),
        ("./a.tsx", "JSX"),
        ("./a.wasm", "call it as a module"),
        ("./a.d.ts", "import type"),
        ("./a.txt", ".js, .mjs, .ts, .mts and .json"),
        ("./a", "with its end"),
    ];
    for (specifier, help) in cases {
        assert_says(&sources.resolve("main.js", specifier).unwrap_err().to_string(), &[help]);
    }
}

#[test]
fn types_are_stripped_and_all_else_stays_in_its_place() {
    let text = "import type { Host } from \"mik\";\n\
                interface Order { 名: string; n?: number }\n\
                export default async (input: Order, host: Host<'𝒳'>) => { throw new Error(input!.名 as string) }\r\n\
                const last = <T,>(x: T): T => x;\n";
    let source = typescript(text).unwrap();
    assert_eq!(source.original, text);
    assert_eq!(source.text.lines().count(), text.lines().count());
    for (line, original) in source.text.lines().zip(text.lines()) {
        for token in ["throw", "input", "名", "=>", "const", "last"] {
            // The columns of engines: UTF-16 units.
            let column = |line: &str| line.rfind(token).map(|at| line[..at].encode_utf16().count());
            if column(line).is_some() {
                assert_eq!(column(line), column(original), "{token}\n{line}\n{original}");
            }
        }
    }
    assert_says(&source.text, &["throw new Error(input .名          )", "const last =     (x   )"]);
    for gone in ["interface", "import", "Order", ": T", "Host<"] {
        assert!(!source.text.contains(gone), "{gone}\n{}", source.text);
    }
}

#[test]
fn typescript_that_is_more_than_types_is_told_from_mistakes() {
    let cases = [
        ("let a = 1;\nenum Colour { Red }", "`enum`", "main.ts:2:1"),
        ("const enum Colour { Red }", "`enum`", "main.ts:1:1"),
        ("namespace A { export const x = 1 }", "`namespace`", "main.ts:1:1"),
        (
            "class A { constructor(private x: number) {} }",
            "`constructor(private …)`",
            "main.ts:1:31",
        ),
        ("import a = require('b')", "`import … =`", "main.ts:1:1"),
        ("export = 1", "`export =`", "main.ts:1:1"),
        ("const a = <string>b", "`<Type>value`", "main.ts:1:11"),
        ("@sealed class A {}", "`@decorator`", "main.ts:1:1"),
        ("class A { @log m() {} }", "`@decorator`", "main.ts:1:11"),
        ("export @log class A {}", "`@decorator`", "main.ts:1:8"),
    ];
    for (text, feature, place) in cases {
        let error = typescript(text).unwrap_err();
        assert!(matches!(error, SourceError::NotErasable(_)), "{error:?}");
        let message = format!("TypeScript feature {feature} needs compilation");
        assert_says(&error.to_string(), &[&message, place, "help: ", "^"]);
    }
    let error = typescript("const ä = 1;\nlet x: number = ;\n").unwrap_err();
    assert!(matches!(error, SourceError::Syntax(_)), "{error:?}");
    assert_says(&error.to_string(), &["Expression expected", "main.ts:2:17", "let x: number = ;"]);
    // The JavaScript of others is left to their engine.
    let path = Path::new("scripts/main.js");
    assert!(Sources::open(Path::new("scripts"), path, "enum A {}").is_ok());
}

#[test]
fn nesting_without_end_does_not_overflow_the_stack() {
    for (open, close) in [("(", ")"), ("[", "]"), ("a=>", ""), ("!", ""), ("{", "}"), ("a?", ":1")]
    {
        let (open, close) = (open.repeat(4_000), close.repeat(4_000));
        let _ = typescript(&format!("x = {open}1{close}"));
    }
    let error = typescript(&"(".repeat(1 << 20)).unwrap_err();
    assert_says(&error.to_string(), &["too large to have its types stripped", "esbuild"]);
}

#[test]
fn json_becomes_a_default_export() {
    let text = "\u{feff}{\"__proto__\": [\"\u{2028}\u{2029}\\\"\\\\ \\u0000\"],\r\n\t\"ä\": 1e999}";
    let folder = folder(&[("main.js", ""), ("a.json", text)]);
    let source = import(&open(&folder), "main.js", "./a.json").unwrap();
    assert_eq!(
        source.text,
        "export default JSON.parse(\"{\\\"__proto__\\\": [\\\"\\u2028\\u2029\\\\\\\"\\\\\\\\ \\\\u0000\\\"],\\r\\n\t\\\"ä\\\": 1e999}\");"
    );
    assert_eq!(source.original, text.trim_start_matches('\u{feff}'));
}

#[test]
fn broken_json_is_shown() {
    let cases = [
        ("", "a.json:1:1"),
        ("{\"a\": 1,\n \"ä\": tru}", "a.json:2:10"),
        ("{\"a\": 1,}", "a.json:1:9"),
        ("{\n\n", "a.json:3:1"),
        ("1 2", "a.json:1:3"),
        ("\"\n\"", "a.json:1:1"),
    ];
    for (text, place) in cases {
        let folder = folder(&[("main.js", ""), ("a.json", text)]);
        let error = import(&open(&folder), "main.js", "./a.json").unwrap_err();
        assert!(matches!(error, SourceError::Syntax(_)), "{error:?}");
        let error = error.to_string();
        assert_says(&error, &["not JSON: ", place]);
        assert!(!error.contains(" at line"), "{error}");
    }
}

#[test]
fn a_byte_order_mark_is_no_column() {
    let source = typescript("\u{feff}const a: number = 1").unwrap();
    assert_eq!(source.text, "const a         = 1");
    let folder =
        folder(&[("main.js", ""), ("a.js", "\u{feff}let a"), ("b.js", "\u{feff}\u{feff}")]);
    let sources = open(&folder);
    let source = import(&sources, "main.js", "./a.js").unwrap();
    assert_eq!((source.text.as_str(), source.original.as_str()), ("let a", "let a"));
    assert_eq!(import(&sources, "main.js", "./b.js").unwrap().text, "\u{feff}");
}

#[test]
fn what_is_not_utf8_is_told_with_its_line() {
    let folder = folder(&[("main.js", "")]);
    fs::write(folder.path().join("latin.js"), b"let a = 1;\nlet b = '\xe4';\n").unwrap();
    let error = import(&open(&folder), "main.js", "./latin.js").unwrap_err();
    assert_says(&error.to_string(), &["latin.js: line 2 is not UTF-8"]);
}

#[test]
fn a_script_has_at_most_so_many_files_and_bytes() {
    let folder = folder(&[("main.js", "")]);
    for index in 0..MOST_FILES {
        fs::write(folder.path().join(format!("{index}.js")), "").unwrap();
    }
    let sources = open(&folder);
    let load = |index: usize| import(&sources, "main.js", &format!("./{index}.js"));
    for index in 0..MOST_FILES - 1 {
        load(index).unwrap();
    }
    let error = load(MOST_FILES - 1).unwrap_err();
    assert_says(&error.to_string(), &["255.js: the script is too large", "256 files", "16 MiB"]);
    load(0).unwrap();

    let large = " ".repeat(MOST_BYTES / 2);
    for name in ["a.js", "b.js", "c.js"] {
        fs::write(folder.path().join(name), &large).unwrap();
    }
    let sources = open(&folder);
    for name in ["./a.js", "./b.js"] {
        import(&sources, "main.js", name).unwrap();
    }
    let error = import(&sources, "main.js", "./c.js").unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { .. }), "{error:?}");
    assert!(
        Sources::open(folder.path(), &folder.path().join("main.js"), &"  ".repeat(MOST_BYTES))
            .is_err()
    );
}

#[test]
fn names_tried_at_random_are_not_kept_for_ever() {
    let sources = open(&folder(&[("main.js", "")]));
    for index in 0..2_000 {
        let _ = sources.resolve("main.js", &format!("./{index}.js"));
    }
    assert!(sources.files().len() <= MOST_FILES * 2);
}

#[test]
fn a_message_is_explained_with_its_line() {
    let folder =
        folder(&[("main.ts", "let a: number = 1;\n\tthrow new Error(a as any)\r\n// 𝒳 end")]);
    let sources = open(&folder);
    let text = sources.explain("main.ts", 2, 12, "Error: 1");
    assert_eq!(
        text,
        "Error: 1\n --> main.ts:2:12\n  |\n2 |     throw new Error(a as any)\n  |               ^^^^^"
    );
    // Whatever the engine tells, something comes out.
    for (line, column, place) in [
        (2, 0, "main.ts:2:1"),
        (2, 99, "main.ts:2:27"),
        (2, u32::MAX, "main.ts:2:27"),
        (3, 5, "main.ts:3:5"),
        (0, 1, "main.ts:0:1: Error: 1"),
        (4, 1, "main.ts:4:1: Error: 1"),
        (u32::MAX, u32::MAX, "main.ts:4294967295:4294967295: Error: 1"),
    ] {
        assert_says(&sources.explain("main.ts", line, column, "Error: 1"), &["Error: 1", place]);
    }
    assert_eq!(sources.explain("gone.js", 1, 2, "x"), "gone.js:1:2: x");
}

#[test]
fn a_long_line_is_cut() {
    let line = format!("{}boom{}", "a;".repeat(100_000), "b;".repeat(100_000));
    let folder = folder(&[("main.js", &line)]);
    let text = open(&folder).explain("main.js", 1, 200_001, "no");
    assert_says(&text, &["main.js:1:200001", "boom", "^^^^"]);
    assert!(text.len() < 2_000, "{}", text.len());
}
