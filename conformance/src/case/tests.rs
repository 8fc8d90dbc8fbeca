use std::fs;

use super::*;

fn filled() -> Filled {
    Filled { host: "127.0.0.1:80".to_owned(), n: 7, ..Filled::default() }
}

#[test]
fn texts_stand_for_bytes() {
    let bytes = |text: &str| Text(text.to_owned()).wire(&filled()).unwrap();
    assert_eq!(bytes("a\nb\r\nc${lf}d${cr}"), b"a\r\nb\r\nc\nd\r");
    assert_eq!(bytes("${x00}${xff}${a*3}${ab\n*2}"), b"\x00\xffaaaab\r\nab\r\n");
    assert_eq!(bytes("${h${n}: ${b*2} *2}"), b"h1: bb h2: bb ");
    assert_eq!(bytes("$${n} ${n} ${host} ${port}"), b"${n} 7 127.0.0.1:80 80");
    for wrong in ["${nothing}", "${a*b}", "${n"] {
        assert!(Text(wrong.to_owned()).bytes(&filled()).is_err(), "{wrong}");
    }
}

fn read(text: &str) -> Result<Vec<Case>, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("group")).unwrap();
    fs::write(folder.path().join("standard.toml"), "[setup]\nmodules = [\"hello\"]\n").unwrap();
    fs::write(folder.path().join("group/topic.toml"), text).unwrap();
    load(folder.path()).map(|group| group.cases).map_err(|broken| broken.to_string())
}

const HEAD: &str = "spec = \"RFC 9110\"\nabout = [\"server\"]\n";

#[test]
fn variants_are_cases_of_their_own() {
    let text = format!(
        "{HEAD}[[case]]\nid = \"a\"\neach = {{ x = {{ t = \"/x\", s = 404 }}, y = {{ t = \"/y\", s = 200 }} }}\n\
         request = {{ target = \"${{each.t}}\" }}\nexpect = {{ status = \"${{each.s}}\" }}\n"
    );
    let cases = read(&text).unwrap();
    let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["group::topic::a-x", "group::topic::a-y"]);
    let statuses: Vec<_> = cases
        .iter()
        .map(|case| case.steps[0].expect.as_ref().unwrap().status.as_ref().unwrap().0.clone())
        .collect();
    assert_eq!(statuses, [vec![404], vec![200]]);
    assert!(cases[0].place.ends_with("group/topic.toml:3"), "{}", cases[0].place);
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (case, told) in [
        ("id = \"a\"\nsent = \"x\"\n", "unknown field `sent`"),
        ("id = \"A\"\nsend = \"x\"\n", "lower case"),
        ("id = \"a\"\nsend = \"x\"\nrequest = { target = \"/\" }\n", "not both"),
        ("id = \"a\"\nsend = \"x\"\nknock = 3\n", "does one thing"),
        ("id = \"a\"\nsend = \"x\"\nexpect = { statu = 3 }\n", "unknown field `statu`"),
        ("id = \"a\"\nsend = \"x\"\nexpect = { body = { matches = \"(\" } }\n", "regex"),
        ("id = \"a\"\nsend = \"${each}\"\neach = [1]\n", "a table of variants"),
        ("id = \"a\"\nsend = \"x\"\nsetup = { module = [] }\n", "unknown field `module`"),
        ("id = \"a\"\nsend = \"x\"\n[[case]]\nid = \"a\"\nsend = \"x\"\n", "another case"),
        ("send = \"x\"\n", "has an `id`"),
        ("id = \"a\"\nsend = \"x\"\npause = \"3\"\n", "duration"),
    ] {
        let error = read(&format!("{HEAD}[[case]]\n{case}")).unwrap_err();
        assert!(error.contains(told) && error.contains("topic.toml:"), "{case}: {error}");
    }
}
