use std::io::Read as _;

use crate::body::ReadError;
use crate::prelude::*;
use crate::testing::{get, post, request};
use crate::{testing, Request, Response};

#[derive(Query, Debug, PartialEq)]
struct Search {
    q: String,
    #[field(max = 100)]
    page: Option<u32>,
}

#[derive(Type, Debug, PartialEq)]
struct User {
    name: String,
    #[field(max = 150)]
    age: u8,
}

fn status<T: std::fmt::Debug>(result: Result<T, Response>) -> u16 {
    result.unwrap_err().status
}

#[test]
fn the_target_is_split_at_the_first_question_mark() {
    let request = get("/a%20b?c=d?e").build();
    assert_eq!(
        (request.method(), request.path(), request.query_string()),
        ("GET", "/a%20b", "c=d?e")
    );
    let request = testing::request("BREW", "/a").build();
    assert_eq!((request.method(), request.path(), request.query_string()), ("BREW", "/a", ""));
}

#[test]
fn header_fields_are_found() {
    let request = get("/")
        .header("X-Request-Id", "r7")
        .header("x-forwarded-prefix", "/run/a")
        .header("x-forwarded-for", "1.1.1.1")
        .header("x-forwarded-for", "2.2.2.2, 3.3.3.3 ,")
        .header("host", "example.org")
        .build();
    assert_eq!(request.header("x-request-ID"), Some("r7"));
    assert_eq!(request.request_id(), Some("r7"));
    assert_eq!(request.prefix(), "/run/a");
    assert_eq!(request.client_address(), Some("3.3.3.3"));
    assert_eq!(request.authority().as_deref(), Some("example.org"));
    assert_eq!(request.scheme().as_deref(), Some("http"));
    assert_eq!(request.headers().len(), 5);
    let bare = get("/").build();
    assert_eq!((bare.request_id(), bare.prefix(), bare.client_address()), (None, "", None));
}

#[test]
fn cookies_and_tokens_are_found() {
    let request = get("/")
        .header("cookie", "a=1; b=\"2\";c = 3 ; =4; broken")
        .header("cookie", "d=x=y")
        .header("authorization", "bearer  abc.def")
        .build();
    let cookies: Vec<_> = request.cookies().collect();
    assert_eq!(cookies, [("a", "1"), ("b", "2"), ("c", "3"), ("", "4"), ("d", "x=y")]);
    assert_eq!((request.cookie("b"), request.cookie("B")), (Some("2"), None));
    assert_eq!(request.bearer_token(), Some("abc.def"));
    for other in ["Basic abc", "Bearer", "Bearer ", "Bearerabc"] {
        assert_eq!(get("/").header("authorization", other).build().bearer_token(), None, "{other}");
    }
}

#[test]
fn a_query_is_read_into_its_type() {
    let search: Search = get("/?q=a+b&page=2").build().query().unwrap();
    assert_eq!(search, Search { q: "a b".into(), page: Some(2) });
    let refused = get("/?page=101").build().query::<Search>().unwrap_err();
    assert_eq!(refused.status, 400);
    let text = testing::text(refused);
    assert!(
        text.contains(r#""in":"query","name":"q""#)
            && text.contains(r#""name":"page","code":"max""#),
        "{text}"
    );
}

#[test]
fn content_is_read_once_and_kept() {
    let request = post("/").chunk("ab").chunk("c").build();
    assert_eq!(request.body().unwrap(), b"abc");
    assert_eq!(request.text().unwrap(), "abc");
    assert_eq!(status(request.body_within(2)), 413);
    assert_eq!(request.body_stream().unwrap().read_within(3), Ok(b"abc".to_vec()));
    assert_eq!(request.body().unwrap(), b"abc");
}

#[test]
fn content_has_a_limit() {
    let request = post("/").chunk("abc").build();
    assert_eq!(status(request.body_within(2)), 413);
    // It is spent: there is no way back to the beginning.
    assert_eq!(status(request.body_within(3)), 413);
    let declared = post("/").header("content-length", "1000").chunk("abc").build();
    assert_eq!(status(declared.body_within(999)), 413);
    assert_eq!(declared.body_within(1000).unwrap(), b"abc");
    let large = post("/").chunk(vec![0; 10 << 20]).build();
    assert_eq!(large.body().unwrap().len(), 10 << 20);
    let larger = post("/").chunk(vec![0; (10 << 20) + 1]).build();
    assert_eq!(status(larger.body()), 413);
}

#[test]
fn content_that_fails_says_how() {
    for (error, expected) in
        [(ReadError::Broken, 400), (ReadError::Timeout, 408), (ReadError::TooLarge, 413)]
    {
        let request = post("/").chunk("a").failure(error).build();
        assert_eq!(status(request.body()), expected);
        assert_eq!(status(request.text()), expected);
    }
    assert_eq!(status(post("/").chunk([0xff]).build().text()), 400);
}

#[test]
fn a_stream_is_taken_once() {
    let request = post("/").chunk("ab").chunk("c").build();
    let mut stream = request.body_stream().unwrap();
    assert_eq!(stream.chunk(), Ok(Some(b"ab".to_vec())));
    assert_eq!(status(request.body_stream()), 500);
    assert_eq!(status(request.body()), 500);
    drop(request);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "c");
}

#[test]
fn json_is_read_into_its_type() {
    let request = post("/").json(r#"{"name":"Alice","age":30}"#).build();
    assert_eq!(request.json::<User>().unwrap(), User { name: "Alice".into(), age: 30 });
    assert_eq!(
        request.json_value().unwrap().get("age").and_then(crate::json::Value::as_u64),
        Some(30)
    );
    let refused = post("/").json(r#"{"age":151}"#).build().json::<User>().unwrap_err();
    assert_eq!(refused.status, 400);
    let text = testing::text(refused);
    assert!(text.contains("2 fields are not valid"), "{text}");
    let broken = post("/").json("{").build().json::<User>().unwrap_err();
    assert_eq!(broken.status, 400);
    assert!(testing::text(broken).contains("not valid JSON"));
}

#[test]
fn what_says_it_is_something_else_is_not_read() {
    let with_type =
        |content_type| post("/").header("content-type", content_type).chunk("{}").build();
    for (content_type, is_json, is_form, is_multipart) in [
        ("application/json", true, false, false),
        ("Application/Merge-Patch+JSON; charset=utf-8", true, false, false),
        ("text/plain", false, false, false),
        ("application/x-www-form-urlencoded; charset=utf-8", false, true, false),
        ("Multipart/Form-Data; boundary=x", false, false, true),
    ] {
        let is_read = |status| status != 415;
        let request = with_type(content_type);
        assert_eq!(
            request.json_value().map_err(|refused| refused.status).map_or_else(is_read, |_| true),
            is_json
        );
        assert_eq!(
            is_read(request.form::<Search>().unwrap_err().status),
            is_form,
            "{content_type}"
        );
        assert_eq!(
            with_type(content_type).multipart().map_err(|refused| refused.status).is_ok(),
            is_multipart
        );
    }
    let untyped = post("/").chunk("{}").build();
    assert_eq!(status(untyped.json_value()), 415);
    assert_eq!(status(with_type("multipart/form-data").multipart()), 400);
    assert_eq!(status(with_type("multipart/form-data; boundary=").multipart()), 400);
}

#[test]
fn a_form_is_read_into_its_type() {
    let request = post("/").form("q=a%20b&page=3").build();
    assert_eq!(request.form::<Search>().unwrap(), Search { q: "a b".into(), page: Some(3) });
    let refused = post("/").form("page=x").build().form::<Search>().unwrap_err();
    assert!(testing::text(refused).contains(r#""in":"form","name":"q""#));
}

/// A form in pieces of so many bytes.
fn multipart(content: &str, size: usize) -> Request {
    let mut builder =
        request("POST", "/").header("content-type", "multipart/form-data; boundary=\"b-1\"");
    for piece in content.as_bytes().chunks(size) {
        builder = builder.chunk(piece);
    }
    builder.build()
}

const FORM: &str = "preamble\r\n--b-1\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b-\r\n\r\n--b-1  \r\n\
    X-Other: y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22b.txt\"\r\nContent-Type: text/x; a=b\r\n\r\n\
    \r\n--b-1\r\nContent-Disposition: FORM-DATA; name=c\r\n\r\nlast\r\n--b-1--\r\nepilogue";

#[test]
fn a_form_with_files_is_read_in_pieces_of_any_size() {
    for size in 1..FORM.len() + 1 {
        let mut form = multipart(FORM, size).multipart().unwrap();
        let mut part = form.next_part().unwrap().unwrap();
        assert_eq!((part.name(), part.file_name(), part.content_type()), ("a", None, None));
        assert_eq!(part.text().unwrap(), "1\r\n--b-\r\n", "{size}");
        assert_eq!(part.chunk().unwrap(), None);
        let mut part = form.next_part().unwrap().unwrap();
        assert_eq!(
            (part.name(), part.file_name(), part.content_type()),
            ("file", Some("a\"b.txt"), Some("text/x; a=b"))
        );
        assert_eq!(part.bytes().unwrap(), b"");
        let mut part = form.next_part().unwrap().unwrap();
        assert_eq!(part.name(), "c");
        let mut text = String::new();
        part.reader().read_to_string(&mut text).unwrap();
        assert_eq!(text, "last");
        assert!(form.next_part().unwrap().is_none());
        assert!(form.next_part().unwrap().is_none());
    }
}

#[test]
fn parts_are_skipped_and_limited() {
    let mut form = multipart(FORM, 7).multipart().unwrap();
    form.next_part().unwrap().unwrap();
    form.next_part().unwrap().unwrap();
    let mut part = form.next_part().unwrap().unwrap();
    let mut two = [0; 2];
    part.reader().read_exact(&mut two).unwrap();
    assert_eq!(&two, b"la");
    assert_eq!(status(part.bytes_within(1)), 413);
}

#[test]
fn what_is_no_form_is_refused() {
    for content in [
        "",
        "x",
        "--b-1",
        "--b-1\r\n",
        "--b-1\r\ncontent-disposition: form-data; name=a\r\n\r\nabc",
        "--b-1\r\n\r\nabc\r\n--b-1--",
        "--b-1\r\ncontent-disposition: form-data\r\n\r\nabc\r\n--b-1--",
        "--b-1\r\ncontent-disposition: attachment; name=a\r\n\r\nabc\r\n--b-1--",
        "--b-1x\r\ncontent-disposition: form-data; name=a\r\n\r\nabc\r\n--b-1--",
    ] {
        let mut form = multipart(content, 5).multipart().unwrap();
        let failure = loop {
            match form.next_part() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{content:?} is no form"),
                Err(refused) => break refused.status,
            }
        };
        assert_eq!(failure, 400, "{content:?}");
        assert!(form.next_part().unwrap().is_none(), "{content:?}");
    }
    let huge = ["--b-1\r\nx: ", &"y".repeat(20 << 10)].concat();
    assert_eq!(multipart(&huge, 1000).multipart().unwrap().next_part().unwrap_err().status, 400);
    assert!(multipart("--b-1--", 3).multipart().unwrap().next_part().unwrap().is_none());
}
