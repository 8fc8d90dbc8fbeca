#[allow(warnings)]
mod bindings;
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
