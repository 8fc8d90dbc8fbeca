//! Whether each row of the table of inputs and faults has its line in the README, with the cases that it has.

use std::collections::BTreeMap;
use std::fs;

use mik_conformance::{repository, rows};

/// The rows that bind as soon as their feature exists: the response cache, HTTP/2.
const LATER: [u16; 4] = [43, 44, 48, 49];
/// The last row.
const LAST: u16 = 52;

/// A line of the table with its cases as they are: `| row | about | cases | beside these |`.
fn line(line: &str, rows: &BTreeMap<u16, String>) -> Option<(u16, String)> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [row, about, _, beside] = cells[..] else { return None };
    let row = row.parse().ok()?;
    let cases = rows.get(&row).map_or("not yet", String::as_str);
    Some((row, format!("| {row} | {about} | {cases} | {beside} |")))
}

#[test]
fn the_readme_has_a_line_for_each_with_its_cases() {
    let path = repository().join("conformance/README.md");
    let text = fs::read_to_string(&path).unwrap();
    let rows: BTreeMap<_, _> = rows()
        .unwrap()
        .into_iter()
        .map(|(row, topics)| {
            let topics: Vec<_> = topics.into_iter().map(|topic| format!("`{topic}`")).collect();
            (row, topics.join(", "))
        })
        .collect();
    for row in (1..=LAST).filter(|row| !LATER.contains(row)) {
        assert!(rows.contains_key(&row), "row {row} has no case");
    }
    let mut seen = Vec::new();
    let lines = text.lines().map(|old| match line(old, &rows) {
        Some((row, new)) => {
            seen.push(row);
            new
        }
        None => old.to_owned(),
    });
    let new = lines.map(|line| line + "\n").collect::<String>();
    assert_eq!(seen, (1..=LAST).collect::<Vec<_>>(), "the rows of the README");
    if std::env::var_os("MIK_BLESS").is_some() {
        fs::write(&path, &new).unwrap();
    }
    assert!(
        text == new || std::env::var_os("MIK_BLESS").is_some(),
        "the rows of conformance/README.md are not those of the cases: \
         MIK_BLESS=1 cargo test -p mik-conformance --test product rows"
    );
}
