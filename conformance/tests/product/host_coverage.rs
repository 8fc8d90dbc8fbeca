//! The list of what is proven of the host of WASI is whole and true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use mik_conformance::repository;
use toml::Value;

const CASES: &str = "conformance/cases/host";
const WIT: [&str; 2] = ["sdk/wit/deps/http.wit", "sdk/wit/deps/io.wit"];

#[test]
fn every_function_and_error_code_has_a_case_or_a_reason() {
    let listed = listed();
    let items: BTreeSet<String> = WIT.iter().flat_map(|path| items(&read(path))).collect();
    let missing: Vec<_> = items.iter().filter(|item| !listed.contains_key(*item)).collect();
    let unknown: Vec<_> = listed.keys().filter(|item| !items.contains(*item)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}; unknown: {unknown:?}");
}

#[test]
fn the_cases_that_are_listed_are_about_what_they_are_listed_for() {
    let specs = specs();
    let wrong: Vec<String> = listed()
        .into_iter()
        .filter_map(|(item, case)| {
            let case = case?;
            match specs.get(&case) {
                None => Some(format!("{item}: there is no case {case}")),
                Some(spec) if names(spec, &item) => None,
                Some(spec) => Some(format!("{item}: the spec of {case} is {spec:?}")),
            }
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the tables: the name, and the case if there is one in place of a reason.
fn listed() -> BTreeMap<String, Option<String>> {
    let rows = read(&format!("{CASES}/README.md"));
    let row = |line: &str| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        let case = rest.strip_prefix('`').and_then(|rest| rest.split_once('`'));
        let case = case.map(|(case, _)| case.to_owned()).filter(|case| case.contains("::"));
        Some((name.to_owned(), case))
    };
    rows.lines().filter_map(row).collect()
}

/// What each case is about, by `topic::id`.
fn specs() -> BTreeMap<String, String> {
    let folder = fs::read_dir(repository().join(CASES)).expect("there are cases");
    let mut specs = BTreeMap::new();
    for path in folder.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let topic = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = fs::read_to_string(&path).expect("a file of cases can be read");
        let file: toml::Table = file.parse().expect("a file of cases is TOML");
        let text = |table: &toml::Table, key| {
            table.get(key).and_then(Value::as_str).map(ToOwned::to_owned)
        };
        for case in file["case"].as_array().into_iter().flatten().filter_map(Value::as_table) {
            let spec = text(case, "spec").or_else(|| text(&file, "spec")).unwrap_or_default();
            specs.insert(format!("{topic}::{}", text(case, "id").unwrap_or_default()), spec);
        }
    }
    specs
}

/// Whether a `spec` has this item. The one function of a handler's interface has the interface before it.
fn names(spec: &str, item: &str) -> bool {
    let words: Vec<&str> = spec.split([' ', ',', ';']).collect();
    match item.strip_suffix(".handle") {
        Some(interface) => spec.contains(interface) && words.contains(&"handle"),
        None => words.contains(&item),
    }
}

/// The functions and the cases of the error types in a file of WIT, those of a resource behind its name.
fn items(wit: &str) -> Vec<String> {
    let (mut interface, mut within) = ("", None);
    let mut items = Vec::new();
    for line in wit.lines() {
        let opened = |what: &str| Some(line.strip_prefix(what)?.strip_suffix(" {")?.trim());
        if let Some(name) = opened("interface ") {
            interface = name;
        } else if let Some(name) = opened("  resource ") {
            within = Some((name, false));
        } else if let Some(name) = opened("  variant ") {
            within = name.ends_with("-error").then_some((name, true));
            within = within.or((name == "error-code").then_some((name, true)));
        } else if line == "  }" {
            within = None;
        } else if let Some(name) = item(line, within.is_some_and(|(_, is_variant)| is_variant)) {
            items.push(match within {
                Some((owner, _)) => format!("{owner}.{name}"),
                None if interface.ends_with("handler") => format!("{interface}.{name}"),
                None => name.to_owned(),
            });
        }
    }
    items
}

/// The name of the function, or of the case of a variant, that this line declares.
fn item(line: &str, in_variant: bool) -> Option<&str> {
    let line = line.trim_start();
    if line.starts_with("//") || line.starts_with('@') {
        return None;
    }
    if in_variant {
        return line.split([',', '(']).next().filter(|name| !name.is_empty());
    }
    if line.starts_with("constructor(") {
        return Some("constructor");
    }
    let (name, rest) = line.split_once(": ")?;
    let is_function = rest.starts_with("func(") || rest.starts_with("static func(");
    is_function.then(|| name.trim_start_matches('%'))
}
