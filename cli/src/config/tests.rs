//! Each class of error, and all of them at once.

use std::time::Duration;

use mik_core::units::ByteSize;
use mik_core::{ModuleSettings, ServerLimits};

use super::*;

fn document(text: &str) -> Document {
    Document { path: "mik.toml".into(), text: text.into() }
}

/// What is wrong with `text`: the message, what was expected, the help, and the bytes that are marked.
fn wrong(text: &str) -> Vec<(String, String, String, String)> {
    let (_, _, problems) = read(text, &crate::registry());
    let mut problems = Problems::new(None, problems);
    let shown = |problem: &Problem| {
        let marked = problem.span.clone().map_or("", |span| &text[span]);
        let [label, help] =
            [&problem.label, &problem.help].map(|text| text.clone().unwrap_or_default());
        (problem.message.clone(), label, help, marked.to_owned())
    };
    let all = problems.iter().map(shown).collect();
    problems = problems.warnings();
    assert!(problems.is_empty());
    all
}

fn only(text: &str) -> (String, String, String, String) {
    let all = wrong(text);
    assert_eq!(all.len(), 1, "{text}: {all:#?}");
    all.into_iter().next().unwrap()
}

#[test]
fn nothing_is_complete() {
    assert_eq!(parse(&document(""), &crate::registry()).unwrap(), Config::default());
}

#[test]
fn a_full_file_reads() {
    let text = r#"
        [project]
        name = "shop"
        [server]
        host = "::"
        port = 0
        modules = "dist/"
        drain = "5s"
        [server.limits]
        body_bytes = "1GiB"
        target_bytes = "4KiB"
        depth = 3
        [engine]
        name = "wasmtime"
        memory = "64MiB"
        timeout = "2s"
        cache_dir = ""
        [orchestrator]
        name = "none"
        [cache]
        entries = 3
        [middleware]
        order = ["access-log"]
        [middleware.access-log]
        enabled = false
        [modules.orders]
        reuse = 100
        env = { LEVEL = "debug", KEY = { from = "SHOP_KEY" } }
        allowed_hosts = ["api.example.com", "*.example.com:443"]
        route = "/api/"
    "#;
    let config = parse(&document(text), &crate::registry()).unwrap();
    let mut limits = ServerLimits::default();
    config.server.apply(&mut limits);
    config.server.limits.apply(&mut limits);
    assert_eq!(limits.drain, Duration::from_secs(5));
    assert_eq!(limits.body_bytes, ByteSize::gib(1));
    assert_eq!((limits.target_bytes, limits.depth, limits.head_fields), (4_096, 3, 100));
    let mut settings = ModuleSettings::default();
    config.engine.apply(&mut settings);
    let orders = config.modules.values().next().unwrap();
    orders.apply(&mut settings);
    assert_eq!(settings.limits.memory, ByteSize::mib(64));
    assert_eq!((settings.timeout, settings.limits.reuse), (Duration::from_secs(2), 100));
    assert_eq!(orders.route.as_ref().unwrap().0.as_str(), "/api");
    assert_eq!(orders.env.values().nth(1).unwrap(), &EnvValue::Text("debug".into()));
    assert!(!config.middleware.tables["access-log"].enabled.unwrap());
}

#[test]
fn an_unknown_key_is_marked_and_the_right_one_named() {
    let (message, _, help, marked) = only("[server]\nprot = 80");
    assert_eq!(message, "unknown key `prot` in [server]");
    assert_eq!((&*help, &*marked), ("did you mean `port`?", "prot"));
    let (_, _, help, _) = only("[modules.a]\nallowed-hosts = []");
    assert_eq!(help, "did you mean `allowed_hosts`?");
    let (message, _, help, marked) = only("[sever]\nport = 80");
    assert_eq!(message, "unknown key `sever` at the top of the file");
    assert_eq!((&*help, &*marked), ("did you mean `server`?", "sever"));
}

#[test]
fn a_key_in_the_wrong_table_is_shown_its_place() {
    let (_, _, help, _) = only("[server]\nbody_bytes = \"1MiB\"");
    assert_eq!(help, "`body_bytes` belongs to [server.limits]");
    let (_, _, help, _) = only("[server]\nwhatever = 1");
    assert!(help.starts_with("known here: "), "{help}");
}

#[test]
fn tables_of_scripts_read() {
    let text = r#"
        [server]
        scripts = "s/"
        [orchestrator]
        name = "none"
        memory = "1MiB"
        stack = "64KiB"
        threads = 3
        queue = 0
        trusted_scripts = true
        [scripts.checkout]
        timeout = "2s"
        reuse = 100
        modules = ["orders", "users"]
        env = { RATE = "0.2", KEY = { from = "SHOP_KEY" } }
        breaker.consecutive = 3
    "#;
    let config = parse(&document(text), &crate::registry()).unwrap();
    let mut settings = ModuleSettings::of_scripts();
    assert_eq!(settings.limits.memory, ByteSize::mib(64));
    config.orchestrator.apply(&mut settings);
    let checkout = config.scripts.values().next().unwrap();
    checkout.apply(&mut settings);
    assert_eq!((settings.limits.memory, settings.limits.reuse), (ByteSize::mib(1), 100));
    assert_eq!(settings.timeout, Duration::from_secs(2));
    assert_eq!(checkout.modules.as_ref().unwrap().len(), 2);
    assert_eq!(checkout.env.len(), 2);
    assert_eq!(config.orchestrator.queue.unwrap().get(), 0);
}

#[test]
fn tables_of_scripts_are_strict() {
    for (text, marked) in [
        ("[orchestrator]\nmemory = \"1KiB\"", "\"1KiB\""),
        ("[orchestrator]\nstack = \"32MiB\"", "\"32MiB\""),
        ("[orchestrator]\nthreads = 0", "0"),
        ("[orchestrator]\nqueue = 100001", "100001"),
        ("[orchestrator]\ntrusted_scripts = \"yes\"", "\"yes\""),
        ("[orchestrator]\nsilence = \"1s\"", "silence"),
        ("[scripts.a]\nallowed_hosts = [\"a.example\"]", "allowed_hosts"),
        ("[scripts.a]\nmodules = [\"a\", \"a b\"]", "\"a b\""),
        ("[scripts.a]\nmodules = \"a\"", "\"a\""),
        ("[scripts.a]\nroute = \"/a\"", "route"),
        ("[scripts.a]\nenv = { A = 1 }", "1"),
        ("[scripts.\"-\"]\nreuse = 1", "\"-\""),
    ] {
        let (message, _, _, at) = only(text);
        assert_eq!(at, marked, "{text}: {message}");
    }
    let (_, _, help, _) = only("[scripts.a]\nmodule = []");
    assert_eq!(help, "did you mean `modules`?");
}

#[test]
fn a_wrong_type_says_what_was_expected() {
    let (message, label, _, marked) = only("[server]\nport = \"80\"");
    assert_eq!(message, "invalid type: string \"80\"");
    assert_eq!((&*label, &*marked), ("expected a whole number from 0 to 65535", "\"80\""));
    let (_, label, _, marked) = only("[server.limits]\nbody_bytes = 10");
    assert!(label.starts_with("expected a size from 0B to 1024GiB, such as"), "{label}");
    assert_eq!(marked, "10");
    let (.., marked) = only("server = 1\n[engine]\nreuse = 2");
    assert_eq!(marked, "1");
    let (.., marked) = only("[modules.a]\nenv = { A = 1 }");
    assert_eq!(marked, "1");
    let (.., marked) = only("[modules.a]\nallowed_hosts = \"a.b\"");
    assert_eq!(marked, "\"a.b\"");
}

#[test]
fn values_have_bounds() {
    for (text, marked) in [
        ("[server]\nport = 65536", "65536"),
        ("[server]\nport = -1", "-1"),
        ("[server.limits]\ndepth = 0", "0"),
        ("[server.limits]\nhead_bytes = \"1KiB\"", "\"1KiB\""),
        ("[server.limits]\nhead_time = \"1ms\"", "\"1ms\""),
        ("[engine]\nmemory = \"5GiB\"", "\"5GiB\""),
        ("[engine]\nmemory = \"much\"", "\"much\""),
        ("[engine]\ntimeout = \"30\"", "\"30\""),
        ("[engine]\ntick = \"2s\"", "\"2s\""),
        ("[cache]\nentries = 0", "0"),
        ("[cache]\nentries = 99999999999999999999", "99999999999999999999"),
    ] {
        let (message, label, _, at) = only(text);
        assert_eq!(at, marked, "{text}: {message}");
        assert!(label.starts_with("expected ") || marked.len() == 20, "{text}: {message} {label}");
    }
}

#[test]
fn names_hosts_and_routes_are_checked() {
    for (text, marked) in [
        ("[modules.\"a b\"]\nreuse = 1", "\"a b\""),
        ("[modules.a]\nroute = \"api\"", "\"api\""),
        ("[modules.a]\nallowed_hosts = [\"ok.example\", \"http://x\"]", "\"http://x\""),
        ("[modules.a]\nenv = { \"A=B\" = \"x\" }", "\"A=B\""),
        ("[modules.a]\nenv = { A = { form = \"B\" } }", "form"),
        ("[server]\nhost = \"a b\"", "\"a b\""),
    ] {
        let (.., at) = only(text);
        assert_eq!(at, marked, "{text}");
    }
}

#[test]
fn all_errors_come_in_one_pass_in_the_order_of_the_file() {
    let text = "[server]\nprot = 80\nport = \"x\"\nhost = 1\n[server.limits]\ndepth = 1000\nhead_time = 1\n\
                [engine]\nmemory = \"1TiB\"\nreuse = 0\nnope = 1\n\
                [modules.a]\nroute = \"x\"\nallowed_hosts = [\"a@b\", 7]\nenv = { A = 1, B = 2 }\n\
                [modules.\"-\"]\n[sevrer]\n";
    let marked: Vec<_> = wrong(text).into_iter().map(|(.., marked)| marked).collect();
    let expected = [
        "prot", "\"x\"", "1", "1000", "1", "\"1TiB\"", "0", "nope", "\"x\"", "\"a@b\"", "7", "1",
        "2", "\"-\"", "sevrer",
    ];
    assert_eq!(marked, expected);
}

#[test]
fn bad_toml_is_told_with_the_rest() {
    let text = "[server\nport = 80\n[engine]\nmemory = 1\nreuse = = 2\n[engine]\n";
    let all = wrong(text);
    let messages: Vec<_> = all.iter().map(|(message, ..)| message.as_str()).collect();
    assert!(all.len() >= 3, "{all:#?}");
    assert!(messages.contains(&"invalid type: integer `1`"), "{all:#?}");
}

#[test]
fn a_middleware_keeps_its_own_keys() {
    assert!(wrong("[middleware.x]\nanything = 1\nenabled = true").is_empty());
    let (.., marked) = only("[middleware.x]\nenabled = \"yes\"");
    assert_eq!(marked, "\"yes\"");
    let (.., marked) = only("[middleware]\norder = [1]");
    assert_eq!(marked, "1");
}

#[test]
fn positions_count_lines_and_characters() {
    let document = document("a = 1\nä = \"ü\"\n");
    assert_eq!(document.position(0), (1, 1));
    let at = document.text.find('ü').unwrap();
    assert_eq!(document.position(at), (2, 6));
    let end = document.text.len();
    assert_eq!([end, end + 1].map(|end| document.position(end)), [(2, 8); 2]);
}

#[test]
fn what_is_nested_too_deeply_is_told_with_its_line() {
    let header = format!("[{}]", ["a"; 200].join("."));
    let (_, _, _, marked) = only(&format!("[project]\n{header}\n[server]\nport = 1\n"));
    assert_eq!(marked, header);
}

#[test]
fn how_to_build_is_read_strictly() {
    let text =
        "[build]\ncommand = \"make\"\noutput = \"out/a.wasm\"\ndependencies = [\"b.wasm\"]\n";
    let build = parse(&document(text), &crate::registry()).unwrap().build;
    assert_eq!((build.command.as_deref(), build.dependencies.len()), (Some("make"), 1));
    let (_, _, help, _) = only("[build]\ncomand = \"make\"");
    assert_eq!(help, "did you mean `command`?");
    let (_, expected, _, marked) = only("[build]\ndependencies = \"b.wasm\"");
    assert_eq!((&*expected, &*marked), ("expected a list", "\"b.wasm\""));
}

#[cfg(feature = "develop")]
#[test]
fn building_leaves_to_others_what_others_read() {
    let text = "[middleware.own]\nx = 1\n[modules.\"-\"]\n[[plugin]]\nx = 1\n[server]\nprot = 1\n[biuld]\n";
    let (_, _, problems) = read_for_build(text);
    let marked: Vec<_> = problems.iter().filter_map(|p| Some(&text[p.span.clone()?])).collect();
    assert_eq!(marked, ["biuld", "prot"]);
}
