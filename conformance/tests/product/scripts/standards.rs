//! The classes of the web, by the cases that `mik-javascript` has for them: here in the whole product.

use std::fs;

use mik_conformance::repository;

use super::*;

const FOLDER: &str = "engines/javascript/tests/standards";

/// Runs the cases of one file; says of each `ok` or what it has thrown, and which fail by design.
const RUNS: &str = "
export default async function () {
  const outcomes = {};
  for (const name of Object.keys(cases)) {
    try {
      await cases[name]();
      outcomes[name] = 'ok';
    } catch (error) {
      outcomes[name] = `${error}`;
    }
  }
  return { outcomes, known };
}
";

/// Cases that fail in one engine alone, and why.
const KNOWN: [(&str, &str, &str); 1] = [(
    "boa",
    "clone: buffers are transferred",
    "it has no ArrayBuffer.prototype.transfer, which is what leaves the other one empty",
)];

/// The files of cases, without their ends.
fn files() -> Vec<String> {
    let entries = fs::read_dir(repository().join(FOLDER)).expect("there are cases");
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut files: Vec<_> =
        names.filter_map(|name| Some(name.strip_suffix(".js")?.to_owned())).collect();
    files.sort();
    files
}

fn project(orchestrator: &str, files: &[String]) -> Setup {
    let setup = setup(orchestrator, &[], &[], "timeout = \"60s\"\n");
    files.iter().fold(setup, |setup, file| {
        let path = repository().join(FOLDER).join(file).with_extension("js");
        let text = fs::read(path).expect("a file of cases can be read");
        let script = format!("import cases, * as file from './cases/{file}.js';\nconst known = file.known ?? {{}};\n{RUNS}");
        let setup = setup.file(&format!("scripts/cases/{file}.js"), text);
        setup.file(&format!("scripts/run_{file}.js"), script)
    })
}

#[test]
fn the_classes_of_the_web() {
    on_each("web standards", |orchestrator, cases| {
        let files = files();
        let mik = project(orchestrator, &files).start();
        for file in &files {
            let mut raw = mik.connect();
            let answer = raw.patience(Duration::from_secs(120)).get(&format!("/script/run_{file}"));
            let report = match answer {
                Ok(answer) if answer.status() == 200 => answer.json(),
                other => {
                    let outcome = Err(format!("{}\n{}", told(&other), mik.stderr()));
                    cases.note(file, outcome);
                    continue;
                }
            };
            let outcomes = report["outcomes"].as_object().cloned().unwrap_or_default();
            let (mut passed, mut failed) = (0, 0);
            for (name, outcome) in &outcomes {
                let by_design = report["known"][name].as_str();
                let of_engine = KNOWN.iter().find(|(engine, case, _)| {
                    *engine == orchestrator && **case == format!("{file}: {name}")
                });
                let reason = by_design.or(of_engine.map(|(.., reason)| *reason));
                let result = match (outcome.as_str() == Some("ok"), reason) {
                    (true, None) => Ok(()),
                    (false, Some(reason)) => {
                        eprintln!("{orchestrator}, {file}: {name}: {outcome}: {reason}");
                        failed += 1;
                        Ok(())
                    }
                    (true, Some(_)) => Err("it passes, and is listed as one that fails".to_owned()),
                    (false, None) => Err(outcome.to_string()),
                };
                passed += usize::from(outcome.as_str() == Some("ok"));
                cases.note(&format!("{file}: {name}"), result);
            }
            eprintln!("{orchestrator}, {file}: {passed} pass, {failed} fail for a reason");
            let any = if outcomes.is_empty() { Err("no case ran".to_owned()) } else { Ok(()) };
            cases.note(file, any);
        }
    });
}
