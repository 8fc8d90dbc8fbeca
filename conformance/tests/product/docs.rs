//! The documentation says what is: `docs/configuration.md` is what the schema gives, every example of a `mik.toml`
//! is one that mik takes, every block of Rust about the SDKs compiles, and every link leads somewhere.

mod configuration;
mod markdown;
mod rust;

use std::fs;
use std::path::PathBuf;

use mik_conformance::{Cases, Outcome, repository};

use markdown::{Block, Page};

/// What brings the generated page up to date.
const COMMAND: &str = "MIK_BLESS=1 cargo test -p mik-conformance --test product docs";

#[test]
fn the_page_on_configuration_is_what_the_schema_gives() {
    let path = repository().join("docs/configuration.md");
    let now = fs::read_to_string(&path).expect("docs/configuration.md can be read");
    let (head, _) = now.split_once(configuration::MARK).expect("it says where the tables begin");
    let tables = configuration::page(&mik::config::schema(&mik::registry()));
    let fresh = format!("{head}{}\n\n{tables}", configuration::MARK);
    if std::env::var_os("MIK_BLESS").is_some() {
        return fs::write(&path, fresh).expect("docs/configuration.md can be written");
    }
    let differs = now.lines().zip(fresh.lines()).position(|(now, fresh)| now != fresh);
    let line = differs.unwrap_or_else(|| now.lines().count().min(fresh.lines().count())) + 1;
    assert!(
        now == fresh,
        "docs/configuration.md is not what the schema of mik.toml gives, from line {line} on; to bring it up to \
         date:\n  {COMMAND}"
    );
}

#[test]
fn every_example_of_mik_toml_is_read() {
    let registry = mik::registry();
    let mut cases = Cases::of("examples of mik.toml");
    for page in pages() {
        for Block { line, text, .. } in page.blocks().filter(Block::is_config) {
            let document =
                mik::config::Document { path: page.name.clone().into(), text: text.into() };
            let read = mik::config::parse(&document, &registry);
            let outcome = read.map(drop).map_err(|problems| problems.to_string());
            cases.note(&format!("{}:{line}", page.name), outcome);
        }
    }
    cases.finish();
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut cases = Cases::of("links of the documentation");
    for page in &pages {
        for (line, target) in page.links() {
            cases.note(&format!("{}:{line}: {target}", page.name), leads(page, target));
        }
    }
    cases.finish();
}

/// Whether there is what a link names. Whatever lies outside of the repository is not asked for.
fn leads(page: &Page, target: &str) -> Outcome {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.path.parent().expect("a page lies in a folder");
    let to = if path.is_empty() { page.path.clone() } else { folder.join(path) };
    if !to.exists() {
        return Err("nothing is there".to_owned());
    }
    if anchor.is_empty() || Page::open(&to).anchors().any(|known| known == anchor) {
        return Ok(());
    }
    Err(format!("{} has no heading for #{anchor}", to.display()))
}

/// README.md and all of docs/.
fn pages() -> Vec<Page> {
    let docs = repository().join("docs").read_dir().expect("docs/ can be read").flatten();
    let mut paths: Vec<PathBuf> = docs.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.push(repository().join("README.md"));
    paths.sort();
    paths.iter().map(|path| Page::open(path)).collect()
}
