//! A middleware of one's own: the crate in `examples/middleware`, in a binary that has it.

use std::fs;

use mik_conformance::{Setup, eventually, mik_with_maintenance};

fn project(config: &str) -> Setup {
    Setup::new(&["hello"]).binary(mik_with_maintenance()).config(config)
}

#[test]
fn it_reads_its_own_table_and_answers() {
    let config = "[middleware.maintenance]\nfile = \"off\"\nretry_after = \"5m\"\n";
    let mik = project(config).start();
    assert_eq!(mik.text("/run/hello/"), "Hello from mik!\n");
    fs::write(mik.path().join("off"), "").unwrap();
    let answer = mik.get("/run/hello/").unwrap();
    assert_eq!((answer.status(), answer.field("retry-after")), (503, Some("300")));
    assert_eq!(answer.text(), "Back soon.\n");
    assert_eq!(mik.get("/health").unwrap().status(), 200);
    fs::remove_file(mik.path().join("off")).unwrap();
    assert_eq!(mik.get("/run/hello/").unwrap().status(), 200);
    // What stands outside of it is not left out: its answer is logged like any other.
    let logged = |line: &String| line.contains("mik::access") && line.contains("\"status\":503");
    assert!(eventually(mik_conformance::PATIENCE, || mik.log().lines().iter().any(logged)));
}

#[test]
fn what_is_wrong_with_its_table_is_told_with_its_place() {
    for (table, told) in [
        ("fiel = \"x\"", "unknown field `fiel`"),
        ("retry_after = \"1ms\"", "a time from 1s to 24h"),
        ("except = [\"health\"]", "does not start with \"/\""),
    ] {
        let setup = project(&format!("[middleware.maintenance]\n{table}\n"));
        let checked = setup.run(&["check"]);
        assert_eq!(checked.code(), Some(1), "{table}");
        assert!(checked.stdout.contains(told), "{table}: {}", checked.stdout);
        assert!(checked.stdout.contains("mik.toml"), "{table}: {}", checked.stdout);
    }
}

#[test]
fn it_is_listed_with_where_it_comes_from() {
    let listed = project("[middleware.maintenance]\n").run(&["middleware"]);
    assert_eq!(listed.code(), Some(0), "{}", listed.stderr);
    let line = listed.stdout.lines().find(|line| line.contains("maintenance")).unwrap();
    assert!(line.contains("edge") && line.contains("the crate mik-maintenance"), "{line}");
    let off = project("").run(&["middleware"]);
    let line = off.stdout.lines().find(|line| line.contains("maintenance")).unwrap();
    assert!(line.trim_start().starts_with("off"), "{line}");
}
