//! The macros of `mik-sdk`, which is where they are to be used from.
//!
//! Written against the compiler's own `proc_macro` alone: a handler builds offline, and in seconds.

mod derive;
mod fetch;
mod json;
mod log;
mod pattern;
mod reply;
mod routes;
mod tokens;

use proc_macro::TokenStream;

use tokens::Error;

/// The tokens of a macro that stands where items stand.
fn items(result: tokens::Result<TokenStream>) -> TokenStream {
    result.unwrap_or_else(Error::into_items)
}

/// The tokens of a macro that stands where an expression stands.
fn expression(result: tokens::Result<TokenStream>) -> TokenStream {
    result.unwrap_or_else(Error::into_expression)
}

/// Makes a type of JSON: it can be read, written, checked, and has a schema in the OpenAPI document.
///
/// For structs with named fields, and enums of names. What `#[field(…)]` may say of a field:
///
/// | | |
/// |---|---|
/// | `min = 1`, `max = 100` | bounds of a number, of the characters of a text, of the items of a list or a map |
/// | `pattern = "^[a-z]+$"` | what a text must match |
/// | `format = "email"` | what a text must be: `email`, `uuid`, `uri`, `date` or `date-time` |
/// | `rename = "type"` | its name for clients; of a whole type: the name of its schema |
/// | `default = 10` | its value if it is not there; without a value, that of its type |
///
/// An `Option` may be absent or `null`; rules are then about what is there. All else must be there. Members that the type
/// does not know are ignored.
///
/// ```
/// use mik_sdk::prelude::*;
///
/// /// Somebody who signs up.
/// #[derive(Type)]
/// struct NewUser {
///     #[field(min = 1, max = 50)]
///     name: String,
///     #[field(format = "email")]
///     email: Option<String>,
///     #[field(default = Plan::Free)]
///     plan: Plan,
/// }
///
/// #[derive(Type)]
/// enum Plan {
///     #[field(rename = "free")]
///     Free,
///     #[field(rename = "paid")]
///     Paid,
/// }
///
/// let faults = mik_sdk::json::read::<NewUser>(br#"{"name": "", "email": "x"}"#).err().unwrap();
/// assert_eq!(
///     mik_sdk::json::to_string(&faults),
///     r#"[{"pointer":"/name","code":"min","detail":"must have at least 1 character"},"#.to_owned()
///         + r#"{"pointer":"/email","code":"format","detail":"must be an email address"}]"#,
/// );
/// ```
#[proc_macro_derive(Type, attributes(field))]
pub fn derive_type(input: TokenStream) -> TokenStream {
    items(derive::type_(input))
}

/// Reads the parameters of a path into the fields of a struct: each from the one of its name.
///
/// A field is of a type that can be read from text: a number, `bool`, `String`, `char`, an enum of names that derives
/// [`Type`](macro@Type), or what implements `mik_sdk::text::FromText`. The rules of `#[field(…)]` are those of `Type`.
///
/// ```
/// use mik_sdk::prelude::*;
///
/// #[derive(Path)]
/// struct UserPath {
///     #[field(min = 1)]
///     id: u32,
/// }
/// ```
#[proc_macro_derive(Path, attributes(field))]
pub fn derive_path(input: TokenStream) -> TokenStream {
    items(derive::path(input))
}

/// Reads a query or a form into the fields of a struct: each from the pair of its name.
///
/// A field is of a type that can be read from text, as for [`Path`](macro@Path); an `Option` of one, which may be absent;
/// or a `Vec` of one, which takes all pairs of the name, in their order. Of several pairs for any other field, the last one
/// counts. An empty text counts as absent where it is not a value, since browsers send fields that were left empty. The
/// rules of `#[field(…)]` are those of [`Type`](macro@Type).
///
/// ```
/// use mik_sdk::prelude::*;
///
/// #[derive(Query)]
/// struct Search {
///     q: String,
///     #[field(min = 1, max = 100, default = 20)]
///     limit: u32,
///     tag: Vec<String>,
/// }
/// ```
#[proc_macro_derive(Query, attributes(field))]
pub fn derive_query(input: TokenStream) -> TokenStream {
    items(derive::query(input))
}

/// JSON, written down: objects, arrays, `null`, and any expression that can be written as JSON.
///
/// The name of a member is a string; one that is computed stands in parentheses. What comes out is JSON text
/// (`mik_sdk::json::Raw`), which goes into other JSON as it is.
///
/// ```
/// use mik_sdk::prelude::*;
///
/// let (id, key) = (7, "k");
/// let value = json!({ "id": id, "tags": ["a", "b"], "none": null, (key): { "deep": true } });
/// assert_eq!(value.as_str(), r#"{"id":7,"tags":["a","b"],"none":null,"k":{"deep":true}}"#);
/// ```
#[proc_macro]
pub fn json(input: TokenStream) -> TokenStream {
    expression(json::json(input))
}

/// 200, with JSON: `ok!({ "id": id })` as in [`json!`], or `ok!(value)`.
#[proc_macro]
pub fn ok(input: TokenStream) -> TokenStream {
    expression(reply::with_content("200", input))
}

/// 201, with JSON: `created!("/users/7", { "id": 7 })`, the first being where it is from now on; or without that.
#[proc_macro]
pub fn created(input: TokenStream) -> TokenStream {
    expression(reply::created(input))
}

/// 202: `accepted!()`, or with JSON, `accepted!({ "job": 7 })`.
#[proc_macro]
pub fn accepted(input: TokenStream) -> TokenStream {
    expression(reply::accepted(input))
}

/// 204: `no_content!()`.
#[proc_macro]
pub fn no_content(input: TokenStream) -> TokenStream {
    expression(reply::no_content(input))
}

/// Sends the client elsewhere: `redirect!("/new")`, which is a 302, or `redirect!(308, "/new")`.
#[proc_macro]
pub fn redirect(input: TokenStream) -> TokenStream {
    expression(reply::redirect(input))
}

/// A failure, as `application/problem+json` (RFC 9457): `error!(404, "no such user")`.
///
/// With members of its own: `error!(409, { "order": id }, "it was paid already")`; `type` and `title` may be among them.
#[proc_macro]
pub fn error(input: TokenStream) -> TokenStream {
    expression(reply::error(input))
}

/// Returns with a failure unless a condition holds: `guard!(user.is_admin, 403, "for administrators")`. What comes behind
/// the condition is as in [`error!`].
#[proc_macro]
pub fn guard(input: TokenStream) -> TokenStream {
    expression(reply::guard(input))
}

/// The value of an `Option` or a `Result`; returns with a failure if there is none:
/// `let user = ensure!(find(id), 404, "no such user");`. What comes behind is as in [`error!`].
#[proc_macro]
pub fn ensure(input: TokenStream) -> TokenStream {
    expression(reply::ensure(input))
}

/// Which function answers which request.
///
/// ```
/// # mod bindings { pub use mik_sdk::bindings::*; }
/// use bindings::exports::mik::core::handler::{self, Guest, Response};
/// use mik_sdk::prelude::*;
///
/// #[derive(Path)]
/// struct UserPath {
///     id: u32,
/// }
///
/// #[derive(Type)]
/// struct User {
///     id: u32,
///     name: String,
/// }
///
/// routes! {
///     /// Greets.
///     GET "/" | "" => home,
///     GET "/users/{id}" => show(path: UserPath) -> User,
///     PUT | POST "/users" => store(json: User),
///     GET "/files/{rest*}" => file,
/// }
///
/// fn home(_: &Request) -> Response {
///     ok!({ "message": "hello" })
/// }
///
/// fn show(path: UserPath, _: &Request) -> Response {
///     ok!(User { id: path.id, name: "Alice".into() })
/// }
///
/// fn store(user: User, _: &Request) -> Result<Response, Response> {
///     guard!(user.id > 0, 409, "nobody has this number");
///     Ok(no_content!())
/// }
///
/// fn file(request: &Request) -> Response {
///     Response::text(200, request.path())
/// }
/// # use mik_sdk::testing;
/// # fn main() {
/// # assert_eq!(testing::text(respond(&testing::get("/users/7").build())), r#"{"id":7,"name":"Alice"}"#);
/// # }
/// ```
///
/// **Methods**, one or several; **paths**, one or several; the **function**. What it takes besides the request stands in
/// parentheses, in its order: `path: T` of the parameters (`#[derive(Path)]`), `query: T` (`#[derive(Query)]`), `json: T` of
/// the content (`#[derive(Type)]`; `body: T` means the same), `form: T` of a form (`#[derive(Query)]`). What does not fit its type
/// is answered with a problem that lists all faults, and the function is not called. It returns a `Response`, or a `Result`
/// of two. `-> T` says what a successful answer has as JSON: for the OpenAPI document alone, as is the documentation.
///
/// **Paths** are those below the mount: of `/run/my-api/users/1` the handler sees `/users/1`. `{id}` stands for what is between
/// two slashes, `{rest*}` at the end for all that is left, slashes included. What is behind percent signs is decoded. A path
/// with a slash at its end is another one. Where several routes fit, a text goes before `{id}`, and that before `{rest*}`;
/// the order of writing does not matter.
///
/// Where no path fits, the answer is 404; where no method does, 405 with `allow`. A route for GET answers HEAD as well,
/// without content; OPTIONS is answered with 204 and `allow`, unless a route has it.
///
/// The macro makes a function `respond(&Request) -> Response`, which tests can call, and what the component exports; for that, the
/// file has `bindings`, `handler` and `Guest` in scope, as above.
#[proc_macro]
pub fn routes(input: TokenStream) -> TokenStream {
    items(routes::routes(input))
}

/// Sends a request, and waits for the response: `Result<client::Response, client::Error>`.
///
/// ```no_run
/// # use mik_sdk::prelude::*;
/// # fn main() -> Result<(), mik_sdk::client::Error> {
/// let (city, token) = ("Zürich", "abc");
/// let mut response = fetch!(POST "https://example.org/cities",
///     headers: { "authorization": format!("Bearer {token}") },
///     query: { "dry": true },
///     json: { "name": city, "tags": ["lake"] },
///     timeout: 5s,
/// )?;
/// let text = response.text()?;
/// # Ok(()) }
/// ```
///
/// The URL is an expression. The options, each at most once and in any order: `headers` and `query`, names and values;
/// the content, as `json` (as in [`json!`]), `form` (names and values) or `body` (bytes or a text); `timeout`, as `500ms`, `5s`,
/// `2m`, or an expression that is a `Duration`.
#[proc_macro]
pub fn fetch(input: TokenStream) -> TokenStream {
    expression(fetch::fetch(input))
}

/// Sends a request to another module of the same host, and waits for the response; it never leaves the process:
/// `call!("orders", POST "/create", json: { "item": 7 })?`. A script is called as `"NAME.script"`. The options are those of
/// [`fetch!`].
#[proc_macro]
pub fn call(input: TokenStream) -> TokenStream {
    expression(fetch::call(input))
}

/// A request that is not sent yet, for `mik_sdk::client::join` and `all`; written as [`fetch!`] is.
#[proc_macro]
pub fn request(input: TokenStream) -> TokenStream {
    expression(fetch::request(input))
}

/// A line for the log of the host: `log!(warn, "{} of {} failed", failed, all)`. The levels: `error`, `warn`, `info` (which need not
/// be said), `debug`, `trace`.
#[proc_macro]
pub fn log(input: TokenStream) -> TokenStream {
    expression(log::log(input))
}
