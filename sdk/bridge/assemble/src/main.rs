//! Makes the bridge of `component.wat` and the core module that the crate compiles to.
//!
//! `assemble component.wat code.wasm bridge.wasm`

use std::error::Error;
use std::fs;

use wasm_encoder::{Component, ComponentSectionId, Module, RawSection};
use wasmparser::{Parser, Validator};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [text, code, out] = arguments.as_slice() else {
        return Err("usage: assemble component.wat code.wasm bridge.wasm".into());
    };
    let bridge = assemble(&wat::parse_file(text)?, &fs::read(code)?)?;
    Validator::new().validate_all(&bridge)?;
    fs::write(out, bridge)?;
    Ok(())
}

/// The component with the code in the place of its empty module. No names, no word of what made it.
fn assemble(component: &[u8], code: &[u8]) -> Result<Vec<u8>> {
    let mut assembled = Component::new();
    for (id, data) in sections(component)? {
        if id != ComponentSectionId::CoreModule as u8 {
            assembled.section(&RawSection { id, data });
            continue;
        }
        let module = if sections(data)?.is_empty() { code } else { data };
        assembled.section(&RawSection { id, data: &stripped(module)? });
    }
    Ok(assembled.finish())
}

/// A core module without its custom sections.
fn stripped(module: &[u8]) -> Result<Vec<u8>> {
    let mut stripped = Module::new();
    for (id, data) in sections(module)? {
        stripped.section(&RawSection { id, data });
    }
    Ok(stripped.finish())
}

/// The sections of a component or module, with their numbers, less the custom ones.
fn sections(wasm: &[u8]) -> Result<Vec<(u8, &[u8])>> {
    const CUSTOM: u8 = 0;
    let mut sections = Vec::new();
    let mut end = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let Some((id, range)) = payload?.as_section() else { continue };
        // The sections of what is nested come, too.
        if range.start < end {
            continue;
        }
        end = range.end;
        if id != CUSTOM {
            sections.push((id, &wasm[usize::try_from(range.start)?..usize::try_from(range.end)?]));
        }
    }
    Ok(sections)
}
