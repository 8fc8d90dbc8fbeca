use super::*;
use crate::units::ByteSize;
use crate::{ModuleName, Target};

#[derive(serde::Deserialize, Default, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Sizes {
    memory: ByteSize,
    count: usize,
}

fn module(name: &str) -> Target {
    Target::Module(ModuleName::new(name).unwrap())
}

#[test]
fn a_part_reads_its_own_table() {
    let document = "[engine]\nmemory = \"2MiB\"\n[other]\nx = 1\n";
    let table: Sizes = Settings::at(document, &["engine"]).parse().unwrap();
    assert_eq!(table.memory, ByteSize::mib(2));
    let absent: Sizes = Settings::at(document, &["middleware", "x"]).parse().unwrap();
    assert_eq!(absent, Sizes::default());
    assert_eq!(Settings::none().parse::<Sizes>().unwrap(), Sizes::default());
}

#[test]
fn the_switch_of_a_middleware_is_not_its_own_key() {
    let settings = Settings::at("[x]\nenabled = true\nmemory = \"1MiB\"", &["x"]);
    assert!(settings.parse::<Sizes>().is_err());
    let table: Sizes = settings.of_middleware(false, None).parse().unwrap();
    assert_eq!(table.memory, ByteSize::mib(1));
}

#[test]
fn an_error_points_into_the_document() {
    let document = "[engine]\nmemori = \"2MiB\"\n";
    let error = Settings::at(document, &["engine"]).parse::<Sizes>().err().unwrap();
    assert_eq!(&document[error.span().unwrap()], "memori");
    let error = Settings::at("engine = 1", &["engine"]).parse::<Sizes>().err().unwrap();
    assert!(error.to_string().contains("must be a table"));
}

#[test]
fn the_table_of_a_module_goes_before_the_table_of_all() {
    let document = "[middleware.x]\nmemory = \"1MiB\"\ncount = 1\n[modules.a.x]\ncount = 2\n\
                    [modules.b]\nx = 3\n[modules.c.x]\nenabled = false\n[scripts.a]\n";
    let settings = Settings::at(document, &["middleware", "x"]).of_middleware(false, Some("count"));
    let all = settings.by_target::<Sizes>().unwrap();
    let mib = ByteSize::mib(1);
    for (target, expected) in [
        (module("a"), Some(Sizes { memory: mib, count: 2 })),
        (module("b"), Some(Sizes { memory: mib, count: 3 })),
        (module("c"), None),
        (module("d"), Some(Sizes { memory: mib, count: 1 })),
        (Target::Nothing, Some(Sizes { memory: mib, count: 1 })),
    ] {
        assert_eq!(all.of(&target), expected.as_ref(), "{target}");
    }
}

#[test]
fn a_middleware_may_be_on_for_one_module_alone() {
    let document = "[modules.a.x]\ncount = 2\n";
    let at = |document| Settings::at(document, &["middleware", "x"]).of_middleware(false, None);
    let all = at(document).by_target::<Sizes>().unwrap();
    assert_eq!(all.of(&module("a")).unwrap().count, 2);
    assert_eq!(all.of(&module("b")), None);
    for (document, wanted) in [
        (document, true),
        ("", false),
        ("[middleware.x]", true),
        ("[middleware.x]\nenabled = false", false),
        ("[middleware.x]\nenabled = false\n[modules.a.x]", true),
        ("[modules.a.x]\nenabled = false", false),
        ("[middleware]\nx = 1", true),
    ] {
        assert_eq!(at(document).is_wanted(true), wanted, "{document}");
    }
}

#[test]
fn what_is_wrong_in_the_table_of_a_module_is_found_there() {
    let document = "[middleware.x]\ncount = 1\n[modules.a.x]\ncuont = 2\n";
    let settings = Settings::at(document, &["middleware", "x"]).of_middleware(false, None);
    let error = settings.by_target::<Sizes>().err().unwrap();
    assert_eq!(&document[error.span().unwrap()], "cuont");
    let document = "[modules.a]\nx = true\n";
    let settings = Settings::at(document, &["middleware", "x"]).of_middleware(false, None);
    let error = settings.by_target::<Sizes>().err().unwrap();
    assert_eq!(&document[error.span().unwrap()], "true");
    assert_eq!(error.to_string(), "it must be a table");
    let settings = settings.of_middleware(false, Some("count"));
    let error = settings.by_target::<Sizes>().err().unwrap();
    assert_eq!(error.to_string(), "it must be a table, or the value of `count`");
}
