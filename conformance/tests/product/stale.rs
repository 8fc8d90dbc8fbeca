//! The prebuilt guests fit their sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use mik_conformance::repository;
use sha2::{Digest, Sha256};

const GUESTS: &str = "conformance/guests";
const HELLO: &str = "examples/hello";
const CHECKOUT: &str = "examples/checkout";
const BRIDGE: &str = "sdk/bridge";
const WIT: &str = "sdk/wit";
const SDK: &str = "conformance/guests/sdk";

#[test]
fn the_prebuilt_guests_fit_their_sources() {
    let sums = fs::read_to_string(repository().join(GUESTS).join("prebuilt/SHA256SUMS"));
    let sums = sums.expect("conformance/guests/prebuilt/SHA256SUMS can be read");
    let listed: BTreeMap<&str, &str> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, file)| (file, sum))
        .collect();
    let mut stale = Vec::new();
    for (file, sum) in &listed {
        match fs::read(repository().join(file)) {
            Ok(content) if hex(&Sha256::digest(&content)) == *sum => {}
            Ok(_) => stale.push(format!("{file} is not what it was when the guests were built")),
            Err(error) => stale.push(format!("{file} is listed, but: {error}")),
        }
    }
    for file in expected() {
        if !listed.contains_key(file.as_str()) {
            stale.push(format!("{file} is not listed"));
        }
    }
    assert!(
        stale.is_empty(),
        "the prebuilt guests do not fit their sources: run conformance/guests/build and commit what it \
         changes\n{}",
        stale.join("\n")
    );
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file that a guest is built from, every source's component, and what the build made of them.
fn expected() -> BTreeSet<String> {
    let mut files: BTreeSet<String> =
        ["Cargo.toml", "Cargo.lock"].iter().map(|file| format!("{GUESTS}/{file}")).collect();
    files.insert(format!("{HELLO}/handler/Cargo.toml"));
    files.insert(format!("{HELLO}/modules/hello.wasm"));
    for folder in ["src", "examples", "prebuilt"] {
        collect(&format!("{GUESTS}/{folder}"), &mut files);
    }
    collect(&format!("{HELLO}/handler/src"), &mut files);
    files.insert(format!("{CHECKOUT}/handlers/Cargo.toml"));
    for handler in ["cart", "exchange", "payment", "stock"] {
        files.insert(format!("{CHECKOUT}/handlers/{handler}/Cargo.toml"));
        collect(&format!("{CHECKOUT}/handlers/{handler}/src"), &mut files);
    }
    for module in ["cart", "payment", "stock"] {
        files.insert(format!("{CHECKOUT}/modules/{module}.wasm"));
    }
    for file in ["Cargo.toml", "Cargo.lock", "build.rs", "component.wat", "assemble/Cargo.toml"] {
        files.insert(format!("{BRIDGE}/{file}"));
    }
    collect(&format!("{BRIDGE}/src"), &mut files);
    collect(&format!("{BRIDGE}/assemble/src"), &mut files);
    collect(WIT, &mut files);
    for file in ["Cargo.toml", "Cargo.lock"] {
        files.insert(format!("{SDK}/{file}"));
    }
    collect(&format!("{SDK}/src"), &mut files);
    for of_sdk in ["sdk", "sdk/macros"] {
        files.insert(format!("{of_sdk}/Cargo.toml"));
        collect(&format!("{of_sdk}/src"), &mut files);
    }
    // No component is built from them.
    files.retain(|file| !file.starts_with("sdk/") || !file.ends_with("/tests.rs"));
    files.insert("cli/assets/bridge.wasm".to_owned());
    let guests: Vec<_> =
        files.iter().filter_map(|file| file.strip_prefix(&format!("{GUESTS}/examples/"))).collect();
    let components: Vec<_> = guests
        .iter()
        .filter_map(|guest| guest.strip_suffix(".rs"))
        // What lies in a folder is a part of the guest of that name.
        .filter(|guest| !guest.contains('/'))
        .map(|guest| format!("{GUESTS}/prebuilt/{guest}.wasm"))
        .collect();
    files.extend(components);
    files.remove(&format!("{GUESTS}/prebuilt/SHA256SUMS"));
    files
}

fn collect(folder: &str, files: &mut BTreeSet<String>) {
    let entries = fs::read_dir(repository().join(Path::new(folder)));
    for entry in entries.unwrap_or_else(|error| panic!("{folder}: {error}")).flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&path, files);
        } else {
            files.insert(path);
        }
    }
}
