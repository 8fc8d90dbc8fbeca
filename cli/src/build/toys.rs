//! Components for tests, made from their types and a few lines of code, or none.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

/// What a handler of the SDK is, in the words of its interface.
pub(super) const SERVICE: &str = "include mik:core/service@0.1.0;";
/// The same of the bridge.
pub(super) const BRIDGE: &str = "include mik:core/bridge@0.1.0;";

/// A component with this world, which may have `local:store/counter@1.0.0` and `local:clock/time@0.1.0` in it. Every
/// function of it fails when it is called.
pub(super) fn toy(world: &str) -> Vec<u8> {
    component(&module(world))
}

/// The core module of such a component, with its type embedded.
pub(super) fn module(world: &str) -> Vec<u8> {
    let (resolve, world) = types(world);
    let module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed(module, &resolve, world)
}

/// A component with this world and this code, in the text format.
pub(super) fn coded(world: &str, code: &str) -> Vec<u8> {
    let (resolve, world) = types(world);
    component(&embed(wat::parse_str(code).unwrap(), &resolve, world))
}

fn types(world: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/sdk-wit");
    resolve.push_dir(wit).unwrap();
    for text in [
        "package local:store@1.0.0; interface counter { next: func() -> u32; }",
        "package local:clock@0.1.0; interface time { now: func() -> u64; }",
    ] {
        resolve.push_str("part.wit", text).unwrap();
    }
    let text = format!("package local:toy; world toy {{ {world} }}");
    let package = resolve.push_str("toy.wit", &text).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    (resolve, world)
}

fn embed(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    module
}

fn component(module: &[u8]) -> Vec<u8> {
    ComponentEncoder::default().validate(true).module(module).unwrap().encode().unwrap()
}
