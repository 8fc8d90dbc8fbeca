//! `#[derive(Path)]` and `#[derive(Query)]`

#![allow(clippy::unwrap_used, reason = "a test is to fail then")]

use std::fmt::Debug;

use mik_sdk::json;
use mik_sdk::prelude::*;
use mik_sdk::text::{decoded, FromText, Pairs, Params, Path as _, Query as _};
use mik_sdk::validate::Faults;

#[derive(Type, Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    #[field(rename = "newest")]
    Newest,
    #[field(rename = "oldest")]
    Oldest,
}

#[derive(Path, Debug, PartialEq)]
struct UserPath {
    #[field(min = 1)]
    id: u32,
    #[field(rename = "type", pattern = "^[a-z]+$")]
    kind: String,
    sort: Sort,
}

#[derive(Query, Debug, PartialEq)]
struct Search {
    q: String,
    #[field(min = 1, max = 100, default = 20)]
    limit: u32,
    page: Option<u32>,
    #[field(default = Sort::Newest)]
    sort: Sort,
    #[field(max = 2)]
    tag: Vec<u8>,
    #[field(default)]
    exact: bool,
    letter: Option<char>,
    ratio: Option<f64>,
}

fn search(query: &str) -> Result<Search, String> {
    let mut faults = Faults::new();
    let search = Search::read(&Pairs::of_query(query), &mut faults);
    search.ok_or_else(|| json::to_string(&faults))
}

fn found() -> Search {
    Search {
        q: "a".to_owned(),
        limit: 20,
        page: None,
        sort: Sort::Newest,
        tag: Vec::new(),
        exact: false,
        letter: None,
        ratio: None,
    }
}

#[test]
fn a_path_is_read() {
    let mut params = Params::new();
    params.push("id", "7");
    params.push("type", "abc");
    params.push("sort", "oldest");
    let mut faults = Faults::new();
    assert_eq!(
        UserPath::read(&params, &mut faults),
        Some(UserPath { id: 7, kind: "abc".to_owned(), sort: Sort::Oldest })
    );
    assert!(faults.is_empty());
}

#[test]
fn all_that_is_wrong_with_a_path_is_told() {
    let mut params = Params::new();
    params.push("id", "0");
    params.push("type", "a1");
    params.push("sort", "best");
    let mut faults = Faults::new();
    assert_eq!(UserPath::read(&params, &mut faults), None);
    assert_eq!(
        json::to_string(&faults),
        concat!(
            r#"[{"in":"path","name":"id","code":"min","detail":"must be at least 1"},"#,
            r#"{"in":"path","name":"type","code":"pattern","detail":"must match the pattern ^[a-z]+$"},"#,
            r#"{"in":"path","name":"sort","code":"choice","detail":"must be one of newest, oldest"}]"#,
        )
    );
    let mut faults = Faults::new();
    params = Params::new();
    params.push("id", "4294967296");
    assert_eq!(UserPath::read(&params, &mut faults), None);
    assert_eq!(faults.iter().next().unwrap().detail(), "must be an integer from 0 to 4294967295");
    assert_eq!(faults.iter().nth(1).unwrap().code(), "required");
}

#[test]
fn a_query_is_read() {
    assert_eq!(search("q=a"), Ok(found()));
    assert_eq!(
        search("q=b+c%20%C3%BC&limit=5&page=2&sort=oldest&tag=1&tag=2&exact=on&letter=%C3%BC&ratio=1e1&other=x"),
        Ok(Search {
            q: "b c ü".to_owned(),
            limit: 5,
            page: Some(2),
            sort: Sort::Oldest,
            tag: vec![1, 2],
            exact: true,
            letter: Some('ü'),
            ratio: Some(10.0),
        })
    );
}

#[test]
fn of_several_pairs_the_last_counts() {
    assert_eq!(search("q=x&q=a"), Ok(found()));
}

#[test]
fn what_is_left_empty_is_absent() {
    assert_eq!(search("q=a&limit=&page=&sort=&exact="), Ok(found()));
    // But an empty text is one.
    assert_eq!(search("q="), Ok(Search { q: String::new(), ..found() }));
    assert_eq!(
        search(""),
        Err(r#"[{"in":"query","name":"q","code":"required","detail":"is missing"}]"#.to_owned())
    );
}

#[test]
fn all_that_is_wrong_with_a_query_is_told() {
    assert_eq!(
        search("limit=0&page=x&sort=best&tag=1&tag=2&tag=3&exact=yes&letter=ab&ratio=NaN"),
        Err([
            r#"[{"in":"query","name":"q","code":"required","detail":"is missing"}"#,
            r#"{"in":"query","name":"limit","code":"min","detail":"must be at least 1"}"#,
            r#"{"in":"query","name":"page","code":"type","detail":"must be an integer from 0 to 4294967295"}"#,
            r#"{"in":"query","name":"sort","code":"choice","detail":"must be one of newest, oldest"}"#,
            r#"{"in":"query","name":"tag","code":"max","detail":"must have at most 2 items"}"#,
            r#"{"in":"query","name":"exact","code":"type","detail":"must be true or false"}"#,
            r#"{"in":"query","name":"letter","code":"type","detail":"must be one character"}"#,
            r#"{"in":"query","name":"ratio","code":"type","detail":"must be a number"}]"#,
        ]
        .join(","))
    );
    assert!(search("q=a&tag=x").unwrap_err().contains(r#""must be an integer from 0 to 255""#));
}

#[test]
fn a_form_says_so() {
    let mut faults = Faults::new();
    let mut pairs = Pairs::of_form("q=a&limit=x");
    assert!(Search::read(&pairs, &mut faults).is_none());
    assert!(json::to_string(&faults).starts_with(r#"[{"in":"form","name":"limit""#));
    pairs.push("limit", "3");
    assert_eq!(Search::read(&pairs, &mut Faults::new()).unwrap().limit, 3);
}

#[test]
fn pairs_are_read_as_browsers_write_them() {
    let pairs = Pairs::of_query("a=1&&b&=c&a=2&d=e=f&%61=%zz%4&g=%ff");
    let all: Vec<_> = pairs.iter().collect();
    assert_eq!(
        all,
        [
            ("a", "1"),
            ("b", ""),
            ("", "c"),
            ("a", "2"),
            ("d", "e=f"),
            ("a", "%zz%4"),
            ("g", "\u{fffd}")
        ]
    );
    assert_eq!(pairs.all("a").collect::<Vec<_>>(), ["1", "2", "%zz%4"]);
    assert_eq!(pairs.get("a"), Some("%zz%4"));
    assert_eq!(pairs.get("z"), None);
    assert_eq!(decoded("a+b%2B", false), "a+b+");
    assert_eq!(decoded("a+b%2B", true), "a b+");
}

#[test]
fn a_type_of_its_own_can_be_a_parameter() {
    #[derive(Debug, PartialEq)]
    struct Version(u8, u8);

    impl FromText for Version {
        const SCHEMA: mik_sdk::schema::Schema = <String as FromText>::SCHEMA;
        const EXPECTED: &'static str = "a version like 1.2";

        fn from_text(text: &str) -> Option<Self> {
            let (major, minor) = text.split_once('.')?;
            Some(Self(major.parse().ok()?, minor.parse().ok()?))
        }
    }

    #[derive(Query, Debug, PartialEq)]
    struct Versions {
        from: Version,
        to: Option<Version>,
        not: Vec<Version>,
    }
    let read = |query: &str| {
        let mut faults = Faults::new();
        Versions::read(&Pairs::of_query(query), &mut faults).ok_or_else(|| json::to_string(&faults))
    };
    assert_eq!(
        read("from=1.2&not=1.3"),
        Ok(Versions { from: Version(1, 2), to: None, not: vec![Version(1, 3)] })
    );
    assert!(read("from=1").unwrap_err().contains("must be a version like 1.2"));
}
