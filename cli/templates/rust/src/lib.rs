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

#[cfg(test)]
mod tests {
    use super::*;
    use mik_sdk::testing;

    #[test]
    fn greets() {
        let response = respond(&testing::get("/").build());
        assert_eq!(response.status, 200);
        assert_eq!(
            testing::text(response),
            r#"{"message":"Hello from mik!","version":"0.1.0"}"#
        );
    }

    #[test]
    fn users_have_a_number() {
        let response = respond(&testing::get("/users/7").build());
        assert_eq!(testing::text(response), r#"{"id":7,"name":"Alice"}"#);
        let response = respond(&testing::get("/users/alice").build());
        assert_eq!(response.status, 400);
    }
}
