use super::Segment::{Parameter, Rest, Text};
use super::*;
use crate::testing::{self, request};

const POST: u16 = 4;

/// As `routes!` sorts them.
const ROUTES: &[Route] = &[
    Route::new(GET, &[]),
    Route::new(GET, &[Text("")]),
    Route::new(GET, &[Text("files"), Text("")]),
    Route::new(GET, &[Text("files"), Rest("path")]),
    Route::new(GET, &[Text("straße")]),
    Route::new(POST, &[Text("users"), Text("me")]),
    Route::new(HEAD, &[Text("users"), Parameter("id")]),
    Route::new(GET | 16, &[Text("users"), Parameter("id")]),
    Route::new(GET, &[Text("users"), Parameter("id"), Text("orders"), Parameter("order")]),
    Route::new(POST | OPTIONS, &[Text("own")]),
];

fn run(index: usize, params: &Params<'_>, _: &Request) -> Response {
    let params: Vec<_> = params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    Response::text(200, format!("{index}{}", params.concat())).header("x-route", index.to_string())
}

fn answer(method: &str, path: &str) -> Response {
    respond(ROUTES, run, &request(method, path).build())
}

#[test]
fn each_path_has_its_route() {
    for (path, expected) in [
        ("", "0"),
        ("/", "1"),
        ("/?a=/users/me", "1"),
        ("/files/", "2"),
        ("/files/a/b//c", "3 path=a/b//c"),
        ("/files/a%2Fb%20c", "3 path=a/b c"),
        ("/files//", "3 path=/"),
        ("/stra%C3%9Fe", "4"),
        ("/%66iles/x", "3 path=x"),
        ("/users/7", "7 id=7"),
        ("/users/a%2Fb", "7 id=a/b"),
        ("/users/me", "7 id=me"),
        ("/users/7/orders/%31", "8 id=7 order=1"),
    ] {
        let response = answer("GET", path);
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(testing::text(response), expected, "{path}");
    }
    assert_eq!(testing::text(answer("POST", "/users/me")), "5");
}

#[test]
fn what_has_no_route_is_not_found() {
    for path in [
        "/x",
        "/files",
        "/users",
        "/users/",
        "/users/7/",
        "/Users/7",
        "//",
        "*",
        "users/7",
        "/users//orders/1",
    ] {
        let response = answer("GET", path);
        assert_eq!(response.status, 404, "{path}");
        assert_eq!(response.header_value("content-type"), Some("application/problem+json"));
    }
    assert_eq!(answer("OPTIONS", "/x").status, 404);
}

#[test]
fn a_parameter_that_is_no_text_is_refused() {
    for path in ["/users/%", "/users/%zz", "/users/%FF", "/files/a/%C3"] {
        assert_eq!(answer("GET", path).status, 400, "{path}");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    for (method, path, allow) in [
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("PATCH", "/users/7", "GET, HEAD, DELETE, OPTIONS"),
        ("PUT", "/users/me", "GET, HEAD, POST, DELETE, OPTIONS"),
        ("get", "/own", "POST, OPTIONS"),
        ("BREW", "/own", "POST, OPTIONS"),
    ] {
        let response = answer(method, path);
        assert_eq!(response.status, 405, "{method} {path}");
        assert_eq!(response.header_value("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn options_are_told_unless_a_route_does() {
    let response = answer("OPTIONS", "/users/me");
    assert_eq!(response.status, 204);
    assert_eq!(response.header_value("allow"), Some("GET, HEAD, POST, DELETE, OPTIONS"));
    assert_eq!(testing::bytes(response), b"");
    assert_eq!(testing::text(answer("OPTIONS", "/own")), "9");
}

#[test]
fn a_head_is_that_of_get_unless_a_route_has_its_own() {
    let response = answer("HEAD", "/files/abc");
    assert_eq!(response.status, 200);
    assert_eq!(response.header_value("content-length"), Some("10"));
    assert_eq!(response.header_value("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(testing::bytes(response), b"");
    assert_eq!(answer("HEAD", "/users/7").header_value("x-route"), Some("6"));
    assert_eq!(answer("GET", "/users/7").header_value("x-route"), Some("7"));
}

#[test]
fn the_head_of_a_stream_has_no_length() {
    let respond = |request: &Request| {
        let stream = |_: usize, _: &Params<'_>, _: &Request| {
            Response::stream(200, "text/plain", std::iter::repeat_with(|| Ok::<_, String>(vec![0])))
        };
        respond(&[Route::new(GET, &[Text("")])], stream, request)
    };
    let response = respond(&request("HEAD", "/").build());
    assert_eq!(response.header_value("content-length"), None);
    assert_eq!(testing::bytes(response), b"");
}
