//! Tables that make no sense stop the start, and say why.

use mik_conformance::{Cases, Setup};

use crate::cli::ends;

const WRONG: [(&str, &str, &[&str]); 16] = [
    ("static without a folder", "[middleware.static]\n", &["root", "public/"]),
    (
        "static with a folder that is not there",
        "[middleware.static]\nroot = \"nowhere\"\n",
        &["nowhere", "cannot be served"],
    ),
    (
        "static with a file for a folder",
        "[middleware]\nstatic = \"mik.toml\"\n",
        &["mik.toml", "Not a directory"],
    ),
    (
        "an index elsewhere",
        "[middleware.static]\nroot = \"modules\"\nindex = [\"../x\"]\n",
        &["../x", "below root"],
    ),
    (
        "a coding that is none",
        "[middleware.static]\nroot = \"modules\"\nprecompressed = [\"lzma\"]\n",
        &["mik.toml:3", "lzma"],
    ),
    (
        "an unknown key of static",
        "[middleware.static]\nroot = \"modules\"\ncache_contrl = \"x\"\n",
        &["mik.toml:3", "cache_contrl", "cache_control"],
    ),
    ("cors without origins", "[middleware.cors]\n", &["origins"]),
    (
        "an origin with a path",
        "[middleware.cors]\norigins = [\"https://a.example/x\"]\n",
        &["mik.toml:2", "https://a.example/x", "no path"],
    ),
    (
        "an origin without a scheme",
        "[middleware.cors]\norigins = [\"a.example\"]\n",
        &["mik.toml:2", "scheme"],
    ),
    (
        "everybody with credentials",
        "[middleware.cors]\norigins = \"*\"\ncredentials = true\n",
        &["origins", "credentials"],
    ),
    (
        "a method in lower case",
        "[middleware.cors]\norigins = \"*\"\nmethods = [\"patch\"]\n",
        &["mik.toml:3", "PATCH"],
    ),
    (
        "an origin of one module",
        "[modules.hello.cors]\norigins = [\"null\"]\n",
        &["mik.toml:2", "null"],
    ),
    (
        "a field of the framing",
        "[middleware.headers]\nset = { \"content-length\" = \"5\" }\n",
        &["mik.toml:2", "content-length"],
    ),
    (
        "a value with a line break",
        "[middleware.headers]\nset = { x = \"a\\r\\nset-cookie: b\" }\n",
        &["mik.toml:2", "printable ASCII"],
    ),
    (
        "a preload that browsers refuse",
        "[middleware.headers]\nhsts = { preload = true }\n",
        &["preload", "include_subdomains"],
    ),
    (
        "the error kind removed for one module",
        "[modules.hello.headers]\nremove = [\"mik-error\"]\n",
        &["mik.toml:2", "mik-error"],
    ),
];

#[test]
fn tables_that_make_no_sense_are_refused() {
    let mut cases = Cases::of("static, cors and headers: bad tables");
    for (name, text, told) in WRONG {
        let setup = Setup::new(&["hello"]).config(text);
        cases.note(name, ends(&setup.run(&["check", "."]), 1, told));
    }
    cases.finish();
}
