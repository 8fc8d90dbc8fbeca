//! All middleware at once, around all guests.

use std::path::Path;
use std::process::Command;

use mik_conformance::{Cases, Mik, Setup, failed_with, repository, told};

const CONFIG: &str = r#"
[server]
static = "public"
[middleware.request-id]
[middleware.trace]
[middleware.access-log]
[middleware.metrics]
[middleware.headers]
security = true
set = { x-served-by = "mik" }
[middleware.cors]
origins = ["https://app.example"]
[middleware.compression]
codings = ["zstd", "br", "gzip"]
inflate = true
[middleware.rate-limit]
requests = 100000
per = "1m"
burst = 100000
[middleware.body-limit]
bytes = "1MiB"
[middleware.deadline]
time = "20s"
[middleware.retry]
[middleware.breaker]
upstream = true
[middleware.concurrency]
limit = 50
queue = 10
[middleware.fault]
delay = { rate = 0.1, time = "1ms" }
seed = 7

[modules.inspect.auth]
tokens = [{ env = "API_TOKEN" }]
[modules.upstream]
allowed_hosts = ["hello.mik.internal"]
[modules.recurse]
allowed_hosts = ["recurse.mik.internal"]
"#;

const GUESTS: [&str; 16] = [
    "echo", "fields", "flood", "greedy", "half", "hello", "hog", "inspect", "recurse", "silent",
    "sleep", "spin", "sse", "stream", "trap", "upstream",
];

/// The plugin of `examples/plugin-c`; `None` where there is no C compiler.
fn plugin(folder: &Path) -> Option<String> {
    let library = folder.join("plugin.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-I"])
        .arg(repository().join("middleware/plugin/include"))
        .arg("-o")
        .arg(&library)
        .arg(repository().join("examples/plugin-c/powered_by.c"))
        .status();
    let built = built.ok()?;
    assert!(built.success(), "examples/plugin-c does not compile");
    Some(format!("[[plugin]]\npath = {:?}\n", library.display().to_string()))
}

fn start(folder: &Path) -> Mik {
    let config = format!("{CONFIG}{}", plugin(folder).unwrap_or_default());
    let setup = Setup::new(&GUESTS).config(&config).env("API_TOKEN", "s3cret-token-of-a-test");
    setup.file("public/a.txt", "a file\n").start()
}

#[test]
fn a_project_with_all_middleware_serves_every_guest() {
    let folder = tempfile::tempdir().unwrap();
    let mik = start(folder.path());
    let mut cases = Cases::of("all middleware at once");
    for (target, text) in [
        ("/run/hello/", "Hello from mik!\n"),
        ("/run/fields/?count=3", ""),
        ("/run/flood/?bytes=100", "ok"),
        ("/run/greedy/?random=16", "ok"),
        ("/run/half/?how=ok", "hhhhhhhhhh"),
        ("/run/hog/?mib=4&how=dirty", "4"),
        ("/run/recurse/?depth=3&name=recurse", "bottom"),
        ("/run/sleep/?ms=5", "slept 5"),
        ("/run/spin/?ms=5", "spun 5"),
        ("/run/sse/?events=3&ms=1", "data: 2"),
        ("/run/stream/?chunks=4&size=1000", "ddd"),
        ("/run/upstream/?url=http%3A%2F%2Fhello.mik.internal%2F", "Hello from mik!"),
        ("/static/a.txt", "a file\n"),
        ("/health", "ready"),
        ("/metrics", "http_server_request_duration_seconds_count"),
    ] {
        mik.case(&mut cases, target, || {
            let answer = mik.get(target).map_err(|stop| stop.to_string())?;
            let found = answer.status() == 200 && answer.is_whole() && answer.text().contains(text);
            let dressed = answer.field("x-served-by") == Some("mik")
                && answer.field("x-content-type-options") == Some("nosniff")
                && answer.field("x-request-id").is_some();
            if found && dressed { Ok(()) } else { Err(format!("expected {text:?}: {answer}")) }
        });
    }
    for (target, kind) in [("/run/trap/", "trap"), ("/run/silent/", "no-response")] {
        mik.case(&mut cases, target, || {
            failed_with(&mik.get(target).map_err(|stop| stop.to_string())?, 500, kind)
        });
    }
    mik.case(&mut cases, "a body goes in and out", || {
        let body = vec![b'x'; 100_000];
        let answer = mik.post("/run/echo/", &body);
        match &answer {
            Ok(echoed) if echoed.status() == 200 && echoed.body == body => Ok(()),
            _ => Err(told(&answer)),
        }
    });
    mik.case(&mut cases, "who may not", || {
        let answer = mik.get("/run/inspect/").map_err(|stop| stop.to_string())?;
        failed_with(&answer, 401, "unauthorized")
    });
    mik.case(&mut cases, "who may", || {
        let token = [("authorization", "Bearer s3cret-token-of-a-test")];
        let answer = mik.connect().request("GET", "/run/inspect/", &token, b"");
        let answer = answer.map_err(|stop| stop.to_string())?;
        let told = format!("{answer} {}", answer.text());
        match answer.status() {
            200 if !answer.text().contains("s3cret") => Ok(()),
            _ => Err(told),
        }
    });
    cases.finish();
    assert!(!mik.stderr().contains("s3cret"), "a secret in the log");
}

#[test]
fn what_is_on_is_listed_in_its_order() {
    let setup = Setup::new(&["hello"]).config(CONFIG).env("API_TOKEN", "s3cret-token-of-a-test");
    let setup = setup.file("public/a.txt", "");
    let listed = setup.run(&["middleware", "--json"]);
    assert_eq!(listed.code(), Some(0), "{}", listed.stderr);
    let list: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).unwrap();
    let on = list.iter().filter(|line| line["on"] == true);
    let names: Vec<_> = on.map(|line| line["name"].as_str().unwrap()).collect();
    let expected = [
        "request-id",
        "trace",
        "access-log",
        "metrics",
        "headers",
        "cors",
        "compression",
        "rate-limit",
        "auth",
        "body-limit",
        "deadline",
        "static",
        "retry",
        "breaker",
        "concurrency",
        "fault",
    ];
    assert_eq!(names, expected);
    let breaker = list.iter().find(|line| line["name"] == "breaker").unwrap();
    assert_eq!(breaker["rings"], serde_json::json!(["call", "upstream"]));
    assert_eq!((&breaker["from"], &breaker["order"]), (&"built in".into(), &14.into()));
    let otlp = list.iter().find(|line| line["name"] == "otlp").unwrap();
    assert_eq!(otlp["from"], "not compiled in: build with --features otlp");

    let listed = setup.run(&["middleware"]);
    let line = |name| listed.stdout.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("retry").contains("call"), "{}", listed.stdout);
    let setup = setup.config("[middleware]\norder = [\"access-log\", \"nonsense\"]\n");
    let listed = setup.run(&["middleware"]);
    assert_eq!(listed.code(), Some(1));
    assert!(listed.stderr.contains("there is no middleware \"nonsense\""), "{}", listed.stderr);
    assert!(listed.stdout.lines().nth(1).unwrap().contains("access-log"), "{}", listed.stdout);
}

#[test]
fn every_key_is_in_the_schema_and_in_the_report() {
    let setup = Setup::new(&["hello"]).config(CONFIG).env("API_TOKEN", "s3cret-token-of-a-test");
    let setup = setup.file("public/a.txt", "");
    let schema: serde_json::Value = serde_json::from_str(&setup.run(&["schema"]).stdout).unwrap();
    let breaker = &schema["properties"]["middleware"]["properties"]["breaker"];
    assert!(breaker["properties"]["max_open"]["description"].is_string(), "{breaker}");
    let report = setup.run(&["check"]);
    assert_eq!(report.code(), Some(0), "{}", report.stdout);
    for key in
        ["middleware.concurrency.limit", "middleware.breaker.upstream", "modules.inspect.auth"]
    {
        assert!(report.stdout.contains(key), "{key}\n{}", report.stdout);
    }
    assert!(!report.stdout.contains("s3cret"), "{}", report.stdout);
}

#[test]
fn every_mistake_in_tables_of_middleware_is_told_at_once() {
    let config = "[middleware.breaker]\nopne = \"1s\"\nconsecutive = \"many\"\nwindow = \"1ms\"\n\
                  [modules.hello.concurrency]\nlimit = 0\n[modules.hello.breker]\nopen = \"1s\"\n";
    let checked = Setup::new(&["hello"]).config(config).run(&["check"]);
    assert_eq!(checked.code(), Some(1));
    for told in [
        "unknown key `opne` in [middleware.breaker]",
        "did you mean `open`?",
        "mik.toml:3:",
        "mik.toml:4:",
        "mik.toml:6:",
        "unknown key `breker` in [modules.hello]",
        "did you mean `breaker`?",
    ] {
        assert!(checked.stdout.contains(told), "{told}\n{}", checked.stdout);
    }
}
