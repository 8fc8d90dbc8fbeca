//! `mik dev`: builds, serves, builds again on every change, and says what it does.

mod config;
mod keys;
mod load;
mod rust;

use std::fs;
use std::path::Path;
use std::time::Duration;

use mik_conformance::{Mik, Outcome, Setup, eventually, guest, told};

/// A change is noticed, built and served within moments; this bounds hanging.
const NOTICED: Duration = Duration::from_secs(30);
/// Within this, what is coming has come.
const A_WHILE: Duration = Duration::from_millis(700);

const HELLO: &str = "Hello from mik!\n";

/// A project whose "compiler" copies the component that `src/answer` names, or fails as one does. It writes
/// down when it begins and when it has ended, and takes as long as `src/seconds` says.
const COMPILER: &str = r#"
echo $$ > .compiler
echo begun >> .builds
echo "   Compiling app" >&2
sleep "$(cat src/seconds)"
answer="$(cat src/answer)"
if [ ! -f "parts/$answer.wasm" ]; then
    echo "error: expected one of \`;\` or \`}\`, found \`$answer\`" >&2
    echo " --> src/answer:1:1" >&2
    exit 101
fi
mkdir -p build
cp "parts/$answer.wasm" "$MIK_OUTPUT"
echo ended >> .builds
"#;

const CONFIG: &str = "[project]\nname = \"app\"\n[build]\ncommand = \"sh compiler.sh\"\n";

/// A project that answers as this guest does.
fn project(answer: &str) -> Setup {
    let parts = ["hello", "inspect", "flood"];
    let setup = Setup::new(&[])
        .config(CONFIG)
        .file("compiler.sh", COMPILER)
        .file("src/answer", answer)
        .file("src/seconds", "0");
    parts.iter().fold(setup, |setup, part| {
        let content = fs::read(guest(part)).expect("a guest can be read");
        setup.file(&format!("parts/{part}.wasm"), content)
    })
}

/// Writes a file of the project as an editor does that writes in place.
fn edit(mik: &Mik, path: &str, content: &str) {
    fs::write(mik.path().join(path), content).expect("the project's folder can be written");
}

/// How often the compiler began, and how often it came to its end.
fn builds(folder: &Path) -> (usize, usize) {
    let told = fs::read_to_string(folder.join(".builds")).unwrap_or_default();
    let count = |what| told.lines().filter(|line| *line == what).count();
    (count("begun"), count("ended"))
}

/// Waits until a GET is answered so.
fn becomes(mik: &Mik, target: &str, status: u16, text: &str) -> Outcome {
    let is_it = || {
        mik.get(target)
            .is_ok_and(|answer| answer.status() == status && answer.text().contains(text))
    };
    if eventually(NOTICED, is_it) {
        return Ok(());
    }
    let got = told(&mik.get(target));
    Err(format!("GET {target} after {NOTICED:?}: {got}; stderr:\n{}", mik.stderr()))
}

/// Waits until it says all these texts in one line.
fn says(mik: &Mik, texts: &[&str]) -> String {
    let line = mik.log().wait(NOTICED, texts);
    line.unwrap_or_else(|| panic!("nothing of {texts:?}; stderr:\n{}", mik.stderr()))
}

#[test]
fn it_builds_serves_and_says_what_it_does() {
    let mik = project("hello").dev();
    becomes(&mik, "/run/app/", 200, HELLO).unwrap();
    says(&mik, &["building app"]);
    says(&mik, &["   Compiling app"]);
    let built = says(&mik, &["built app in ", " KB"]);
    assert!(built.contains("Z built app in "), "{built}");
    let request = says(&mik, &["200 GET /run/app/ ", " app"]);
    assert!(request.ends_with(" app") && request.contains(" ms "), "{request}");
    assert_eq!(mik.get("/nope").unwrap().status(), 404);
    says(&mik, &["404 GET /nope", "not-found"]);
    let stderr = mik.stderr();
    assert!(stderr.contains(&format!("http://{}/run/app/", mik.address())), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "colours where there is no terminal:\n{stderr}");
    assert_eq!(mik.stdout(), "");
}

#[test]
fn what_a_module_prints_is_shown_with_its_name() {
    let mik = project("flood").dev();
    becomes(&mik, "/run/app/?err=1&text=said%20to%20stderr", 200, "ok").unwrap();
    says(&mik, &["app | said to stderr"]);
}

#[test]
fn a_first_build_that_fails_is_waited_out() {
    let mik = project("brok3n").more_config("[modules.app]\nroute = \"/\"\n").dev();
    says(&mik, &["error: expected one of", "found `brok3n`"]);
    says(&mik, &["failed app: "]);
    says(&mik, &["nothing is served until it builds"]);
    assert_eq!(mik.get("/health").unwrap().status(), 200);
    let awaited = mik.get("/run/app/").unwrap();
    assert_eq!((awaited.status(), awaited.kind()), (503, Some("overloaded")), "{awaited}");
    says(&mik, &["503 GET /run/app/", "the module does not build"]);
    edit(&mik, "src/answer", "hello");
    becomes(&mik, "/run/app/", 200, HELLO).unwrap();
    // Where mik.toml mounts it.
    becomes(&mik, "/", 200, HELLO).unwrap();
    says(&mik, &["is module app"]);
}

#[test]
fn what_is_there_is_served_while_the_first_build_runs() {
    let built = fs::read(guest("hello")).unwrap();
    let mik = project("inspect")
        .guest("hello", "app")
        .file("dist/app-composed.wasm", built)
        .file("src/seconds", "5")
        .dev();
    assert_eq!(mik.text("/run/app/"), HELLO);
    assert_eq!(builds(mik.path()).1, 0, "the build had ended already");
    becomes(&mik, "/run/app/", 200, "\"calls\"").unwrap();
}

#[test]
fn changes_during_a_build_lead_to_exactly_one_more() {
    let mik = project("hello").file("src/seconds", "3").dev();
    assert!(eventually(NOTICED, || builds(mik.path()) == (1, 0)), "stderr:\n{}", mik.stderr());
    let first = fs::read_to_string(mik.path().join(".compiler")).unwrap_or_default();
    for round in 0..5 {
        edit(&mik, "src/other", &format!("{round}"));
        edit(&mik, "src/answer", if round == 4 { "inspect" } else { "hello" });
    }
    becomes(&mik, "/run/app/", 200, "\"calls\"").unwrap();
    std::thread::sleep(A_WHILE);
    let (_, ended) = builds(mik.path());
    assert_eq!(ended, 1, "stderr:\n{}", mik.stderr());
    assert!(!lives(&first), "the first build was not ended");
    assert!(!mik.log().has("failed"), "stderr:\n{}", mik.stderr());
}

#[test]
fn what_is_no_change_builds_nothing() {
    let mik = project("hello").dev();
    becomes(&mik, "/run/app/", 200, HELLO).unwrap();
    says(&mik, &["built app"]);
    let before = builds(mik.path());
    // Temporary files of editors, what is built, what git does; the same content anew; a mode; looking.
    for path in ["src/.answer.swp", "src/4913", "src/answer~", ".git/index", "dist/x", "build/y"] {
        let path = mik.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "anything").unwrap();
    }
    edit(&mik, "src/answer", "hello");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(mik.path().join("src/answer"), mode).unwrap();
    let _ = fs::read(mik.path().join("src/answer"));
    std::thread::sleep(A_WHILE);
    assert_eq!(builds(mik.path()), before, "stderr:\n{}", mik.stderr());
    edit(&mik, "src/answer", "inspect");
    becomes(&mik, "/run/app/", 200, "\"calls\"").unwrap();
}

#[test]
fn the_end_is_clean_and_takes_a_build_with_it() {
    let mik = project("hello").file("src/seconds", "600").dev();
    let compiler = mik.path().join(".compiler");
    let number = || fs::read_to_string(&compiler).unwrap_or_default();
    assert!(eventually(NOTICED, || lives(&number())), "stderr:\n{}", mik.stderr());
    let number = number();
    mik.interrupt();
    let status = mik.exit(Duration::from_secs(10));
    assert_eq!(status.and_then(|status| status.code()), Some(0), "stderr:\n{}", mik.stderr());
    assert!(eventually(A_WHILE, || !lives(&number)), "the compiler still runs");
    assert_eq!(mik.stdout(), "");
}

#[test]
fn nothing_is_built_where_that_is_not_wanted() {
    let mik = project("inspect").guest("hello", "app").args(&["--no-build"]).dev();
    assert_eq!(mik.text("/run/app/"), HELLO);
    edit(&mik, "src/answer", "flood");
    std::thread::sleep(A_WHILE);
    assert_eq!(builds(mik.path()), (0, 0));
    mik.replace(&mik.module("app"), fs::read(guest("inspect")).unwrap());
    becomes(&mik, "/run/app/", 200, "\"calls\"").unwrap();
}

#[test]
fn scripts_and_static_files_are_served_as_they_are_now() {
    let script = |text: &str| format!("export default () => new Response('{text}');\n");
    let mik = Setup::new(&[])
        .config("[server]\nstatic = \"static/\"\n")
        .file("scripts/greet.js", script("one"))
        .file("static/page.txt", "one")
        .dev();
    becomes(&mik, "/script/greet", 200, "one").unwrap();
    says(&mik, &["200 GET /script/greet", "script greet"]);
    assert_eq!(mik.text("/static/page.txt"), "one");
    edit(&mik, "scripts/greet.js", &script("two"));
    edit(&mik, "static/page.txt", "two");
    becomes(&mik, "/script/greet", 200, "two").unwrap();
    assert_eq!(mik.text("/static/page.txt"), "two");
    says(&mik, &["nothing to build here"]);
}

/// Whether a process of this number runs.
fn lives(number: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", number.trim())).unwrap_or_default();
    !number.trim().is_empty() && !status.is_empty() && !status.contains("State:\tZ")
}
