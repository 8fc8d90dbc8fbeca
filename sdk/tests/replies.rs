//! The macros that make replies.

#![allow(clippy::unwrap_used, reason = "a test is to fail then")]

use mik_sdk::prelude::*;
use mik_sdk::response::ResponseBody;
use mik_sdk::Response;

#[derive(Type)]
struct User {
    id: u32,
    name: String,
}

fn user() -> User {
    User { id: 7, name: "Alice".to_owned() }
}

fn text(response: &Response) -> &str {
    match &response.body {
        ResponseBody::Text(text) => text,
        ResponseBody::Bytes(bytes) => std::str::from_utf8(bytes).unwrap(),
        ResponseBody::Stream(_) => panic!("a stream"),
    }
}

fn field<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut fields = response.headers.iter().filter(|(other, _)| other == name);
    fields.next().map(|(_, value)| std::str::from_utf8(value).unwrap())
}

/// Status, media type and content.
fn all(response: &Response) -> (u16, Option<&str>, &str) {
    (response.status, field(response, "content-type"), text(response))
}

const JSON: Option<&str> = Some("application/json");
const PROBLEM: Option<&str> = Some("application/problem+json");

#[test]
fn replies_with_content() {
    let id = 7;
    assert_eq!(all(&ok!({ "id": id, "name": "Alice" })), (200, JSON, r#"{"id":7,"name":"Alice"}"#));
    assert_eq!(all(&ok!(user())), (200, JSON, r#"{"id":7,"name":"Alice"}"#));
    assert_eq!(all(&ok!([id, id + 1])), (200, JSON, "[7,8]"));
    let users = [user()];
    assert_eq!(all(&ok!(users)).2, r#"[{"id":7,"name":"Alice"}]"#);
    assert_eq!(all(&ok!(&users[0],)).2, r#"{"id":7,"name":"Alice"}"#);
    assert_eq!(all(&accepted!({ "job": id })), (202, JSON, r#"{"job":7}"#));
    assert_eq!(all(&accepted!()), (202, None, ""));
    assert_eq!(all(&no_content!()), (204, None, ""));
}

#[test]
fn what_was_created_may_have_a_place() {
    assert_eq!(all(&created!({ "id": 7 })), (201, JSON, r#"{"id":7}"#));
    assert_eq!(all(&created!(user())).0, 201);
    let response = created!("/users/7", { "id": 7 });
    assert_eq!(all(&response), (201, JSON, r#"{"id":7}"#));
    assert_eq!(field(&response, "location"), Some("/users/7"));
    let id = 7;
    let response = created!(format!("/users/{id}"), user());
    assert_eq!(field(&response, "location"), Some("/users/7"));
}

#[test]
fn redirects() {
    let response = redirect!("/a");
    assert_eq!((response.status, field(&response, "location")), (302, Some("/a")));
    let path = String::from("/b");
    let response = redirect!(308, path);
    assert_eq!((response.status, field(&response, "location")), (308, Some("/b")));
}

#[test]
fn problems() {
    assert_eq!(
        all(&error!(404, "no such user")),
        (
            404,
            PROBLEM,
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no such user"}"#
        )
    );
    assert_eq!(text(&error!(404)), r#"{"type":"about:blank","title":"Not Found","status":404}"#);
    let (status, order) = (409, 17);
    assert_eq!(
        text(
            &error!(status, { "order": order, "items": [{ "a": null }] }, format!("order {order}"))
        ),
        r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"order 17","order":17,"items":[{"a":null}]}"#
    );
    assert_eq!(
        text(&error!(409, { "type": "https://example.com/paid", "title": String::from("Paid") })),
        r#"{"type":"https://example.com/paid","title":"Paid","status":409}"#
    );
}

fn guarded(is_admin: bool) -> Response {
    guard!(is_admin, 403, "for administrators");
    no_content!()
}

fn guarded_result(count: i32) -> Result<Response, Response> {
    guard!(count > 0 && count < 9, 400, { "count": count }, "out of range");
    let doubled = Some(count * 2).filter(|count| *count != 4).ok_or_else(|| error!(409))?;
    Ok(ok!({ "doubled": doubled }))
}

fn ensured(id: Option<u32>, text: &str) -> Response {
    let id = ensure!(id, 404, "no such user");
    let number: u32 = ensure!(text.parse::<u32>(), 400, "not a number");
    ok!({ "sum": id + number })
}

fn ensured_result(id: Option<u32>) -> Result<Response, Response> {
    Ok(ok!({ "id": ensure!(id, 404) }))
}

#[test]
fn guards_return_early() {
    assert_eq!(guarded(true).status, 204);
    assert_eq!(guarded(false).status, 403);
    assert_eq!(text(&guarded_result(1).unwrap()), r#"{"doubled":2}"#);
    assert!(
        text(&guarded_result(9).unwrap_err()).ends_with(r#""detail":"out of range","count":9}"#)
    );
    assert_eq!(guarded_result(2).unwrap_err().status, 409);
}

#[test]
fn ensure_gives_the_value_or_returns_early() {
    assert_eq!(text(&ensured(Some(1), "2")), r#"{"sum":3}"#);
    assert_eq!(ensured(None, "2").status, 404);
    assert_eq!(ensured(Some(1), "x").status, 400);
    assert_eq!(text(&ensured_result(Some(1)).unwrap()), r#"{"id":1}"#);
    assert_eq!(ensured_result(None).unwrap_err().status, 404);
}

#[test]
fn faults_are_a_problem() {
    let faults = mik_sdk::json::read::<User>(br#"{"id":-1}"#).err().unwrap();
    assert_eq!(
        all(&Response::from(faults)),
        (
            400,
            PROBLEM,
            concat!(
                r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"2 fields are not valid","#,
                r#""errors":[{"pointer":"/id","code":"min","detail":"must be at least 0"},"#,
                r#"{"pointer":"/name","code":"required","detail":"is missing"}]}"#,
            )
        )
    );
}
