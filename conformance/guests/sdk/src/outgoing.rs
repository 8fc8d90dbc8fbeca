//! Asking others.

use mik_sdk::client::{self, Error};
use mik_sdk::prelude::*;

#[derive(Query)]
pub struct Target {
    #[field(format = "uri")]
    url: String,
    #[field(default = 5000)]
    timeout: u64,
}

#[derive(Query)]
pub struct Targets {
    url: Vec<String>,
}

#[derive(Path)]
pub struct Module {
    module: String,
}

/// Asks, and tells what came, or why nothing did.
pub fn ask(target: Target, request: &Request) -> Result<Response, Response> {
    let timeout = std::time::Duration::from_millis(target.timeout);
    let asked = match request.method() {
        "POST" => fetch!(POST target.url, body: request.body()?, timeout: timeout),
        _ => {
            fetch!(GET target.url, headers: { "x-asked-by": "sdk" }, query: { "a": "b c" }, timeout: timeout)
        }
    };
    let told = asked.and_then(|mut response| {
        let content = response.text()?;
        Ok(json!({ "status": response.status(), "type": response.content_type(), "content": content }))
    });
    Ok(match told {
        Ok(told) => ok!(told),
        Err(error) => ok!({ "error": name(&error), "says": error.to_string() }),
    })
}

/// Sends on what comes in, while it comes, and sends back what comes back.
pub fn forward(target: Target, request: &Request) -> Result<Response, Response> {
    let response = client::Request::post(target.url)
        .header(
            "content-type",
            request.header("content-type").unwrap_or("application/octet-stream"),
        )
        .stream(request.body_stream()?)
        .send()?;
    Ok(response.into())
}

/// Asks all at the same time.
pub fn together(targets: Targets, _: &Request) -> Response {
    let started = mik_sdk::time::monotonic();
    let responses = client::all(targets.url.into_iter().map(client::Request::get));
    let statuses: Vec<_> = responses
        .into_iter()
        .map(|response| response.map_or(0, |response| response.status()))
        .collect();
    let took = mik_sdk::time::monotonic() - started;
    ok!({ "statuses": statuses, "took": took.as_millis() as u64 })
}

/// Asks another module.
pub fn module(path: Module, request: &Request) -> Result<Response, Response> {
    let response = match request.method() {
        "POST" => call!(path.module, POST "/echo", json: { "from": "sdk" })?,
        _ => call!(path.module, GET "/", query: { "n": 1 }, timeout: 5s)?,
    };
    Ok(Response::from(response).header("x-called", "yes"))
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::Denied => "denied",
        Error::Dns => "dns",
        Error::Connect => "connect",
        Error::Timeout => "timeout",
        Error::Tls => "tls",
        Error::TooLarge => "too large",
        Error::Broken => "broken",
        Error::Request(_) => "request",
        Error::Content(_) => "content",
        _ => "other",
    }
}
