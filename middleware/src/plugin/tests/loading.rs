//! What is loaded, and what is refused with which words.

use std::fs;

use mik_core::{Middleware, Rings};
use serde_json::json;

use super::{CPlugin, Lines, rust_plugin, trial};
use crate::Plugin;

/// The message of a load that fails. It always names the file and both versions.
fn refused(path: &std::path::Path, config: &serde_json::Value, version: Option<&str>) -> String {
    let message = Plugin::load(path, config).unwrap_err().to_string();
    let start = format!("cannot load the plugin {}: ", path.display());
    let end = match version {
        Some(version) => format!("speaks version 1.0 of the plugin ABI; the plugin, {version}"),
        None => "speaks version 1.0 of the plugin ABI; which version the plugin speaks is unknown"
            .to_owned(),
    };
    assert!(message.starts_with(&start), "{message}");
    assert!(message.ends_with(&end), "{message}");
    message[start.len()..].to_owned()
}

fn broken(flags: &[&str], version: Option<&str>) -> String {
    refused(&CPlugin::new("broken.c", flags).path, &json!({}), version)
}

#[test]
fn what_is_no_plugin_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let none = json!({});

    let missing = refused(&at("missing.so"), &none, None);
    assert!(missing.starts_with("No such file or directory"), "{missing}");
    assert!(missing.contains("Correct its path"), "{missing}");

    let told = refused(folder.path(), &none, None);
    assert!(told.starts_with("it is no regular file"), "{told}");

    for rubbish in [&b""[..], b"\x7fELF", b"just a text, and not a short one"] {
        fs::write(at("rubbish.so"), rubbish).unwrap();
        let told = refused(&at("rubbish.so"), &none, None);
        assert!(told.starts_with("it is no dynamic library for this machine ("), "{told}");
        assert!(told.contains("Build it here"), "{told}");
    }
}

#[test]
fn a_name_without_a_folder_is_not_looked_for_in_those_of_the_system() {
    let told = Plugin::load("libc.so.6".as_ref(), &json!({})).unwrap_err().to_string();
    assert!(told.contains("No such file or directory"), "{told}");
}

#[test]
fn a_table_that_does_not_fit_is_refused_with_both_versions() {
    let told = broken(&["-DNO_SYMBOL"], None);
    assert!(told.starts_with("it has no symbol `mik_plugin_query`"), "{told}");
    let told = broken(&["-DNO_TABLE"], None);
    assert!(told.starts_with("its `mik_plugin_query` returned NULL"), "{told}");
    for (flag, version) in [("-DMAJOR=2", "2.0"), ("-DMAJOR=0", "0.0")] {
        let told = broken(&[flag], Some(version));
        assert!(told.starts_with("it speaks another major version"), "{told}");
        assert!(told.contains("mik_plugin.h of this mik"), "{told}");
    }
    // The major version comes first: another one has another size.
    let told = broken(&["-DMAJOR=2", "-DMINOR=3", "-DSIZE=8"], Some("2.3"));
    assert!(told.starts_with("it speaks another major version"), "{told}");
    for size in ["-DSIZE=8", "-DSIZE=0", "-DSIZE=sizeof(mik_plugin)-1"] {
        let told = broken(&[size], Some("1.0"));
        assert!(told.starts_with("its table is too small: "), "{told}");
        assert!(told.contains("sizeof(mik_plugin)"), "{told}");
    }
    for name in ["-DNAME=\"\"", "-DNAME=\"No\"", "-DNAME=\"9a\"", "-DNAME=\"a_b\""] {
        let told = broken(&[name], Some("1.0"));
        assert!(told.starts_with("its name is not"), "{name}: {told}");
    }
    let told = broken(&["-DNO_HOOKS"], Some("1.0"));
    assert!(told.starts_with("it has neither of the hooks"), "{told}");
}

#[test]
fn a_plugin_that_refuses_to_start_says_why() {
    let told = broken(&["-DREFUSES"], Some("1.0"));
    assert!(told.starts_with("it does not start: the moon\\nis not full. Look at"), "{told}");
    let told = broken(&["-DREFUSES_MUTELY"], Some("1.0"));
    assert!(told.starts_with("it does not start: it returned -5. Look at"), "{told}");
    let told = refused(&rust_plugin("panics"), &json!({ "start": 1 }), Some("1.0"));
    assert!(told.starts_with("it does not start: panicked: at the start. Look at"), "{told}");
}

#[test]
fn a_newer_minor_version_works_with_what_both_know() {
    let newer = CPlugin::new("newer.c", &[]).load();
    assert_eq!(newer.name(), "newer");
}

#[test]
fn a_plugin_is_started_with_its_configuration_and_ended() {
    let (lines, _guard) = Lines::listen();
    let config = json!({ "key": ["ä", 1, null] });
    let plugin = Plugin::load(&rust_plugin("trial"), &config).unwrap();
    assert_eq!(plugin.rings(), Rings::EDGE);
    assert_eq!(plugin.name(), "trial");
    let product = concat!("mik ", env!("CARGO_PKG_VERSION"));
    assert_eq!(lines.take(), [format!("new {{\"key\":[\"ä\",1,null]}} (1, 0) {product}")]);
    let second = trial();
    drop(plugin.with_name("other".to_owned()));
    // The second one is another plugin of the same library.
    assert_eq!(lines.take(), [format!("new {{}} (1, 0) {product}"), "dropped".to_owned()]);
    assert_eq!(second.with_name("other".to_owned()).name(), "other");
    assert_eq!(lines.take(), ["dropped"]);
}

#[test]
fn a_panic_at_the_end_is_a_line_in_the_log() {
    let (lines, _guard) = Lines::listen();
    drop(Plugin::load(&rust_plugin("panics"), &json!({ "stop": 1 })).unwrap());
    assert_eq!(lines.take(), ["ERROR panicked: at the end"]);
}
