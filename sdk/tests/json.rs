//! JSON, against what everybody else makes of it.

#![allow(clippy::unwrap_used, reason = "a test is to fail then")]

use mik_sdk::json::{self, Number, OwnedValue, ToJson, Value, Writer};
use mik_sdk::prelude::*;
use proptest::prelude::*;
use serde_json::json as expected;

fn error(text: &str) -> (String, usize, usize) {
    let error = Value::parse(text).unwrap_err();
    (error.message().to_owned(), error.line(), error.column())
}

#[test]
fn errors_have_a_message_and_a_place() {
    for (text, message, line, column) in [
        ("", "expected a value", 1, 1),
        (" \n ", "expected a value", 2, 2),
        ("[1,]", "expected a value", 1, 4),
        ("[1 2]", "expected `,` or `]`", 1, 4),
        ("[1", "expected `,` or `]`", 1, 3),
        ("{\"a\":1,}", "expected a name in quotes", 1, 8),
        ("{a:1}", "expected a name in quotes", 1, 2),
        ("{\"a\" 1}", "expected `:`", 1, 6),
        ("{\"a\":1 \"b\":2}", "expected `,` or `}`", 1, 8),
        ("{\n  \"ä\": ü\n}", "expected a value", 2, 8),
        ("1 2", "expected the end", 1, 3),
        ("01", "expected the end", 1, 2),
        ("-", "expected a digit", 1, 2),
        ("1.", "expected a digit", 1, 3),
        ("1e+", "expected a digit", 1, 4),
        (".5", "expected a value", 1, 1),
        ("+1", "expected a value", 1, 1),
        ("NaN", "expected a value", 1, 1),
        ("nul", "expected a value", 1, 1),
        ("truE", "expected a value", 1, 1),
        ("\"a", "a string without end", 1, 3),
        ("\"a\\", "unknown escape", 1, 3),
        ("\"\\x\"", "unknown escape", 1, 2),
        ("\"\\u12g4\"", "not a character", 1, 2),
        ("\"\\ud800\"", "not a character", 1, 2),
        ("\"\\udc00\"", "not a character", 1, 2),
        ("\"\\ud800\\u0041\"", "not a character", 1, 2),
        ("\"\\ud800\\ud800\"", "not a character", 1, 2),
        ("\"a\tb\"", "a control character in a string must be escaped", 1, 3),
        ("\u{feff}1", "a byte order mark is not JSON", 1, 1),
        ("1\u{a0}", "expected the end", 1, 2),
        ("/**/1", "expected a value", 1, 1),
        ("'a'", "expected a value", 1, 1),
    ] {
        assert_eq!(error(text), (message.to_owned(), line, column), "{text}");
    }
    assert_eq!(
        Value::parse("[\n1 2]").unwrap_err().to_string(),
        "expected `,` or `]` at line 2, column 3"
    );
}

#[test]
fn bytes_that_are_not_utf8_are_told_by_place() {
    let error = Value::parse_bytes(b"[\"\xff\"]").unwrap_err();
    assert_eq!((error.message(), error.line(), error.column()), ("not UTF-8", 1, 3));
}

#[test]
fn it_goes_128_deep() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Value::parse(&nested(128)).is_ok());
    assert_eq!(error(&nested(129)), ("too deep".to_owned(), 1, 129));
    let objects = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    assert!(Value::parse(&objects(128)).is_ok());
    assert!(Value::parse(&objects(129)).is_err());
    // Without an end it neither overflows nor takes long.
    assert!(Value::parse(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn strings_borrow_unless_there_is_an_escape() {
    let text = r#"["plain ü", "esc\u00fcaped", ""]"#;
    let value = Value::parse(text).unwrap();
    let is_borrowed = |index: usize| match value.at(index) {
        Some(Value::String(text)) => matches!(text, std::borrow::Cow::Borrowed(_)),
        _ => panic!("no string"),
    };
    assert_eq!([is_borrowed(0), is_borrowed(1), is_borrowed(2)], [true, false, true]);
    assert_eq!(value.at(1).and_then(Value::as_str), Some("escüaped"));
}

#[test]
fn of_members_with_the_same_name_the_last_counts() {
    let value = Value::parse(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
    assert_eq!(value.get("a").and_then(Value::as_u64), Some(3));
    assert_eq!(value.as_object().unwrap().len(), 3);
}

#[test]
fn numbers_keep_their_text() {
    let text = "[1.10,1E5,-0,0.1e-7,123456789012345678901234567890]";
    assert_eq!(json::to_string(&Value::parse(text).unwrap()), text);
    assert_eq!(Number::from(u64::MAX).as_str(), "18446744073709551615");
    assert_eq!(Number::from(i64::MIN).as_str(), "-9223372036854775808");
}

#[test]
fn floats_are_written_short_and_what_is_not_finite_is_null() {
    for (value, text) in [
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (1e300, "1e300"),
        (1e-7, "1e-7"),
        (f64::NAN, "null"),
        (f64::INFINITY, "null"),
    ] {
        assert_eq!(json::to_string(&value), text);
    }
    assert_eq!(json::to_string(&0.1_f32), "0.1");
}

#[test]
fn literals_are_json() {
    let (name, count, none) = (String::from("a\"b"), 3_u8, None::<i32>);
    let list = vec![1, 2];
    let value = json!({
        "static": ["x\u{1}\n", 1, -2.5, 1_000, true, false, null, [], {}],
        "name": name,
        "count": count + 1,
        "none": none,
        "list": list,
        "first": list[0],
        "sum": list.iter().map(|one| one * 2).sum::<i32>(),
        "map": std::collections::BTreeMap::<String, i32>::from([("k".to_owned(), 1)]),
        "array": [0; 3],
        "block": { let x = 2; x * 2 }.max(1),
        "if": if count > 2 { "many" } else { "few" },
        "suffix": 7_u64,
        "raw": json!([{ "in": null }]),
        "fmt": format_args!("<{}>\n", count),
        ("computed".to_uppercase()): 'ü',
    });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(value.as_str()).unwrap(),
        expected!({
            "static": ["x\u{1}\n", 1, -2.5, 1000, true, false, null, [], {}],
            "name": "a\"b",
            "count": 4,
            "none": null,
            "list": [1, 2],
            "first": 1,
            "sum": 6,
            "map": { "k": 1 },
            "array": [0, 0, 0],
            "block": 4,
            "if": "many",
            "suffix": 7,
            "raw": [{ "in": null }],
            "fmt": "<3>\n",
            "COMPUTED": "ü",
        })
    );
    // It was not moved.
    assert_eq!(name.len(), 3);
}

#[test]
fn literals_of_one_value() {
    assert_eq!(json!(null).as_str(), "null");
    assert_eq!(json!("a").as_str(), "\"a\"");
    assert_eq!(json!([1, [2],]).as_str(), "[1,[2]]");
    assert_eq!(json!({}).to_string(), "{}");
    let two = 2;
    assert_eq!(json!(two).value(), Value::parse("2").unwrap());
}

#[test]
fn the_writer_puts_commas() {
    let mut out = Writer::new();
    out.begin_object();
    out.key("a");
    out.begin_array();
    out.null();
    out.bool(true);
    out.string(",");
    out.begin_object();
    out.end_object();
    out.begin_array();
    out.end_array();
    out.signed(-1);
    out.raw("[1]");
    out.end_array();
    out.key("b");
    out.float(1.5);
    out.end_object();
    assert_eq!(out.finish(), r#"{"a":[null,true,",",{},[],-1,[1]],"b":1.5}"#);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
        ".{0,8}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inside| {
        prop_oneof![
            prop::collection::vec(inside.clone(), 0..8).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any::<String>(), inside, 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Is it the same value?
fn same(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(one), serde_json::Value::Bool(other)) => one == other,
        (Value::String(one), serde_json::Value::String(other)) => one == other,
        (Value::Number(one), serde_json::Value::Number(other)) => {
            (other.as_u64(), other.as_i64()) == (one.as_u64(), one.as_i64())
                && one.as_f64() == other.as_f64()
                || other.is_f64() && one.as_f64() == other.as_f64()
        }
        (Value::Array(ones), serde_json::Value::Array(others)) => {
            ones.len() == others.len()
                && ones.iter().zip(others).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), serde_json::Value::Object(other)) => {
            other.iter().all(|(name, other)| one.get(name).is_some_and(|one| same(one, other)))
                && one.iter().all(|(name, _)| other.contains_key(name))
        }
        _ => false,
    }
}

/// What JSON is made of, put together in any way: some of it is JSON, most of it nearly.
fn nearly_json() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"\\u00e9\"",
        "\\",
        "\\u",
        "d83d",
        "\\ude00",
        "0",
        "1",
        "-",
        ".",
        "e",
        "E",
        "+",
        "12",
        "1.5",
        "1e3",
        "true",
        "false",
        "null",
        " ",
        "\n",
        "\t",
        "\r",
        "x",
        "é",
        "\u{1}",
        "\u{feff}",
    ]);
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_others_write_is_read(theirs in any_json(), is_pretty: bool) {
        let text = if is_pretty { serde_json::to_string_pretty(&theirs) } else { serde_json::to_string(&theirs) }.unwrap();
        let ours = Value::parse(&text).unwrap();
        prop_assert!(same(&ours, &theirs), "{text}");
        // And written again as they write it.
        prop_assert_eq!(json::to_string(&ours), serde_json::to_string(&theirs).unwrap());
        prop_assert_eq!(json::to_string(&ours.to_owned()), serde_json::to_string(&theirs).unwrap());
    }

    #[test]
    fn what_is_written_others_read(text: String, whole: i64, large: u64, widest: u128, float: f64, small: f32) {
        let ours = json!({ (text): whole, "l": large, "t": text, "f": float, "s": small, "w": widest });
        let theirs: serde_json::Value = serde_json::from_str(ours.as_str()).unwrap();
        prop_assert_eq!(theirs["t"].as_str(), Some(text.as_str()));
        prop_assert_eq!(theirs["l"].as_u64(), Some(large));
        if !["l", "t", "f", "s", "w"].contains(&text.as_str()) {
            prop_assert_eq!(theirs[&text].as_i64(), Some(whole));
        }
        let back = ours.value();
        // Theirs may be off by a bit.
        prop_assert_eq!(theirs["f"].is_f64(), float.is_finite());
        prop_assert_eq!(back.get("f").and_then(Value::as_f64), Some(float).filter(|float| float.is_finite()));
        prop_assert_eq!(back.get("w").and_then(|w| w.as_number()?.as_u128()), Some(widest));
        prop_assert_eq!(back.get("s").and_then(|s| s.as_number()?.as_f32()), Some(small).filter(|s| s.is_finite()));
    }

    #[test]
    fn the_same_texts_are_json(text in nearly_json()) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // A number too large for them is JSON all the same.
        if !theirs.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")) {
            let ours = Value::parse(&text);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?}, {:?}", text, ours, theirs);
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert!(same(&ours, &theirs), "{text}");
            }
        }
    }

    #[test]
    fn no_bytes_make_it_fail(bytes: Vec<u8>) {
        let _ = Value::parse_bytes(&bytes);
    }

    #[test]
    fn nested_as_deep_as_it_may_be(depth in 100_usize..127) {
        let text = "[{\"a\":".repeat(depth / 2) + "0" + &"}]".repeat(depth / 2);
        prop_assert_eq!(Value::parse(&text).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn integers_of_any_notation_are_exact(digits: u64, zeros in 0_usize..6, places in 0_usize..6) {
        // The same number with an exponent and a fraction.
        let text = format!("{digits}{}e-{zeros}", "0".repeat(zeros));
        prop_assert_eq!(Value::parse(&text).unwrap().as_u64(), Some(digits));
        let text = format!("{digits}.{}", "0".repeat(places + 1));
        prop_assert_eq!(Value::parse(&text).unwrap().as_u64(), Some(digits));
        let text = format!("0.{}{digits}e{}", "0".repeat(places), places + digits.to_string().len());
        prop_assert_eq!(Value::parse(&text).unwrap().as_u64(), Some(digits));
    }
}

#[test]
fn values_of_any_kind_are_owned() {
    let owned: OwnedValue = json::read(br#"{"a": [1, "x\n", null]}"#).unwrap();
    assert_eq!(json::to_string(&owned), r#"{"a":[1,"x\n",null]}"#);
    let mut out = Writer::new();
    owned.to_json(&mut out);
    assert_eq!(out.as_str(), r#"{"a":[1,"x\n",null]}"#);
}
