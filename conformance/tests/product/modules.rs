//! The modules of a folder: found, loaded when called, replaced, and let go. Rows 39 and 52.

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use mik_conformance::{Cases, Mik, Outcome, Setup, eventually, failed_with, guest, request, told};

/// A change is noticed within moments; this bounds hanging.
const NOTICED: Duration = Duration::from_secs(20);

const HELLO: &str = "Hello from mik!\n";

fn bytes(name: &str) -> Vec<u8> {
    fs::read(guest(name)).expect("a guest can be read")
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
    Err(format!(
        "GET {target} after {NOTICED:?}: {}; stderr:\n{}",
        told(&mik.get(target)),
        mik.stderr()
    ))
}

#[test]
fn modules_are_loaded_when_they_are_called() {
    let mik = Mik::run(&["hello", "inspect", "echo"], "");
    let counts = || (mik.health()["modules"]["known"].clone(), mik.loaded());
    assert_eq!(counts(), (3.into(), Some(0)));
    mik.text("/run/hello/");
    assert_eq!(counts(), (3.into(), Some(1)));
    mik.text("/run/hello/");
    mik.text("/run/inspect/");
    assert_eq!(counts(), (3.into(), Some(2)));
}

#[test]
fn one_compile_however_many_wait() {
    const CALLERS: usize = 24;
    let mik = Setup::new(&["inspect"]).empty_cache().start();
    let gate = Barrier::new(CALLERS);
    let statuses: Vec<_> = thread::scope(|scope| {
        let callers = (0..CALLERS).map(|_| {
            scope.spawn(|| {
                let mut raw = mik.connect();
                raw.patience(Duration::from_secs(60));
                gate.wait();
                raw.get("/run/inspect/").map(|answer| answer.status())
            })
        });
        let callers: Vec<_> = callers.collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller does not panic")).collect()
    });
    assert_eq!(statuses, vec![Ok(200); CALLERS]);
    let loads = || mik.log().lines().iter().filter(|line| line.contains("\"loaded\"")).count();
    // The log is a moment behind.
    eventually(NOTICED, || loads() > 0);
    assert_eq!(loads(), 1, "stderr:\n{}", mik.stderr());
}

#[test]
fn a_compile_that_outlasts_the_deadline_goes_on() {
    let mik = Setup::new(&["inspect", "hello"])
        .config("[modules.inspect]\ntimeout = \"1ms\"\n")
        .empty_cache()
        .start();
    let answer = mik.get("/run/inspect/").expect("an answer");
    assert!(
        failed_with(&answer, 503, "overloaded").is_ok() && answer.field("retry-after").is_some(),
        "expected 503 with retry-after, got {answer}"
    );
    assert!(
        eventually(NOTICED, || mik.loaded() == Some(1)),
        "it was never loaded: {}",
        mik.health()
    );
}

#[test]
fn the_folder_is_watched() {
    let mik = Mik::run(&["hello"], "");
    let mut cases = Cases::of("changes of the folder");
    mik.case(&mut cases, "a new file", || {
        mik.replace(&mik.module("fresh"), bytes("inspect"));
        becomes(&mik, "/run/fresh/", 200, "\"calls\"")
    });
    mik.case(&mut cases, "a file that is written slowly", || {
        let content = bytes("hello");
        let path = mik.module("slow");
        for end in [0, content.len() / 2, content.len()] {
            fs::write(&path, &content[..end]).map_err(|error| error.to_string())?;
            let _ = mik.get("/run/slow/");
            thread::sleep(Duration::from_millis(300));
        }
        becomes(&mik, "/run/slow/", 200, HELLO)
    });
    mik.case(&mut cases, "a removed file", || {
        fs::remove_file(mik.module("fresh")).map_err(|error| error.to_string())?;
        becomes(&mik, "/run/fresh/", 404, "")
    });
    mik.case(&mut cases, "and put back, as another", || {
        mik.replace(&mik.module("fresh"), bytes("hello"));
        becomes(&mik, "/run/fresh/", 200, HELLO)
    });
    mik.case(&mut cases, "two files of one name", || {
        let other = mik.path().join("modules/fresh-composed.wasm");
        fs::write(&other, bytes("inspect")).map_err(|error| error.to_string())?;
        let told = mik.log().wait(NOTICED, &["fresh.wasm", "fresh-composed.wasm"]);
        let serving = becomes(&mik, "/run/fresh/", 200, HELLO);
        let _ = fs::remove_file(other);
        told.ok_or_else(|| "the log does not name both".to_owned())?;
        serving
    });
    cases.finish();
}

#[test]
fn row_52_a_file_replaced_under_load() {
    const RUNNING: usize = 50;
    let mik = Setup::new(&["hello"]).guest("sleep", "slot").start();
    let mut cases = Cases::of("row 52");
    mik.text("/run/slot/?ms=1");
    mik.case(&mut cases, "old ones finish on the old, new ones get the new", || {
        let mut running: Vec<_> = (0..RUNNING).map(|_| mik.connect()).collect();
        for raw in &mut running {
            let _ = raw.send(request("GET", "/run/slot/?ms=4000", &[], b""));
        }
        if !eventually(NOTICED, || mik.in_flight().is_some_and(|calls| calls >= RUNNING as u64)) {
            return Err(format!("only {:?} are running", mik.in_flight()));
        }
        mik.replace(&mik.module("slot"), bytes("hello"));
        becomes(&mik, "/run/slot/", 200, HELLO)?;
        for raw in &mut running {
            let answer = raw.response().map_err(|stop| stop.to_string())?;
            if answer.text() != "slept 4000\n" {
                return Err(format!("an old one got {answer}"));
            }
        }
        Ok(())
    });
    mik.case(&mut cases, "rubbish", || {
        mik.replace(&mik.module("slot"), "rubbish");
        let line = mik.log().wait(NOTICED, &["slot.wasm", "ERROR"]);
        line.ok_or_else(|| {
            format!("the log says nothing of slot.wasm; stderr:\n{}", mik.stderr())
        })?;
        for _ in 0..10 {
            becomes(&mik, "/run/slot/", 200, HELLO)?;
        }
        Ok(())
    });
    mik.case(&mut cases, "and mended", || {
        mik.replace(&mik.module("slot"), bytes("inspect"));
        becomes(&mik, "/run/slot/", 200, "\"calls\"")
    });
    mik.case(&mut cases, "no request is lost while it is replaced again and again", || {
        let contents = [bytes("hello"), bytes("inspect")];
        for round in 0..6 {
            mik.replace(&mik.module("slot"), &contents[round % 2]);
            for _ in 0..20 {
                let answer = mik.get("/run/slot/").map_err(|stop| stop.to_string())?;
                if answer.status() != 200 {
                    return Err(answer.to_string());
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    });
    cases.finish();
}

/// Files that are no component for HTTP, and a word of the reason that each must be given.
fn row_39_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let component = b"\0asm\x0d\0\x01\0".to_vec();
    let half = bytes("hello");
    let half = half[..half.len() / 2].to_vec();
    vec![
        ("empty", Vec::new(), "empty"),
        ("text", b"not wasm at all".to_vec(), ""),
        ("core-module", b"\0asm\x01\0\0\0".to_vec(), "core module"),
        ("truncated", half, ""),
        ("wrong-world", component, "incoming-handler"),
        ("foreign-aot", [b"\x7fELF\x02\x01\x01\0".as_slice(), &[0; 4_096]].concat(), ""),
        ("huge", Vec::new(), "module_bytes"),
    ]
}

fn with_row_39_files() -> Setup {
    let files = row_39_files();
    let setup = files.iter().fold(Setup::new(&["hello"]), |setup, (name, content, _)| {
        setup.file(&format!("modules/{name}.wasm"), content)
    });
    let huge = fs::OpenOptions::new().write(true).open(setup.path().join("modules/huge.wasm"));
    huge.and_then(|file| file.set_len(100_000_000)).expect("a sparse file can be made");
    setup
}

#[test]
fn row_39_files_that_are_no_component() {
    let mik = with_row_39_files().start();
    let mut cases = Cases::of("row 39");
    for (name, _, reason) in row_39_files() {
        mik.case(&mut cases, name, || {
            for _ in 0..2 {
                let answer = mik.get(&format!("/run/{name}/")).map_err(|stop| stop.to_string())?;
                failed_with(&answer, 500, "load")?;
                if answer.text().contains(".wasm") {
                    return Err(format!("the client is told of files: {answer}"));
                }
            }
            let file = format!("{name}.wasm");
            let line = mik.log().wait(NOTICED, &[&file, reason]);
            line.map(|_| ()).ok_or_else(|| {
                let all = mik.log().lines();
                let about: Vec<_> = all.iter().filter(|line| line.contains(&file)).collect();
                format!("no line names {file} and {reason:?}: {about:?}")
            })
        });
    }
    mik.case(&mut cases, "mended without a restart", || {
        mik.replace(&mik.module("text"), bytes("hello"));
        becomes(&mik, "/run/text/", 200, HELLO)
    });
    cases.finish();
}

#[test]
fn row_39_check_names_every_file_and_reason() {
    let setup = with_row_39_files();
    let checked = setup.run(&["check", "."]);
    let all = format!("{}{}", checked.stdout, checked.stderr);
    let mut cases = Cases::of("mik check, row 39");
    cases.check("exit code", checked.code() == Some(1), format!("{:?}", checked.status));
    for (name, _, reason) in row_39_files() {
        let file = format!("{name}.wasm");
        cases.check(
            name,
            all.contains(&file) && all.contains(reason),
            format!("{file}, {reason:?} not in:\n{all}"),
        );
    }
    cases.check("the good one, too", all.contains("hello"), &all);
    cases.finish();
}

#[test]
fn duplicates_are_an_error_that_names_both() {
    let setup = Setup::new(&["hello"]).guest("echo", "hello-composed");
    for command in [&["run", "--port", "0", "."][..], &["check", "."]] {
        let failed = setup.run(command);
        let all = format!("{}{}", failed.stdout, failed.stderr);
        assert_eq!(failed.code(), Some(1), "{command:?}: {all}");
        assert!(
            all.contains("hello.wasm") && all.contains("hello-composed.wasm"),
            "{command:?}: {all}"
        );
    }
}

#[test]
fn the_least_recently_used_goes() {
    let names = ["hello", "inspect", "echo", "sleep"];
    let mut cases = Cases::of("LRU");
    // Each of these modules takes between a third and a half of a MiB.
    for (name, config, most) in [
        ("by entries", "[cache]\nentries = 2\n", 2),
        ("by bytes", "[cache]\nbytes = \"1MiB\"\n", 2),
    ] {
        let mik = Mik::run(&names, config);
        mik.case(&mut cases, name, || {
            for round in 0..2 {
                for target in ["inspect/", "echo/", "sleep/?ms=1", "inspect/"] {
                    let answer =
                        mik.get(&format!("/run/{target}")).map_err(|stop| stop.to_string())?;
                    let loaded = mik.loaded();
                    if answer.status() != 200
                        || loaded.is_none_or(|loaded| loaded == 0 || loaded > most)
                    {
                        return Err(format!(
                            "round {round}, {target}: {answer}; loaded {loaded:?}"
                        ));
                    }
                }
            }
            Ok(())
        });
    }
    let mik = Mik::run(&names, "[cache]\nentries = 3\n");
    let loads = |module: &str| {
        let of = format!("\"{module}\"");
        mik.log()
            .lines()
            .iter()
            .filter(|line| line.contains("\"loaded\"") && line.contains(&of))
            .count()
    };
    mik.lone_case(&mut cases, "one that is used stays", || {
        for target in
            ["hello/", "inspect/", "echo/", "hello/", "sleep/?ms=1", "hello/", "inspect/", "hello/"]
        {
            mik.text(&format!("/run/{target}"));
            // The order is that of milliseconds.
            thread::sleep(Duration::from_millis(5));
        }
        let found = (loads("hello"), loads("inspect"));
        if found == (1, 2) { Ok(()) } else { Err(format!("loads of hello and inspect: {found:?}")) }
    });
    cases.finish();
}
