//! What `routes!` makes of routes, asked without a host.
#![allow(
    unreachable_pub,
    clippy::needless_pass_by_value,
    reason = "the files of handlers are like this"
)]

mod bindings {
    pub use mik_sdk::bindings::*;
}

use mik_sdk::testing::{self, get, post, request};
use mik_sdk::Response;

fn text(response: Response) -> String {
    testing::text(response)
}

/// The sample of the quick start.
mod sample {
    use super::bindings;
    use bindings::exports::mik::core::handler::{self, Guest, Response};
    use mik_sdk::prelude::*;

    #[derive(Path)]
    struct UserPath {
        id: u32,
    }

    routes! {
        GET "/" | "" => home,
        GET "/users/{id}" => get_user(path: UserPath),
    }

    fn home(_req: &Request) -> Response {
        ok!({
            "message": "Hello from mik!",
            "version": "0.1.0"
        })
    }

    fn get_user(path: UserPath, _req: &Request) -> Response {
        ok!({
            "id": path.id,
            "name": "Alice"
        })
    }
}

#[test]
fn the_sample_answers() {
    for path in ["/", "", "/?x=1"] {
        let response = sample::respond(&get(path).build());
        assert_eq!(response.status, 200);
        assert_eq!(response.header_value("content-type"), Some("application/json"));
        assert_eq!(text(response), r#"{"message":"Hello from mik!","version":"0.1.0"}"#);
    }
    assert_eq!(text(sample::respond(&get("/users/7").build())), r#"{"id":7,"name":"Alice"}"#);
}

#[test]
fn the_sample_refuses() {
    let refused = sample::respond(&get("/users/x").build());
    assert_eq!(refused.status, 400);
    assert_eq!(
        text(refused),
        r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"1 field is not valid","errors":[{"in":"path","name":"id","code":"type","detail":"must be an integer from 0 to 4294967295"}]}"#
    );
    assert_eq!(sample::respond(&get("/none").build()).status, 404);
    let refused = sample::respond(&post("/users/7").build());
    assert_eq!((refused.status, refused.header_value("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

mod full {
    use super::bindings;
    use bindings::exports::mik::core::handler::{self, Guest};
    use mik_sdk::prelude::*;

    #[derive(Path)]
    pub struct OrderPath {
        pub user: String,
        #[field(min = 1)]
        pub order: u32,
    }

    #[derive(Path)]
    pub struct FilePath {
        pub path: String,
    }

    #[derive(Query)]
    pub struct Search {
        #[field(min = 2)]
        pub q: String,
        #[field(default = 1)]
        pub page: u32,
    }

    #[derive(Type)]
    pub struct NewUser {
        #[field(min = 1)]
        pub name: String,
    }

    pub mod functions {
        use super::*;

        pub fn everything(
            path: OrderPath,
            query: Search,
            user: NewUser,
            request: &Request,
        ) -> Response {
            Response::text(
                200,
                format!(
                    "{} {} {} {} {} {}",
                    request.method(),
                    path.user,
                    path.order,
                    query.q,
                    query.page,
                    user.name
                ),
            )
        }

        pub fn file(path: FilePath, _: &Request) -> Response {
            Response::text(200, path.path)
        }
    }

    routes! {
        // The order of writing does not matter.
        GET "/{rest*}" => rest,
        PUT | PATCH "/users/{user}/orders/{order}" => functions::everything(path: OrderPath, query: Search, body: NewUser),
        GET "/files/{path*}" | "/other/{path*}" => functions::file(path: FilePath),
        POST "/login" => login(form: Search),
        POST "/turned" => turned(json: NewUser, query: Search),
        GET "/search" => search(query: Search),
        HEAD "/search" => search_head,
        GET "/fallible" => fallible(query: Search) -> Vec<NewUser>,
    }

    fn rest(request: &Request) -> Response {
        Response::text(200, ["rest ", request.path()].concat())
    }

    fn login(form: Search, _: &Request) -> Response {
        Response::text(200, form.q)
    }

    fn turned(user: NewUser, query: Search, _: &Request) -> Response {
        Response::text(200, [user.name, query.q].concat())
    }

    fn search(query: Search, _: &Request) -> Response {
        Response::text(200, query.q)
    }

    fn search_head(_: &Request) -> Response {
        Response::new(200).header("x-own", "1")
    }

    fn fallible(query: Search, _: &Request) -> Result<Response, Response> {
        guard!(query.page < 10, 422, "so many pages there are not");
        Ok(Response::text(200, query.q))
    }
}

#[test]
fn arguments_come_in_their_order() {
    let request = request("PATCH", "/users/a%2Fb/orders/3?q=xy").json(r#"{"name":"Eve"}"#).build();
    assert_eq!(text(full::respond(&request)), "PATCH a/b 3 xy 1 Eve");
    let request = post("/turned?q=xy").json(r#"{"name":"Eve"}"#).build();
    assert_eq!(text(full::respond(&request)), "Evexy");
    assert_eq!(text(full::respond(&post("/login").form("q=a+b").build())), "a b");
}

#[test]
fn what_is_more_particular_goes_first() {
    for (path, expected) in [
        ("/files/a/b", "a/b"),
        ("/other/", ""),
        ("/files", "rest /files"),
        ("/search?q=xy", "xy"),
        ("/search/", "rest /search/"),
        ("/", "rest /"),
    ] {
        assert_eq!(text(full::respond(&get(path).build())), expected, "{path}");
    }
    let own = full::respond(&request("HEAD", "/search").build());
    assert_eq!((own.status, own.header_value("x-own")), (200, Some("1")));
    let head = full::respond(&request("HEAD", "/files/abc").build());
    assert_eq!(head.header_value("content-length"), Some("3"));
    assert_eq!(text(head), "");
}

#[test]
fn the_faults_of_all_sources_are_told_together() {
    let request = request("PUT", "/users/u/orders/0?q=x&page=y").json(r#"{"name":""}"#).build();
    let refused = full::respond(&request);
    assert_eq!(refused.status, 400);
    let text = text(refused);
    for fault in [
        r#"{"in":"path","name":"order","code":"min""#,
        r#"{"in":"query","name":"q","code":"min""#,
        r#"{"in":"query","name":"page","code":"type""#,
        r#"{"pointer":"/name","code":"min""#,
        r#""detail":"4 fields are not valid""#,
    ] {
        assert!(text.contains(fault), "{fault} in {text}");
    }
}

#[test]
fn content_of_another_type_is_refused() {
    let put = || request("PUT", "/users/u/orders/1?q=xy");
    assert_eq!(full::respond(&put().build()).status, 415);
    assert_eq!(
        full::respond(&put().header("content-type", "text/plain").chunk("{}").build()).status,
        415
    );
    assert_eq!(full::respond(&put().json("{").build()).status, 400);
    assert_eq!(full::respond(&post("/login").json("{}").build()).status, 415);
}

#[test]
fn a_result_is_an_answer() {
    assert_eq!(text(full::respond(&get("/fallible?q=xy").build())), "xy");
    assert_eq!(full::respond(&get("/fallible?q=xy&page=10").build()).status, 422);
}

#[test]
fn a_response_is_checked_before_it_leaves() {
    mod unchecked {
        use super::bindings;
        use bindings::exports::mik::core::handler::{self, Guest};
        use mik_sdk::prelude::*;

        routes! {
            GET "/" => home,
        }

        fn home(_: &Request) -> Response {
            let mut response = Response::new(42).header("x-bad", "a\nb").header("x-good", "a");
            response.headers.push(("connection".into(), b"close".to_vec()));
            response
        }
    }
    let response = unchecked::respond(&get("/").build());
    assert_eq!(response.status, 500);
    assert_eq!(response.headers, [("x-good".to_owned(), b"a".to_vec())]);
}
