//! A core module as a component.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::Parser;
use wit_component::ComponentEncoder;

use super::BuildError;

/// A component as it is. A core module becomes one by the type that is embedded in it; what it imports of
/// WASI 0.1 is adapted.
pub(super) fn to_component(bytes: Vec<u8>) -> Result<Vec<u8>, BuildError> {
    if Parser::is_component(&bytes) {
        return Ok(bytes);
    }
    let invalid = |reason: String| BuildError::NoComponent { reason };
    if !Parser::is_core_wasm(&bytes) {
        return Err(invalid("what the build has left is no WebAssembly".to_owned()));
    }
    encode(&bytes).map_err(|error| {
        invalid(format!(
            "the core module that the build has left cannot be made a component: {error}\n\
             Its type must be embedded: link the object that wit-bindgen makes for its world"
        ))
    })
}

fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    let (name, adapter) =
        (WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER);
    let encoder = encoder.and_then(|encoder| encoder.adapter(name, adapter));
    encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::toys::{coded, module};
    use crate::inspect::Inspection;

    const COUNTER: &str = "export local:store/counter@1.0.0;";

    #[test]
    fn a_component_stays_as_it_is() {
        let next = r#"(func (export "local:store/counter@1.0.0#next") (result i32) (i32.const 1))"#;
        let component = coded(COUNTER, &format!("(module {next})"));
        assert_eq!(to_component(component.clone()).unwrap(), component);
    }

    #[test]
    fn a_module_becomes_what_its_type_says() {
        let component = to_component(module(COUNTER)).unwrap();
        let inspection = Inspection::of(&component).unwrap();
        assert!(inspection.exports.contains("local:store/counter@1.0.0"), "{inspection:?}");
        assert!(inspection.imports.is_empty(), "{inspection:?}");
    }

    #[test]
    fn imports_of_the_first_wasi_are_adapted() {
        let module = wat::parse_str(
            r#"(module
                (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
                (memory (export "memory") 1)
                (func (export "_initialize")))"#,
        );
        let inspection = Inspection::of(&to_component(module.unwrap()).unwrap()).unwrap();
        let is_random = |name: &String| name.starts_with("wasi:random/random@0.2.");
        assert!(inspection.imports.iter().any(is_random), "{inspection:?}");
    }

    #[test]
    fn what_cannot_be_one_says_what_to_do() {
        let told = |bytes: &[u8]| to_component(bytes.to_owned()).unwrap_err().to_string();
        assert!(told(b"#!/bin/sh").contains("no WebAssembly"));
        let module = wat::parse_str(r#"(module (import "env" "f" (func)))"#).unwrap();
        assert!(told(&module).contains("wit-bindgen"), "{}", told(&module));
    }
}
