//! Scripts, as far as the cases of the suite cannot tell: overlap, what threads and memory come to, large bodies both
//! ways at once, the example as it stands. Most of it on each orchestrator. Row 38.

mod example;
mod failures;
mod limits;
mod loading;
mod overlap;
mod standards;
mod streams;
mod threads;

use std::time::Duration;

use mik_conformance::{
    Cases, HELLO, Mik, Outcome, Response, Setup, eventually, failed_with, orchestrators, request,
    same, told,
};
use serde_json::{Value, json};

use crate::cli::ends;
use crate::metrics::Page;

/// How long a test waits for what must come.
const BOUND: Duration = Duration::from_secs(20);

/// The script that is asked while others misbehave.
const INNOCENT: (&str, &str) = (
    "innocent.js",
    "export default async (_, host) => `${(await host.call(\"hello\")).body.trim()} And from a script.`;\n",
);
/// What it answers, and the module.
const INNOCENTS: [(&str, &str); 2] =
    [HELLO, ("/script/innocent", "\"Hello from mik! And from a script.\"")];

/// Runs the same cases on each orchestrator; all that fail are told at once.
fn on_each(row: &'static str, test: impl Fn(&'static str, &mut Named<'_>)) {
    let mut cases = Cases::of(row);
    for orchestrator in orchestrators() {
        test(orchestrator, &mut Named { cases: &mut cases, orchestrator });
    }
    cases.finish();
}

/// Cases that say on which orchestrator they ran.
struct Named<'a> {
    cases: &'a mut Cases,
    orchestrator: &'static str,
}

impl Named<'_> {
    /// A case beside innocent requests, to a module and to a script.
    fn case(&mut self, mik: &Mik, name: &str, fault: impl FnOnce() -> Outcome) {
        let name = self.name(name);
        mik.case_beside(self.cases, &name, &INNOCENTS, fault);
    }

    /// A case that counts what is in flight, or needs every thread.
    fn lone_case(&mut self, mik: &Mik, name: &str, fault: impl FnOnce() -> Outcome) {
        let name = self.name(name);
        mik.lone_case(self.cases, &name, fault);
    }

    fn note(&mut self, name: &str, outcome: Outcome) {
        let name = self.name(name);
        self.cases.note(&name, outcome);
    }

    fn name(&self, name: &str) -> String {
        format!("{}, {name}", self.orchestrator)
    }
}

/// A project of these guests, `hello`, and these scripts, by the names of their files, and the innocent
/// one. `config` goes on within `[orchestrator]`.
fn setup(orchestrator: &str, guests: &[&str], scripts: &[(&str, &str)], config: &str) -> Setup {
    let setup = scripts.iter().chain([&INNOCENT]).fold(Setup::new(&["hello"]), put);
    let setup = guests.iter().fold(setup, |setup, guest| setup.guest(guest, guest));
    // What cannot stop a script starts for trusted ones only.
    let trusted = orchestrator == "boa";
    setup.config(&format!(
        "[orchestrator]\nname = \"{orchestrator}\"\ntrusted_scripts = {trusted}\n{config}"
    ))
}

fn put(setup: Setup, (name, text): &(&str, &str)) -> Setup {
    setup.file(&format!("scripts/{name}"), text)
}

/// The answer to a request on a connection of its own.
fn send(
    mik: &Mik,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    body: &str,
) -> Result<Response, String> {
    let answer = mik.connect().request(method, target, fields, body.as_bytes());
    answer.map_err(|stop| format!("{method} {target}: {stop}"))
}

fn get(mik: &Mik, target: &str) -> Result<Response, String> {
    send(mik, "GET", target, &[], "")
}

fn post_json(mik: &Mik, target: &str, body: &str) -> Result<Response, String> {
    send(mik, "POST", target, &[("content-type", "application/json")], body)
}

/// It is answered with this status and this JSON.
fn gives(answer: Result<Response, String>, status: u16, expected: &Value) -> Outcome {
    let answer = answer?;
    match answer.status() == status && answer.json() == *expected && answer.is_whole() {
        true => Ok(()),
        false => Err(format!("expected {status} with {expected}, got {answer}")),
    }
}

/// It fails with this status and kind.
fn fails(answer: Result<Response, String>, status: u16, kind: &str) -> Outcome {
    failed_with(&answer?, status, kind)
}

/// The log has, or comes to have, a line after `mark` with all of these texts.
fn logs(mik: &Mik, mark: usize, texts: &[&str]) -> Result<String, String> {
    let mut found = None;
    eventually(BOUND, || {
        let lines = mik.log().since(mark);
        found = lines.into_iter().find(|line| texts.iter().all(|text| line.contains(text)));
        found.is_some()
    });
    found.ok_or_else(|| {
        let lines = mik.log().since(mark);
        let lines = lines.iter().rev().filter(|line| !line.contains("mik::access"));
        let lines: Vec<_> = lines.take(20).collect();
        format!("no line with {texts:?}; the last ones: {lines:#?}")
    })
}

/// A series of the metrics comes to this value.
fn measures(mik: &Mik, name: &str, labels: &[(&str, &str)], value: f64) -> Outcome {
    let mut found = 0.0;
    let holds = eventually(BOUND, || {
        found = Page::of(mik).value(name, labels);
        found == value
    });
    if holds { Ok(()) } else { Err(format!("{name}{labels:?} is {found}, not {value}")) }
}
