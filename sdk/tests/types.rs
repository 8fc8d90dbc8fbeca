//! `#[derive(Type)]`

#![allow(clippy::unwrap_used, reason = "a test is to fail then")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use mik_sdk::json::{self, FromJson, OwnedValue, ToJson};
use mik_sdk::prelude::*;
use proptest::prelude::*;

/// All kinds of fields.
#[derive(Type, Debug, Clone, PartialEq)]
struct Everything {
    u8: u8,
    u16: u16,
    u32: u32,
    u64: u64,
    u128: u128,
    usize: usize,
    i8: i8,
    i16: i16,
    i32: i32,
    i64: i64,
    i128: i128,
    isize: isize,
    f32: f32,
    f64: f64,
    bool: bool,
    text: String,
    char: char,
    option: Option<String>,
    list: Vec<u8>,
    boxed: Box<i32>,
    sorted: BTreeMap<String, i32>,
    hashed: HashMap<String, Vec<bool>>,
    kind: Kind,
    nested: Option<Box<Tree>>,
    any: OwnedValue,
}

#[derive(Type, Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Small,
    #[field(rename = "very large")]
    VeryLarge,
}

#[derive(Type, Debug, Clone, PartialEq)]
struct Tree {
    name: String,
    children: Vec<Tree>,
}

#[derive(Type, Debug, PartialEq)]
struct Named {
    r#type: String,
    #[field(rename = "userId")]
    user_id: u32,
    #[field(rename = "a/b~c \"d\"")]
    strange: Option<u8>,
}

const MANY: u32 = 100;

#[derive(Type, Debug, PartialEq)]
struct Defaults {
    #[field(default = "none", min = 1)]
    text: String,
    #[field(default = -5)]
    number: i64,
    #[field(default = MANY / 2)]
    computed: u32,
    #[field(default)]
    list: Vec<u8>,
    #[field(default = Kind::VeryLarge)]
    kind: Kind,
    #[field(default = 0.5)]
    float: f32,
    #[field(default = true)]
    bool: bool,
}

#[derive(Type, Debug, PartialEq)]
struct Ruled {
    #[field(min = 1, max = 150)]
    age: u8,
    #[field(min = -0.5, max = 0.1)]
    ratio: f32,
    #[field(min = 2, max = 3)]
    name: String,
    #[field(pattern = "^[a-zäöü]+(-[0-9]{1,3})?$")]
    slug: Option<String>,
    #[field(format = "email", max = 10)]
    email: Option<String>,
    #[field(min = 1, max = 2)]
    tags: Vec<String>,
    #[field(max = 1)]
    map: Option<HashMap<String, u8>>,
    #[field(min = 10)]
    boxed: Box<u128>,
}

#[derive(Type, Debug, PartialEq)]
struct Empty {}

fn read<T: FromJson + Debug>(text: &str) -> T {
    json::read(text.as_bytes()).unwrap()
}

/// The faults, each as "pointer code: detail".
fn faults<T: FromJson + Debug>(text: &str) -> Vec<String> {
    let faults = json::read::<T>(text.as_bytes()).unwrap_err();
    let text = json::to_string(&faults);
    let faults: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let part = |fault: &serde_json::Value, name: &str| fault[name].as_str().unwrap().to_owned();
    faults
        .iter()
        .map(|f| format!("{} {}: {}", part(f, "pointer"), part(f, "code"), part(f, "detail")))
        .collect()
}

fn everything() -> Everything {
    Everything {
        u8: u8::MAX,
        u16: u16::MAX,
        u32: u32::MAX,
        u64: u64::MAX,
        u128: u128::MAX,
        usize: usize::MAX,
        i8: i8::MIN,
        i16: i16::MIN,
        i32: i32::MIN,
        i64: i64::MIN,
        i128: i128::MIN,
        isize: isize::MIN,
        f32: 0.1,
        f64: -1e300,
        bool: true,
        text: "a\"\n\u{1f600}".to_owned(),
        char: 'ü',
        option: None,
        list: vec![1, 2],
        boxed: Box::new(-1),
        sorted: BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]),
        hashed: HashMap::from([("k".to_owned(), vec![true])]),
        kind: Kind::VeryLarge,
        nested: Some(Box::new(Tree {
            name: "root".to_owned(),
            children: vec![Tree { name: "leaf".to_owned(), children: Vec::new() }],
        })),
        any: json!({ "x": [null] }).value().to_owned(),
    }
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let text = json::to_string(&everything());
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    assert_eq!(read::<Everything>(&text), everything());
    assert_eq!(json::to_string(&read::<Everything>(&text)), text);
}

#[test]
fn names_are_those_of_the_fields_or_as_renamed() {
    let named = Named { r#type: "x".to_owned(), user_id: 7, strange: Some(1) };
    let text = r#"{"type":"x","userId":7,"a/b~c \"d\"":1}"#;
    assert_eq!(json::to_string(&named), text);
    assert_eq!(read::<Named>(text), named);
    assert_eq!(
        faults::<Named>(r#"{"type":1,"user_id":7,"a/b~c \"d\"":256}"#),
        [
            "/type type: must be a string, not a number",
            "/userId required: is missing",
            "/a~1b~0c \"d\" max: must be at most 255",
        ]
    );
    assert_eq!(json::to_string(&Empty {}), "{}");
    assert_eq!(read::<Empty>(r#"{"a":1}"#), Empty {});
}

#[test]
fn an_option_may_be_absent_or_null() {
    #[derive(Type, Debug, PartialEq)]
    struct Optional {
        a: Option<u8>,
        b: Option<Vec<Option<u8>>>,
        c: Box<Option<u8>>,
    }
    let none = Optional { a: None, b: None, c: Box::new(None) };
    assert_eq!(read::<Optional>("{}"), none);
    assert_eq!(read::<Optional>(r#"{"a":null,"b":null,"c":null}"#), none);
    assert_eq!(json::to_string(&none), r#"{"a":null,"b":null,"c":null}"#);
    let some = Optional { a: Some(1), b: Some(vec![None, Some(2)]), c: Box::new(Some(3)) };
    assert_eq!(read::<Optional>(r#"{"a":1,"b":[null,2],"c":3}"#), some);
}

#[test]
fn what_is_absent_has_its_default() {
    let defaults = read::<Defaults>("{}");
    assert_eq!(
        defaults,
        Defaults {
            text: "none".to_owned(),
            number: -5,
            computed: 50,
            list: Vec::new(),
            kind: Kind::VeryLarge,
            float: 0.5,
            bool: true,
        }
    );
    assert_eq!(read::<Defaults>(r#"{"number":1}"#).number, 1);
    // It is there, but it is not a number.
    assert_eq!(
        faults::<Defaults>(r#"{"number":null}"#),
        ["/number type: must be an integer, not null"]
    );
}

#[test]
fn each_type_tells_what_it_expects() {
    assert_eq!(
        faults::<Everything>(
            r#"{
                "u8": 256, "u16": -1, "u32": 1.5, "u64": "1", "u128": -1, "usize": null, "i8": -129, "i16": 32768,
                "i32": 1e400, "i64": 9223372036854775808, "i128": -170141183460469231731687303715884105729, "isize": [],
                "f32": 1e39, "f64": "x", "bool": 1, "text": {}, "char": "ab", "option": 1, "list": {"a": 1}, "boxed": "",
                "sorted": {"a": "x", "b": 1}, "hashed": {"k": [1]}, "kind": "Large",
                "nested": {"name": "a", "children": [{"name": 1, "children": []}, {"name": "b"}]}
            }"#
        ),
        [
            "/u8 max: must be at most 255",
            "/u16 min: must be at least 0",
            "/u32 type: must be an integer, not a fraction",
            "/u64 type: must be an integer, not a string",
            "/u128 min: must be at least 0",
            "/usize type: must be an integer, not null",
            "/i8 min: must be at least -128",
            "/i16 max: must be at most 32767",
            "/i32 max: must be at most 2147483647",
            "/i64 max: must be at most 9223372036854775807",
            "/i128 min: must be at least -170141183460469231731687303715884105728",
            "/isize type: must be an integer, not an array",
            "/f32 max: must be at most 3.4028235e38",
            "/f64 type: must be a number, not a string",
            "/bool type: must be a boolean, not a number",
            "/text type: must be a string, not an object",
            "/char type: must be one character",
            "/option type: must be a string, not a number",
            "/list type: must be an array, not an object",
            "/boxed type: must be an integer, not a string",
            "/sorted/a type: must be an integer, not a string",
            "/hashed/k/0 type: must be a boolean, not a number",
            "/kind choice: must be one of Small, very large",
            "/nested/children/0/name type: must be a string, not a number",
            "/nested/children/1/children required: is missing",
            "/any required: is missing",
        ]
    );
    assert_eq!(faults::<Empty>("[]"), [" type: must be an object, not an array"]);
    assert_eq!(faults::<Kind>("1"), [" type: must be a string, not a number"]);
}

#[test]
fn rules_are_checked_all_of_them() {
    let right = r#"{"age":1,"ratio":0.1,"name":"äöü","slug":"ab-12","email":"a@b.c","tags":["x"],"boxed":10}"#;
    assert_eq!(read::<Ruled>(right).age, 1);
    assert_eq!(
        faults::<Ruled>(
            r#"{"age":0,"ratio":0.11,"name":"ü","slug":"-","email":"not an address","tags":[],"map":{"a":1,"b":2},"boxed":9}"#
        ),
        [
            "/age min: must be at least 1",
            "/ratio max: must be at most 0.1",
            "/name min: must have at least 2 characters",
            "/slug pattern: must match the pattern ^[a-zäöü]+(-[0-9]{1,3})?$",
            "/email max: must have at most 10 characters",
            "/email format: must be an email address",
            "/tags min: must have at least 1 item",
            "/map max: must have at most 1 member",
            "/boxed min: must be at least 10",
        ]
    );
    let faults = faults::<Ruled>(
        r#"{"age":151,"ratio":-0.6,"name":"abcd","tags":["a","b","c"],"boxed":340282366920938463463374607431768211455}"#,
    );
    assert_eq!(
        faults,
        [
            "/age max: must be at most 150",
            "/ratio min: must be at least -0.5",
            "/name max: must have at most 3 characters",
            "/tags max: must have at most 2 items",
        ]
    );
}

#[test]
fn a_handler_adds_faults_of_its_own() {
    let mut faults = mik_sdk::validate::Faults::new();
    faults.add("order", "must be in order");
    faults.add_at("/from", "order", format!("must not be greater than {}", 3));
    faults.add_in("query", "to", "order", "must not be less");
    assert_eq!(
        json::to_string(&faults),
        concat!(
            r#"[{"pointer":"","code":"order","detail":"must be in order"},"#,
            r#"{"pointer":"/from","code":"order","detail":"must not be greater than 3"},"#,
            r#"{"in":"query","name":"to","code":"order","detail":"must not be less"}]"#,
        )
    );
    assert_eq!(faults.into_result().unwrap_err().summary(), "3 fields are not valid");
    assert!(mik_sdk::validate::Faults::new().into_result().is_ok());
}

#[test]
fn it_stops_at_a_hundred_faults() {
    let list = format!("[{}]", vec!["\"x\""; 5000].join(","));
    let faults = json::read::<Vec<u8>>(list.as_bytes()).unwrap_err();
    assert_eq!(faults.iter().count(), 100);
    assert_eq!(
        faults.iter().last().unwrap().place(),
        &mik_sdk::validate::Place::Pointer("/99".to_owned())
    );
    // What is read after that is not taken for valid.
    #[derive(Type, Debug)]
    struct Two {
        _list: Vec<u8>,
        _more: Vec<Kind>,
    }
    let faults =
        json::read::<Two>(format!(r#"{{"_list":{list},"_more":["x"]}}"#).as_bytes()).unwrap_err();
    assert_eq!(faults.summary(), "100 or more fields are not valid");
}

#[test]
fn the_summary_counts_fields() {
    let summary = |text: &str| json::read::<Ruled>(text.as_bytes()).unwrap_err().summary();
    let rest = r#""ratio":0,"name":"abc","tags":["a"],"boxed":10"#;
    assert_eq!(summary(&format!(r#"{{"age":0,{rest}}}"#)), "1 field is not valid");
    let email = r#""email":"not an address""#;
    assert_eq!(summary(&format!(r#"{{"age":1,{email},{rest}}}"#)), "1 field is not valid");
    assert_eq!(summary(&format!(r#"{{"age":0,{email},{rest}}}"#)), "2 fields are not valid");
    assert_eq!(summary("{"), "the content is not valid JSON");
    assert_eq!(faults::<Ruled>("{\n1"), [" syntax: expected a name in quotes at line 2, column 1"]);
}

#[test]
fn of_members_with_the_same_name_the_last_counts() {
    assert_eq!(read::<BTreeMap<String, u8>>(r#"{"a":"x","a":2}"#)["a"], 2);
    assert_eq!(read::<HashMap<String, u8>>(r#"{"a":1,"a":2}"#)["a"], 2);
    assert_eq!(faults::<BTreeMap<String, u8>>(r#"{"a":1,"a":"x"}"#).len(), 1);
}

#[test]
fn aliases_are_what_they_stand_for() {
    type Id = u64;
    type Maybe<T> = Option<T>;
    #[derive(Type, Debug, PartialEq)]
    struct Aliased {
        #[field(min = 1)]
        id: Id,
        #[field(max = 3)]
        text: Maybe<String>,
    }
    assert_eq!(read::<Aliased>(r#"{"id":1}"#), Aliased { id: 1, text: None });
    assert_eq!(faults::<Aliased>(r#"{"id":0,"text":"abcd"}"#).len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_is_sent_is_read_or_told(tree in any_tree(), cut in 0_usize..400, with in ".{0,3}") {
        let text = json::to_string(&tree);
        prop_assert_eq!(&read::<Tree>(&text), &tree);
        // Broken somewhere it is still answered.
        let mut broken: String = text.chars().take(cut).collect();
        broken.push_str(&with);
        broken.extend(text.chars().skip(cut));
        if let Err(faults) = json::read::<Tree>(broken.as_bytes()) {
            prop_assert!(!faults.is_empty());
        }
    }
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = any::<String>().prop_map(|name| Tree { name, children: Vec::new() });
    leaf.prop_recursive(6, 32, 4, |inside| {
        (any::<String>(), prop::collection::vec(inside, 0..4))
            .prop_map(|(name, children)| Tree { name, children })
    })
}

#[test]
fn a_type_of_its_own_takes_part() {
    /// Written as text.
    #[derive(Debug, PartialEq)]
    struct Cents(u64);

    impl ToJson for Cents {
        fn to_json(&self, out: &mut json::Writer) {
            out.unsigned(self.0);
        }
    }

    impl FromJson for Cents {
        fn from_json(
            value: &json::Value<'_>,
            faults: &mut mik_sdk::validate::Faults,
        ) -> Option<Self> {
            u64::from_json(value, faults).map(Self)
        }
    }

    impl mik_sdk::schema::Type for Cents {
        const SCHEMA: mik_sdk::schema::Schema = <u64 as mik_sdk::schema::Type>::SCHEMA;
    }

    #[derive(Type, Debug, PartialEq)]
    struct Price {
        cents: Cents,
    }
    assert_eq!(read::<Price>(r#"{"cents":5}"#), Price { cents: Cents(5) });
}
