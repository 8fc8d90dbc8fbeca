//! What is told of scripts. Modules are looked at by the tests of the product, with a real engine.

use std::fs;

use super::*;
use crate::args::ProjectArgs;
use crate::rig::Rig;

fn report(toml: &str, scripts: &[(&str, &str)]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mik.toml"), toml).unwrap();
    fs::create_dir(folder.path().join("scripts")).unwrap();
    for (file, text) in scripts {
        fs::write(folder.path().join("scripts").join(file), text).unwrap();
    }
    let project = ProjectArgs {
        path: Some(folder.path().into()),
        engine: Some("fake".into()),
        ..ProjectArgs::default()
    };
    Report::make(&CheckArgs { project, json: false }, &Rig::new().registry).unwrap()
}

#[test]
fn each_script_is_told_with_its_routes_limits_and_grants() {
    let toml =
        "[orchestrator]\ntimeout = \"3s\"\n[scripts.a]\nmodules = []\nenv = { KEY = \"secret\" }\n";
    let report = report(toml, &[("a.ts", "x"), ("b.js", "y")]);
    let text = report.to_text();
    assert!(report.is_well(), "{text}");
    for part in [
        "orchestrator   lines",
        "scripts: 2",
        "a: TypeScript, 1KiB,",
        "/script/a/*",
        "timeout 3s",
        "memory 64MiB",
        "lib/part.js",
        "b: JavaScript",
        "orchestrator.timeout",
        "orchestrator.queue",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("secret"), "{text}");
    let json = report.to_json();
    let [a, b] = [&json["scripts"][0], &json["scripts"][1]];
    assert_eq!((&a["name"], &a["limits"]["timeout"]), (&"a".into(), &"3s".into()));
    assert_eq!(a["access"][0]["how"], "none");
    assert_eq!(a["access"][1]["how"], "KEY");
    assert_eq!(b["access"][0]["how"], "all");
    assert_eq!(json["orchestrator"]["name"], "lines");
    assert_eq!(json["orchestrator"]["capabilities"]["untrusted"], false);
}

#[test]
fn a_script_that_does_not_load_is_shown_with_its_place() {
    let report = report("", &[("a.js", "fine\nbroken"), ("b.js", "fine")]);
    assert!(!report.is_well());
    let text = report.to_text();
    assert!(text.contains("a: JavaScript, does not load"), "{text}");
    assert!(text.contains("a.js: broken, line 2\n  2 | broken\n    | ^^^^^^"), "{text}");
    let json = report.to_json();
    assert!(json["scripts"][0]["error"].as_str().unwrap().contains("line 2"));
    assert!(json["scripts"][1]["error"].is_null());
    assert_eq!(json["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn an_orchestrator_that_refuses_to_start_is_a_problem() {
    let report = report("[orchestrator]\nqueue = 13\n", &[("a.js", "fine")]);
    let text = report.to_text();
    assert!(!report.is_well() && text.contains("error: queue = 13 brings bad luck"), "{text}");
}
