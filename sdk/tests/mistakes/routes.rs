use mik_sdk::prelude::*;

routes! {
    GTE "/method" => home,
    get "/case" => home,
    GET | GET "/twice" => home,
    GET "users" => home,
    GET "/users/:id" => home,
    GET "/users/{id" => home,
    GET "/files/{path*}/x" => home,
    GET "/source" => home(pth: Id),
    GET "/sources" => home(json: Id, form: Id),
    GET "/arrow" -> home,
    GET /path => home,
    #[get("/")]
    GET "/attribute" => home,
    GET "/comma" => home
    GET "/next" => home,
}

routes! {
    GET "/users/{id}" => home,
    POST | GET "/users/{name}" => home,
    GET "/a" | "/a" => home,
    GET "/none" => home(path: Id),
}

fn main() {}
