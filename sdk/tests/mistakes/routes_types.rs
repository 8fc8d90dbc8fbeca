mod bindings {
    pub use mik_sdk::bindings::*;
}
use bindings::exports::mik::core::handler::{self, Guest};
use mik_sdk::prelude::*;

#[derive(Path)]
struct UserPath {
    id: u32,
}

struct Untyped;

routes! {
    GET "/users/{idd}" => user(path: UserPath),
    GET "/orders/{id}/{item}" => user(path: UserPath),
    GET "/types" => untyped(json: Untyped),
    GET "/arguments" => home(query: Untyped),
    GET "/reply" => number,
    GET "/missing" => missing,
}

fn home(_: &Request) -> Response {
    Response::new(200)
}

fn user(_: UserPath, _: &Request) -> Response {
    Response::new(200)
}

fn untyped(_: Untyped, _: &Request) -> Response {
    Response::new(200)
}

fn number(_: &Request) -> u32 {
    7
}

fn main() {}
