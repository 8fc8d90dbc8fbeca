//! Everything that the SDK offers, a route for each.

#[allow(warnings)]
mod bindings;
mod incoming;
mod outgoing;
mod typed;

use std::time::Duration;

use bindings::exports::mik::core::handler::{self, Guest, Response};
use mik_sdk::prelude::*;
use mik_sdk::response::{Cookie, Event, Problem};
use mik_sdk::{random, time};

use incoming::{echo, length, text, upload, who};
use outgoing::{ask, forward, module, together};
use typed::{login, search, show_user, store_user, Login, NewUser, Search, User, UserPath};

routes! {
    /// Says hello.
    GET "/" | "" => home,

    /// One user.
    ///
    /// Everybody is called Alice.
    GET "/users/{id}" => show_user(path: UserPath) -> User,
    /// A new user.
    POST "/users" => store_user(json: NewUser) -> User,
    PUT "/users/{id}" => typed::replace_user(path: UserPath, query: Search, json: NewUser) -> User,
    GET | POST "/search" => search(query: Search) -> Vec<User>,
    POST "/login" => login(form: Login),

    GET "/files/{path*}" => file(path: FilePath),
    GET "/who" => who,
    POST "/echo" => echo,
    POST "/length" => length,
    POST "/text" => text,
    POST "/upload" => upload,

    GET "/bytes/{size}" => bytes(path: Size),
    GET "/stream/{size}" => stream(path: Size),
    GET "/broken" => broken,
    GET "/events" => events,
    GET "/cookies" => cookies,
    GET "/problem" => problem,
    GET "/forbidden" => forbidden,

    GET | POST "/ask" => ask(query: outgoing::Target),
    POST "/forward" => forward(query: outgoing::Target),
    GET "/together" => together(query: outgoing::Targets),
    GET | POST "/call/{module}" => module(path: outgoing::Module),

    GET "/now" => now,
    GET "/log" => logged,
    GET "/panic" => panics,
}

#[derive(Path)]
struct FilePath {
    path: String,
}

#[derive(Path)]
struct Size {
    size: usize,
}

fn home(_: &Request) -> Response {
    ok!({ "message": "Hello from the SDK!" })
}

fn file(path: FilePath, request: &Request) -> Response {
    ok!({ "path": path.path, "prefix": request.prefix() })
}

fn bytes(path: Size, _: &Request) -> Response {
    Response::bytes(200, "application/octet-stream", vec![b'x'; path.size])
}

/// As many bytes, without ever having more than one piece of them.
fn stream(path: Size, _: &Request) -> Response {
    let mut left = path.size;
    let pieces = std::iter::from_fn(move || {
        let piece = left.min(50_000);
        left -= piece;
        (piece > 0).then(|| Ok::<_, String>(vec![b'x'; piece]))
    });
    Response::stream(200, "application/octet-stream", pieces)
}

fn broken(_: &Request) -> Response {
    let pieces = [Ok(vec![b'x'; 1000]), Err("no more of it")];
    Response::stream(200, "text/plain", pieces)
}

fn events(_: &Request) -> Response {
    Response::events((0..3).map(|n| {
        time::sleep(Duration::from_millis(10));
        Event::new(&format!("tick {n}\nof 3")).name("tick").id(&n.to_string())
    }))
}

fn cookies(_: &Request) -> Response {
    no_content!()
        .cookie(&Cookie::new("session", "abc").secure(true).max_age(Duration::from_secs(60)))
        .cookie(&Cookie::removal("old"))
        .append_header("vary", "a")
        .append_header("vary", "b")
}

fn problem(_: &Request) -> Problem {
    Problem::new(409)
        .kind("https://example.org/paid")
        .title("Paid")
        .detail("twice")
        .with("order", &7)
}

/// What no response may have is left out.
fn forbidden(_: &Request) -> Response {
    ok!({})
        .header("x-injected", "a\r\nx-evil: b")
        .header("bad name", "a")
        .header("connection", "close")
        .header("x-good", "fine")
}

fn now(_: &Request) -> Response {
    let started = time::monotonic();
    time::sleep(Duration::from_millis(20));
    let slept = time::monotonic() - started;
    ok!({
        "time": time::now().to_rfc3339(),
        "millis": time::unix_millis(),
        "slept": slept.as_millis() as u64,
        "uuid": random::uuid(),
        "bytes": random::bytes(70_000).len(),
        "die": random::below(6),
    })
}

fn logged(_: &Request) -> Response {
    log!("plain");
    log!(warn, "two\nlines, {}", 7);
    no_content!()
}

fn panics(_: &Request) -> Response {
    panic!("as it was asked to")
}
