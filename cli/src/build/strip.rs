//! Taking out what no host reads: names, debug information, what tools note for each other.
//!
//! A binary is a head of eight bytes and sections, each an id, a length and its content (WebAssembly core
//! specification, section 5.5; the same for components). Only custom sections are taken out, of the component and
//! of all modules and components in it; everything else is copied byte by byte, so what it does stays the same.

use wasmparser::{BinaryReader, BinaryReaderError, Parser};

use super::BuildError;
use super::openapi;

/// What is left in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Only what is needed to run.
    Needed,
    /// The names of functions as well: the backtrace of a failure tells them.
    Names,
}

/// A component without what is not needed to run it.
pub(super) fn strip(component: &[u8], keep: Keep) -> Result<Vec<u8>, BuildError> {
    let mut stripped = Vec::with_capacity(component.len());
    let broken = |error: BinaryReaderError| BuildError::Broken { reason: error.to_string() };
    copy(component, keep, &mut stripped).map_err(broken)?;
    Ok(stripped)
}

/// Appends a section to a component or module.
pub(super) fn append_custom(name: &str, data: &[u8], binary: &mut Vec<u8>) {
    let mut content = Vec::with_capacity(name.len() + data.len() + 5);
    write_length(name.len(), &mut content);
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(data);
    write_section(CUSTOM, &content, binary);
}

/// The bytes before the first section.
const HEAD: usize = 8;
const CUSTOM: u8 = 0;
/// In a component: a core module.
const MODULE: u8 = 1;
/// In a component: another one.
const COMPONENT: u8 = 4;

fn copy(binary: &[u8], keep: Keep, to: &mut Vec<u8>) -> Result<(), BinaryReaderError> {
    let is_component = Parser::is_component(binary);
    let mut reader = BinaryReader::new(binary, 0);
    to.extend_from_slice(reader.read_bytes(HEAD)?);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let content = reader.read_bytes(length as usize)?;
        match id {
            CUSTOM if !is_needed(BinaryReader::new(content, 0).read_string()?, keep) => {}
            MODULE | COMPONENT if is_component => {
                let mut inner = Vec::with_capacity(content.len());
                copy(content, keep, &mut inner)?;
                write_section(id, &inner, to);
            }
            _ => write_section(id, content, to),
        }
    }
    Ok(())
}

fn write_section(id: u8, content: &[u8], to: &mut Vec<u8>) {
    to.push(id);
    write_length(content.len(), to);
    to.extend_from_slice(content);
}

/// LEB128, without sign.
fn write_length(mut length: usize, to: &mut Vec<u8>) {
    while length > 0x7f {
        to.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
}

/// Whether a custom section stays: what is known to serve only tools goes, what is unknown stays.
fn is_needed(name: &str, keep: Keep) -> bool {
    match name {
        "name" => keep == Keep::Names,
        "producers"
        | "linking"
        | "target_features"
        | "sourceMappingURL"
        | "component-name"
        | "external_debug_info"
        | "dylink.0"
        | openapi::SECTION => false,
        name => {
            let prefixes = [".debug_", "reloc.", "component-type", "wit-component"];
            !prefixes.iter().any(|prefix| name.starts_with(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wasmparser::{Parser, Payload};

    use super::*;
    use crate::build::component::Component;
    use crate::build::toys::{SERVICE, toy};

    /// A component that holds a module, a component, and custom sections everywhere.
    fn sample() -> Vec<u8> {
        let text = r#"(component
            (@custom "producers" "x") (@custom "kept by all" "x")
            (core module $named
                (@custom ".debug_info" "x") (@custom "metadata.code.branch_hint" "\00")
                (func $a_name (export "f")))
            (component (core module (@custom "linking" "x") (@custom "kept" "y") (func $other_name))))"#;
        wat::parse_str(text).unwrap()
    }

    fn sections(binary: &[u8]) -> BTreeSet<String> {
        let payloads = Parser::new(0).parse_all(binary).map(Result::unwrap);
        let name = |payload| match payload {
            Payload::CustomSection(section) => Some(section.name().to_owned()),
            _ => None,
        };
        payloads.filter_map(name).collect()
    }

    #[test]
    fn what_only_tools_read_goes_and_what_is_unknown_stays() {
        let all = sections(&sample());
        assert!(all.contains("name") && all.contains(".debug_info"), "{all:?}");
        let stripped = strip(&sample(), Keep::Needed).unwrap();
        let needed = ["kept", "kept by all", "metadata.code.branch_hint"].map(ToOwned::to_owned);
        assert_eq!(sections(&stripped), needed.clone().into());
        Component::check(stripped).unwrap();
        let named = strip(&sample(), Keep::Names).unwrap();
        let expected = needed.into_iter().chain(["name".to_owned()]).collect();
        assert_eq!(sections(&named), expected);
    }

    #[test]
    fn everything_else_is_copied_byte_by_byte() {
        let component = toy(SERVICE);
        let once = strip(&component, Keep::Needed).unwrap();
        assert!(once.len() < component.len());
        assert_eq!(strip(&once, Keep::Needed).unwrap(), once);
        let mut without = Vec::new();
        for payload in Parser::new(0).parse_all(&component).map(Result::unwrap) {
            match payload {
                Payload::CustomSection(_) => {}
                payload => without.extend(payload.as_section().map(|(id, _)| id)),
            }
        }
        let kept = Parser::new(0).parse_all(&once).map(Result::unwrap);
        let kept: Vec<_> = kept.filter_map(|payload| Some(payload.as_section()?.0)).collect();
        assert_eq!(kept, without);
    }

    #[test]
    fn a_section_is_appended_and_found() {
        let mut component = toy(SERVICE);
        let long = "x".repeat(300);
        append_custom("own", long.as_bytes(), &mut component);
        let found = Parser::new(0).parse_all(&component).find_map(|payload| match payload {
            Ok(Payload::CustomSection(section)) if section.name() == "own" => {
                Some(section.data().to_owned())
            }
            _ => None,
        });
        assert_eq!(found.unwrap(), long.as_bytes());
        Component::check(component).unwrap();
    }

    #[test]
    fn what_is_broken_is_told() {
        let mut cut = sample();
        cut.truncate(cut.len() - 1);
        assert!(strip(&cut, Keep::Needed).is_err());
    }
}
