use bytes::Bytes;

use super::*;
use crate::ErrorClass;

fn call(name: &str, args: &[Value]) -> Result<Value, Thrown> {
    pure(name, args).unwrap_or_else(|| panic!("no native {name}"))
}

fn given(name: &str, args: &[Value]) -> Value {
    call(name, args).unwrap()
}

fn texts(value: Value) -> Vec<String> {
    let Value::List(list) = value else { panic!("{value:?} is not a list") };
    let text = |value| match value {
        Value::Text(text) => text,
        other => panic!("{other:?} is not a text"),
    };
    list.into_iter().map(text).collect()
}

fn bytes(bytes: &'static [u8]) -> Value {
    Value::Bytes(Bytes::from_static(bytes))
}

#[test]
fn a_name_that_is_not_here_is_left_to_others() {
    for name in ["call", "log", "env", "", "utf8"] {
        assert_eq!(pure(name, &[]), None, "{name}");
    }
}

#[test]
fn wrong_arguments_throw_and_name_the_native() {
    let natives = [
        "random",
        "utf8_encode",
        "utf8_decode",
        "base64_encode",
        "base64_decode",
        "url_parse",
        "url_set",
        "query_parse",
        "query_serialize",
    ];
    for name in natives {
        for args in [vec![], vec![Value::Null], vec![Value::List(vec![Value::Null])]] {
            let thrown = call(name, &args).unwrap_err();
            assert_eq!(thrown.class, ErrorClass::Type, "{name} {args:?}");
            assert!(
                thrown.message.starts_with(&format!("{name}: argument 1")),
                "{}",
                thrown.message
            );
        }
    }
    let odd = Value::texts(["a", "b", "c"]);
    let mixed = Value::List(vec!["a".into(), Value::Null]);
    for list in [odd, mixed] {
        assert!(call("query_serialize", &[list]).is_err());
    }
    for href in ["", "/a", "mailto"] {
        assert!(call("url_set", &[href.into(), "hash".into(), "x".into()]).is_err(), "{href}");
    }
    assert!(call("url_set", &["http://a/".into(), "href".into(), "x".into()]).is_err());
}

#[test]
fn random_bytes_are_many_and_differ() {
    for count in [0.0, 1.0, 16.0, 65_536.0] {
        let Value::Bytes(bytes) = given("random", &[count.into()]) else { panic!("not bytes") };
        assert_eq!(bytes.len() as f64, count);
    }
    assert_ne!(given("random", &[16.0.into()]), given("random", &[16.0.into()]));
    for count in [-1.0, 0.5, 65_537.0, f64::NAN, f64::INFINITY, f64::MAX] {
        assert_eq!(
            call("random", &[count.into()]).unwrap_err().class,
            ErrorClass::Range,
            "{count}"
        );
    }
}

#[test]
fn a_uuid_says_its_version_and_variant() {
    for _ in 0..64 {
        let Value::Text(uuid) = given("uuid", &[]) else { panic!("not a text") };
        let groups: Vec<&str> = uuid.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(groups.concat().bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert!(
            groups[2].starts_with('4') && groups[3].starts_with(['8', '9', 'a', 'b']),
            "{uuid}"
        );
    }
    assert_ne!(given("uuid", &[]), given("uuid", &[]));
}

#[test]
fn utf8_goes_both_ways() {
    assert_eq!(given("utf8_encode", &["ä€𝒳\0".into()]), bytes("ä€𝒳\0".as_bytes()));
    let decoded: &[(&[u8], &str)] = &[
        (b"", ""),
        (b"\xef\xbb\xbfa\xef\xbb\xbfb", "a\u{feff}b"),
        (b"\xef\xbb", "\u{fffd}"),
        (b"a\xffb", "a\u{fffd}b"),
        // One sign for each maximal part (Encoding Standard, as in Unicode's table 3-8).
        (
            b"\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64",
            "a\u{fffd}\u{fffd}\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}d",
        ),
        (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"\xf0\x9d\x92\xb3", "𝒳"),
    ];
    for (input, text) in decoded {
        assert_eq!(given("utf8_decode", &[bytes(input)]), Value::from(*text), "{input:x?}");
        let fatal = call("utf8_decode", &[bytes(input), true.into(), false.into()]);
        match std::str::from_utf8(input) {
            Ok(_) => assert_eq!(fatal, Ok(Value::from(*text))),
            Err(_) => assert_eq!(fatal.unwrap_err().class, ErrorClass::Type),
        }
    }
    let kept = given("utf8_decode", &[bytes(b"\xef\xbb\xbfa"), false.into(), true.into()]);
    assert_eq!(kept, Value::from("\u{feff}a"));
}

#[test]
fn base64_encodes_latin1_only() {
    for (text, encoded) in
        [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("\0ÿ>", "AP8+")]
    {
        assert_eq!(given("base64_encode", &[text.into()]), Value::from(encoded));
        assert_eq!(given("base64_decode", &[encoded.into()]), Value::from(text));
    }
    for text in ["Ā", "a€"] {
        assert_eq!(call("base64_encode", &[text.into()]).unwrap_err().class, ErrorClass::Type);
    }
}

#[test]
fn base64_decodes_what_the_infra_standard_forgives() {
    let forgiven = [
        ("YQ", "a"),
        ("YQ==", "a"),
        (" Y\tQ\n=\x0c=\r", "a"),
        ("YR==", "a"),
        ("YWI", "ab"),
        ("YWJ=", "ab"),
        ("  ", ""),
        ("abcd", "i·\u{1d}"),
        ("/+8", "ÿï"),
    ];
    for (encoded, text) in forgiven {
        assert_eq!(given("base64_decode", &[encoded.into()]), Value::from(text), "{encoded:?}");
    }
    for encoded in [
        "Y",
        "YQ=",
        "YQ===",
        "Y===",
        "=",
        "==",
        "===",
        "====",
        "=YQ=",
        "YQ==YQ==",
        "YWJj=",
        "YWJj==",
        "Y-_Q",
        "Yä==",
        "\u{b}YQ==",
        "\u{a0}YQ==",
        "YQ\0=",
    ] {
        assert_eq!(given("base64_decode", &[encoded.into()]), Value::Null, "{encoded:?}");
    }
}

#[test]
fn queries_go_both_ways() {
    let cases: [(&str, &[&str]); 7] = [
        ("", &[]),
        ("a=1&b=2&a=3", &["a", "1", "b", "2", "a", "3"]),
        ("a&b=&=c&&d=e=f", &["a", "", "b", "", "", "c", "d", "e=f"]),
        ("a+b=%20c%2B", &["a b", " c+"]),
        ("?a=1", &["?a", "1"]),
        ("%=%4&%zz=%e4", &["%", "%4", "%zz", "\u{fffd}"]),
        ("%EF%BB%BFa=\u{feff}", &["\u{feff}a", "\u{feff}"]),
    ];
    for (text, list) in cases {
        assert_eq!(texts(given("query_parse", &[text.into()])), list, "{text}");
    }
    let list = Value::texts(["a b", "ä&=", "", "", "*-._~", "\r\n\0"]);
    let text = given("query_serialize", std::slice::from_ref(&list));
    assert_eq!(text, Value::from("a+b=%C3%A4%26%3D&=&*-._%7E=%0D%0A%00"));
    assert_eq!(given("query_parse", &[text]), list);
    assert_eq!(given("query_serialize", &[Value::List(vec![])]), Value::from(""));
}

#[test]
fn urls_are_taken_apart() {
    let url = given("url_parse", &["HTTPS://me:pw@Exämple.com:8443/a/../b?q=ä#f".into()]);
    assert_eq!(
        texts(url),
        [
            "https://me:pw@xn--exmple-cua.com:8443/b?q=%C3%A4#f",
            "https://xn--exmple-cua.com:8443",
            "https:",
            "me",
            "pw",
            "xn--exmple-cua.com:8443",
            "xn--exmple-cua.com",
            "8443",
            "/b",
            "?q=%C3%A4",
            "#f",
        ]
    );
    let url = given("url_parse", &["../c?#".into(), "http://a:80/x/y/z".into()]);
    assert_eq!(
        texts(url),
        ["http://a/x/c?#", "http://a", "http:", "", "", "a", "a", "", "/x/c", "", ""]
    );
    let url = given("url_parse", &[" data:text/plain,x y ".into(), Value::Undefined]);
    assert_eq!(
        texts(url),
        ["data:text/plain,x y", "null", "data:", "", "", "", "", "", "text/plain,x y", "", ""]
    );
}

#[test]
fn what_is_no_url_is_null() {
    for input in ["", "/a", "a", "http://", "http://a b/", "http://a:99999/", "//a", "http://[::1"]
    {
        assert_eq!(given("url_parse", &[input.into()]), Value::Null, "{input}");
    }
    for base in ["", "a", "/a"] {
        assert_eq!(given("url_parse", &["http://a/".into(), base.into()]), Value::Null, "{base}");
    }
    assert_eq!(given("url_parse", &["x".into(), "mailto:a@b".into()]), Value::Null);
}

#[test]
fn urls_change_part_by_part() {
    let start = "http://me:pw@a.test:81/p?q#h";
    let cases = [
        ("protocol", "https", "https://me:pw@a.test:81/p?q#h"),
        ("protocol", "https://x", "https://me:pw@a.test:81/p?q#h"),
        ("protocol", "mailto", start),
        ("username", "yo u", "http://yo%20u:pw@a.test:81/p?q#h"),
        ("password", "", "http://me@a.test:81/p?q#h"),
        ("host", "b.test:82", "http://me:pw@b.test:82/p?q#h"),
        ("host", "b.test", "http://me:pw@b.test:81/p?q#h"),
        ("host", "", start),
        ("hostname", "B.test", "http://me:pw@b.test:81/p?q#h"),
        ("hostname", "b:82", start),
        ("port", "80", "http://me:pw@a.test/p?q#h"),
        ("port", "8x", "http://me:pw@a.test:8/p?q#h"),
        ("port", "x", start),
        ("pathname", "a b/../c", "http://me:pw@a.test:81/c?q#h"),
        ("search", "?x=ä", "http://me:pw@a.test:81/p?x=%C3%A4#h"),
        ("search", "", "http://me:pw@a.test:81/p#h"),
        ("hash", "", "http://me:pw@a.test:81/p?q"),
        ("hash", "#a b", "http://me:pw@a.test:81/p?q#a%20b"),
    ];
    for (part, value, href) in cases {
        let parts = given("url_set", &[start.into(), part.into(), value.into()]);
        assert_eq!(texts(parts)[0], href, "{part} = {value}");
    }
}

#[test]
fn a_url_that_changed_is_the_same_when_it_is_read_again() {
    for (href, part, value) in [
        ("foo:/", "pathname", "//host"),
        ("foo://u:p@host", "username", ""),
        ("foo://:p@host", "host", ""),
        ("file:%a/C:", "pathname", ".."),
    ] {
        let parts = texts(given("url_set", &[href.into(), part.into(), value.into()]));
        let again = given("url_parse", &[parts[0].as_str().into()]);
        assert_eq!(texts(again), parts, "{href} {part} = {value}");
    }
}

#[test]
fn what_the_crate_panics_on_is_no_url() {
    assert_eq!(given("url_parse", &["..".into(), "file:%a/C:".into()]), Value::Null);
}
