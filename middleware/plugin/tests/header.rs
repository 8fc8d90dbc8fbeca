//! The C header and the Rust types are the same ABI.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::ErrorKind;
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

use mik_plugin::abi::{self, End, Header, HostTable, PluginTable, Str};

/// Every constant of the header, and its value in Rust.
const CONSTANTS: [(&str, i64); 36] = [
    ("MIK_ABI_MAJOR", abi::MAJOR as i64),
    ("MIK_ABI_MINOR", abi::MINOR as i64),
    ("MIK_OK", abi::OK as i64),
    ("MIK_NONE", abi::NONE as i64),
    ("MIK_INVALID", abi::INVALID as i64),
    ("MIK_NOT_NOW", abi::NOT_NOW as i64),
    ("MIK_DENIED", abi::DENIED as i64),
    ("MIK_LIMIT", abi::LIMIT as i64),
    ("MIK_FAILED", abi::FAILED as i64),
    ("MIK_PANICKED", abi::PANICKED as i64),
    ("MIK_ERROR", abi::ERROR as i64),
    ("MIK_WARN", abi::WARN as i64),
    ("MIK_INFO", abi::INFO as i64),
    ("MIK_DEBUG", abi::DEBUG as i64),
    ("MIK_TRACE", abi::TRACE as i64),
    ("MIK_METHOD", abi::METHOD as i64),
    ("MIK_PATH", abi::PATH as i64),
    ("MIK_QUERY", abi::QUERY_STRING as i64),
    ("MIK_ROUTE", abi::ROUTE as i64),
    ("MIK_MODULE", abi::MODULE as i64),
    ("MIK_SCRIPT", abi::SCRIPT as i64),
    ("MIK_REQUEST_ID", abi::REQUEST_ID as i64),
    ("MIK_PEER", abi::PEER as i64),
    ("MIK_PEER_IP", abi::PEER_IP as i64),
    ("MIK_ASK_REQUEST_BODY", abi::ASK_REQUEST_BODY as i64),
    ("MIK_ASK_RESPONSE_BODY", abi::ASK_RESPONSE_BODY as i64),
    ("MIK_ASK_REQUEST_BODY_CHANGES", abi::ASK_REQUEST_BODY_CHANGES as i64),
    ("MIK_ASK_RESPONSE_BODY_CHANGES", abi::ASK_RESPONSE_BODY_CHANGES as i64),
    ("MIK_ASK_END", abi::ASK_END as i64),
    ("MIK_END_COMPLETE", abi::END_COMPLETE as i64),
    ("MIK_END_FAILED", abi::END_FAILED as i64),
    ("MIK_END_GONE", abi::END_GONE as i64),
    // Not of the ABI, but what an author sees of the sizes.
    ("sizeof(mik_host)", abi::LEAST_HOST as i64),
    ("sizeof(mik_plugin)", abi::LEAST_PLUGIN as i64),
    ("sizeof(MIK_STR(\"four\"))", size_of::<Str>() as i64),
    ("MIK_STR(\"four\").len", 4),
];

/// The layout of each type, once as Rust has it and once as lines of C that print it. A field that is left
/// out does not compile.
macro_rules! layouts {
    ($($type:ident = $c:literal { $($field:ident),* $(,)? })*) => {{
        let (mut rust, mut c) = (Vec::new(), String::new());
        $(
            let _ = |value: $type| { let $type { $($field: _),* } = value; };
            rust.push(format!(concat!($c, " {} {}"), size_of::<$type>(), align_of::<$type>()));
            c.push_str(concat!(
                "printf(\"", $c, " %zu %zu\\n\", sizeof(", $c, "), _Alignof(", $c, "));\n"
            ));
            $(
                let size = size_of_field(|value: &$type| &value.$field);
                let at = offset_of!($type, $field);
                rust.push(format!(concat!($c, ".", stringify!($field), " {} {}"), at, size));
                c.push_str(concat!(
                    "printf(\"", $c, ".", stringify!($field), " %zu %zu\\n\", offsetof(", $c, ", ",
                    stringify!($field), "), sizeof(((", $c, "*)0)->", stringify!($field), "));\n"
                ));
            )*
        )*
        (rust, c)
    }};
}

fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

#[test]
fn the_header_and_the_rust_types_agree() {
    let (mut expected, layouts) = layouts! {
        Str = "mik_str" { ptr, len }
        Header = "mik_header" { name, value }
        End = "mik_end" { size, outcome, status, reserved, bytes }
        HostTable = "mik_host" {
            size, abi_major, abi_minor, product, log, explain, counter_add, histogram_record,
            monotonic_ns, unix_ns, text, header_get, header_at, header_set, header_append,
            header_remove, status, status_set, ask, reply, body_write,
        }
        PluginTable = "mik_plugin" {
            size, abi_major, abi_minor, name, version, create, destroy, request_head,
            response_head, request_body, response_body, end,
        }
    };
    let mut constants = String::new();
    for (name, value) in CONSTANTS {
        expected.push(format!("{} {value}", name.replace('"', "'")));
        let shown = name.replace('"', "'");
        constants.push_str(&format!("printf(\"{shown} %lld\\n\", (long long)({name}));\n"));
    }
    let program = format!(
        "#include <stdio.h>\n#include \"mik_plugin.h\"\nint main(void) {{\n{layouts}{constants}\
         return 0;\n}}\n"
    );
    let Some(printed) = run(&program) else { return };
    let printed: Vec<_> = printed.lines().collect();
    assert_eq!(printed, expected);
}

#[test]
fn no_constant_of_the_header_is_left_out() {
    let header = std::fs::read_to_string(include_dir().join("mik_plugin.h")).unwrap();
    let defined = header.lines().filter_map(|line| {
        let mut words = line.strip_prefix("#define ")?.split_whitespace();
        let (name, value) = (words.next()?, words.next()?);
        value.parse::<i64>().is_ok().then_some(name)
    });
    let defined: Vec<_> = defined.collect();
    assert!(defined.len() > 30, "{defined:?}");
    for name in defined {
        assert!(CONSTANTS.iter().any(|(known, _)| *known == name), "{name} is not compared");
    }
}

fn include_dir() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

/// What a C program prints. `None` where there is no C compiler.
fn run(program: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, binary) = (folder.join("layout.c"), folder.join("layout"));
    std::fs::write(&source, program).unwrap();
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(include_dir())
        .arg("-o")
        .args([&binary, &source])
        .output();
    let compiled = match compiled {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no C compiler `cc`");
            return None;
        }
        compiled => compiled.unwrap(),
    };
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let ran = Command::new(&binary).output().unwrap();
    assert!(ran.status.success());
    Some(String::from_utf8(ran.stdout).unwrap())
}
