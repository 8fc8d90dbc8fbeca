//! Plugins: the two examples, what a plugin may do to requests, and row 40.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use mik_conformance::{
    Cases, Mik, Outcome, PATIENCE, Raw, Setup, build, built, closed, eventually, failed_with,
    repository, request, told, told_with,
};
use tempfile::TempDir;

/// The libraries, built once.
static LIBRARIES: LazyLock<TempDir> = LazyLock::new(|| {
    build(&["--package", "plugin-rust"]);
    build(&["--package", "mik-plugin", "--examples"]);
    TempDir::with_prefix("mik-plugins-").expect("a temporary folder can be made")
});

/// A library that cargo has made.
fn rust(folder: &str, name: &str) -> PathBuf {
    LazyLock::force(&LIBRARIES);
    built().join(folder).join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

/// A library made from C under this name.
fn c(name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let library = LIBRARIES.path().join(name).with_extension("so");
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(repository().join("middleware/plugin/include"))
        .args(flags)
        .arg("-o")
        .args([&library, &repository().join(source)])
        .output()
        .expect("a C compiler, cc");
    assert!(done.status.success(), "{source}: {}", String::from_utf8_lossy(&done.stderr));
    library
}

fn broken(name: &str, flags: &[&str]) -> PathBuf {
    c(name, "middleware/plugin/tests/plugins/broken.c", flags)
}

fn api_key() -> PathBuf {
    rust("", "plugin_rust")
}

/// Does in each hook what the query says; see `middleware/plugin/tests/plugins/trial.rs`.
fn trial() -> PathBuf {
    rust("examples", "trial")
}

fn powered_by() -> PathBuf {
    c("powered_by", "examples/plugin-c/powered_by.c", &[])
}

fn table(path: &Path, more: &str) -> String {
    format!("[[plugin]]\npath = {:?}\n{more}\n", path.display().to_string())
}

/// The value of a counter on the page of metrics; 0 where it is not there.
fn counter(mik: &Mik, name: &str, label: &str) -> u64 {
    let page = mik.text("/metrics");
    let line = page.lines().find(|line| line.starts_with(name) && line.contains(label));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn the_example_in_rust_lets_only_requests_with_a_key_pass() {
    let key = "config = { key = \"open sesame\", open = [\"/health\", \"/metrics\"] }";
    let mik = Mik::run(&["hello", "inspect"], &table(&api_key(), key));
    for wrong in [&[][..], &[("x-api-key", "open")], &[("x-api-key", "open sesame ...")]] {
        let answer = mik.connect().request("GET", "/run/hello/", wrong, b"").unwrap();
        assert_eq!(answer.status(), 401, "{wrong:?}: {answer}");
        assert_eq!(answer.field("www-authenticate"), Some("ApiKey"));
        assert_eq!(answer.field("content-type"), Some("text/plain"));
        assert_eq!(answer.field("content-length"), Some("38"));
        assert_eq!(answer.text(), "send your key in the header x-api-key\n");
    }
    let right = [("X-Api-Key", "open sesame"), ("x-other", "1")];
    let answer = mik.connect().request("GET", "/run/hello/", &right, b"").unwrap();
    assert_eq!((answer.status(), answer.field("x-guarded-by")), (200, Some("api-key")));
    assert_eq!(answer.text(), "Hello from mik!\n");
    let seen = mik.connect().request("GET", "/run/inspect/", &right, b"").unwrap().text();
    assert!(seen.contains("x-other") && !seen.contains("x-api-key"), "{seen}");
    // What no route matches is no way around it.
    assert_eq!(mik.get("/nowhere").unwrap().status(), 401);
    assert_eq!(mik.get("/health").unwrap().status(), 200);
    assert_eq!(counter(&mik, "mik_plugin_api_key_refused_total", ""), 4);
    assert!(mik.log().has("requests need a key in x-api-key"), "{}", mik.stderr());
}

#[test]
fn the_example_in_c_adds_its_header_wherever_it_stands() {
    let key = "config = { key = \"open sesame\" }\n[middleware]\norder = [\"powered-by\"]";
    let config = format!("{}{}", table(&powered_by(), ""), table(&api_key(), key));
    let mik = Mik::run(&["hello"], &config);
    // It is outside of the other one, so that it sees its answers, and outside of what comes with mik.
    let answer = mik.get("/run/hello/").unwrap();
    assert_eq!((answer.status(), answer.field("x-powered-by")), (401, Some("C")), "{answer}");
    let listed = Setup::new(&[]).config(&config).run(&["middleware"]);
    let line = |name: &str| {
        let found = listed.stdout.lines().enumerate().find(|(_, line)| line.contains(name));
        found.unwrap_or_else(|| panic!("{name} is not listed: {}", listed.stdout))
    };
    let (outer, inner) = (line("powered-by"), line("api-key"));
    assert!(outer.0 < inner.0, "{}", listed.stdout);
    assert!(outer.1.contains("edge") && outer.1.contains("powered_by.so"), "{}", outer.1);
}

#[test]
fn a_path_is_relative_to_the_project_and_a_name_may_be_given() {
    let library = std::fs::read(powered_by()).unwrap();
    let config = "[[plugin]]\npath = \"plugins/a.so\"\nname = \"mine\"\n";
    let mik = Setup::new(&["hello"]).config(config).file("plugins/a.so", &library).start();
    assert_eq!(mik.get("/run/hello/").unwrap().field("x-powered-by"), Some("C"));
    let off = format!("{config}enabled = false\n");
    let mik = Setup::new(&["hello"]).config(&off).file("plugins/a.so", &library).start();
    assert_eq!(mik.get("/run/hello/").unwrap().field("x-powered-by"), None);
}

#[test]
fn bodies_are_read_changed_and_refused_as_they_stream() {
    let mik = Mik::run(&["hello", "echo", "stream"], &table(&trial(), ""));
    let mut cases = Cases::of("bodies through a plugin");
    let body = vec![b'x'; 200_000];
    mik.case(&mut cases, "read only", || {
        let target = "/run/echo/?ask=request,response";
        let answer = mik.post(target, &body).map_err(|stop| stop.to_string())?;
        if answer.status() == 200 && answer.body == body {
            return Ok(());
        }
        Err(format!("expected the body back, got {answer}"))
    });
    for (target, expected) in [
        ("/run/echo/?ask=request-changes&request-body=upper", "ABC"),
        ("/run/echo/?ask=response-changes&response-end=append", "abc!"),
        ("/run/echo/?ask=request-changes&request-body=drop&request-end=append", "!"),
    ] {
        mik.case(&mut cases, target, || {
            let answer = mik.post(target, b"abc").map_err(|stop| stop.to_string())?;
            if answer.status() == 200 && answer.text() == expected && answer.is_whole() {
                return Ok(());
            }
            Err(format!("expected {expected:?}, got {answer}"))
        });
    }
    mik.case(&mut cases, "the first chunk comes before the last is made", || {
        let mut raw = mik.connect();
        let target = "/run/stream/?chunks=2&size=3&delay_ms=300&ask=response";
        raw.send(request("GET", target, &[], b"")).map_err(|error| error.to_string())?;
        let mut head = raw.head("GET").map_err(|stop| stop.to_string())?;
        let first = raw.piece(&mut head).map_err(|stop| stop.to_string())?;
        if first.as_deref() == Some(b"aaa") { Ok(()) } else { Err(format!("{first:?}")) }
    });
    mik.case(&mut cases, "a request that is refused at its end", || {
        // The guest has set its head, which has not left yet, or has left: then the answer breaks off.
        let target = "/run/hello/?ask=request&request-end=reply";
        let answer = mik.get(target).map_err(|stop| stop.to_string())?;
        if answer.status() == 403 && answer.text() == "no" && answer.field("x-from").is_some() {
            return Ok(());
        }
        Err(format!("expected 403, got {answer}"))
    });
    cases.finish();
}

#[test]
fn row_40_what_does_not_fit_is_refused_at_the_start() {
    let mut cases = Cases::of("row 40: plugins that cannot be loaded");
    let missing = LIBRARIES.path().join("missing.so");
    let text = LIBRARIES.path().join("text.so");
    std::fs::write(&text, "#!/bin/sh\n").unwrap();
    let unknown = "which version the plugin speaks is unknown";
    for (path, why, theirs) in [
        (missing, "No such file or directory", unknown),
        (text, "it is no dynamic library for this machine", unknown),
        (LIBRARIES.path().to_owned(), "it is no regular file", unknown),
        (broken("symbol", &["-DNO_SYMBOL"]), "it has no symbol `mik_plugin_query`", unknown),
        (broken("major", &["-DMAJOR=9", "-DMINOR=4"]), "another major version", "the plugin, 9.4"),
        (broken("small", &["-DSIZE=16"]), "its table is too small", "the plugin, 1.0"),
        (broken("null", &["-DNO_TABLE"]), "returned NULL", unknown),
        (broken("refuses", &["-DREFUSES"]), "the moon\\nis not full", "the plugin, 1.0"),
        (api_key(), "missing field `key`", "the plugin, 1.0"),
    ] {
        let setup = Setup::new(&["hello"]).config(&table(&path, ""));
        for command in [&["check"][..], &["run", "--port", "0"]] {
            let done = setup.run(command);
            let said = format!("{}{}", done.stdout, done.stderr);
            let name = format!("{} {}", command[0], path.display());
            cases.check(&name, done.code() == Some(1), format!("exit {:?}: {said}", done.code()));
            // The message may be broken into lines.
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let file = path.display().to_string();
            for part in [why, theirs, "This mik speaks version 1.0", &*file, "mik.toml"] {
                let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
                cases.check(&name, said.contains(&part), format!("no {part:?} in: {said}"));
            }
        }
    }
    cases.finish();
}

#[test]
fn row_40_a_plugin_that_fails_is_no_open_door() {
    let mik = Mik::run(&["hello", "echo", "stream"], &table(&trial(), ""));
    let mut cases = Cases::of("row 40: plugins that panic");
    let failures =
        |hook: &str| counter(&mik, "mik_plugin_failures_total", &format!("mik_hook=\"{hook}\""));
    for (query, hook) in [
        ("request=panic", "request_head"),
        ("request=error", "request_head"),
        ("request=bad-reply", "request_head"),
        ("response=panic", "response_head"),
        ("ask=request&request-end=panic", "request_body"),
        ("ask=response&response-end=panic", "response_body"),
    ] {
        // An answer to HEAD has an empty body, whose end comes before the head is sent.
        let method = if hook == "response_body" { "HEAD" } else { "GET" };
        mik.case(&mut cases, query, || {
            let before = failures(hook);
            let sent = request(method, &format!("/run/hello/?{query}"), &[], b"");
            let outcome = fails(&mik, method, &sent);
            let after = failures(hook);
            outcome?;
            if after == before + 1 { Ok(()) } else { Err(format!("{before} failures, {after}")) }
        });
    }
    mik.case(&mut cases, "in the middle of a response", || {
        let sent = request(
            "GET",
            "/run/stream/?chunks=3&size=9&ask=response&response-body=panic",
            &[],
            b"",
        );
        let mut raw = mik.connect();
        let _ = raw.send(&sent);
        let received = raw.collect();
        let outcome = match received.answers.as_slice() {
            [] => closed(&received),
            [answer] if answer.status() == 200 && !answer.is_whole() => Ok(()),
            [answer] => failed_with(answer, 500, "panic"),
            _ => Err("expected at most one answer".to_owned()),
        };
        told_with(outcome, &sent, &received)
    });
    mik.case(&mut cases, "in the middle of a request", || {
        let mut raw = mik.connect();
        let head = "POST /run/echo/?ask=request&request-body=panic HTTP/1.1\r\nhost: t\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        let _ = raw.send(head).and_then(|()| raw.send_chunk(b"abc"));
        let received = raw.collect();
        let outcome = match received.answers.as_slice() {
            [] => closed(&received),
            // The guest answers before it reads, so the head may have left.
            [answer] if answer.status() == 200 && !answer.is_whole() => Ok(()),
            [answer] => failed_with(answer, 500, "panic"),
            _ => Err("expected at most one answer".to_owned()),
        };
        told_with(outcome, head.as_bytes(), &received)
    });
    mik.case(&mut cases, "at the end", || {
        let answer = mik.get("/run/hello/?end=panic").map_err(|stop| stop.to_string())?;
        if answer.text() == "Hello from mik!\n" { Ok(()) } else { Err(answer.to_string()) }
    });
    cases.check("log", mik.log().has("panicked: on trial"), mik.stderr());
    cases.finish();
}

/// 500 and the end of the connection, whatever follows on it.
fn fails(mik: &Mik, method: &str, sent: &[u8]) -> Outcome {
    let mut raw: Raw = mik.connect();
    let _ = raw.send(sent);
    let answer = raw.response_to(method);
    let Ok(response) = &answer else { return Err(format!("expected 500, got {}", told(&answer))) };
    if method == "HEAD" {
        let is_right = response.status() == 500 && response.kind() == Some("panic");
        return if is_right { Ok(()) } else { Err(response.to_string()) };
    }
    failed_with(response, 500, "panic")?;
    if response.text().contains("trial") {
        return Err(format!("the client is told too much: {}", response.text()));
    }
    let received = raw.collect();
    if received.answers.is_empty() { closed(&received) } else { Err("a second answer".to_owned()) }
}

#[test]
fn a_reload_starts_plugins_anew_and_keeps_the_old_ones_where_that_fails() {
    let config = |key: &str| table(&api_key(), &format!("config = {key}"));
    let mik = Mik::run(&["hello"], &config("{ key = \"old\" }"));
    let status = |key: &str| {
        let answer = mik.connect().request("GET", "/run/hello/", &[("x-api-key", key)], b"");
        answer.map(|answer| answer.status()).unwrap_or(0)
    };
    assert_eq!((status("old"), status("new")), (200, 401));
    mik.replace(&mik.path().join("mik.toml"), config("{ key = \"new\" }"));
    mik.reload();
    assert!(eventually(PATIENCE, || (status("old"), status("new")) == (401, 200)));
    mik.replace(&mik.path().join("mik.toml"), config("{ kye = \"newer\" }"));
    mik.reload();
    assert!(mik.log().wait(PATIENCE, &["cannot load the plugin"]).is_some(), "{}", mik.stderr());
    assert_eq!((status("old"), status("new")), (401, 200));
}
