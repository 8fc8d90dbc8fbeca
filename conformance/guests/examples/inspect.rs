//! Says as JSON what the guest sees: `method`, `path_with_query`, `path`, `query`, `scheme`, `authority`,
//! `headers` (pairs), `env`, `args`, `cwd`, `body_bytes`, `body_error`, `trailers` (pairs), and `calls`,
//! the number of calls that this instance has had: 1 in a fresh one.
//!
//! No parameters. Reads the body, to its end, unless the method is GET or HEAD.

use std::sync::atomic::{AtomicU32, Ordering};

use guests::wasip2::cli::environment::{get_arguments, get_environment, initial_cwd};
use guests::wasip2::http::types::{Method, Scheme};
use guests::{client, fields, json, Fields, IncomingRequest, Input, Outcome, Reply};

guests::serve!(handle);

static CALLS: AtomicU32 = AtomicU32::new(0);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    let method = request.method();
    let target = request.path_with_query();
    let (path, query) = match target.as_deref().map(|target| target.split_once('?')) {
        Some(Some((path, query))) => (Some(path), Some(query)),
        _ => (target.as_deref(), None),
    };
    let scheme = request.scheme().map(|scheme| match scheme {
        Scheme::Http => "http".to_owned(),
        Scheme::Https => "https".to_owned(),
        Scheme::Other(name) => name,
    });
    let body = match method {
        Method::Get | Method::Head => Body::default(),
        _ => Body::read(Input::of_request(&request)),
    };
    let environment = get_environment();
    let env = environment.iter();
    let env = env.map(|(name, value)| (name.as_str(), json::string(value)));

    let report = json::object([
        ("method", json::string(client::method_name(&method))),
        ("path_with_query", json::optional(target.as_deref())),
        ("path", json::optional(path)),
        ("query", json::optional(query)),
        ("scheme", json::optional(scheme.as_deref())),
        ("authority", json::optional(request.authority().as_deref())),
        ("headers", pairs(&request.headers())),
        ("env", json::object(env)),
        (
            "args",
            json::array(get_arguments().iter().map(|arg| json::string(arg))),
        ),
        ("cwd", json::optional(initial_cwd().as_deref())),
        (
            "body_bytes",
            body.bytes.map_or("null".to_owned(), |n| n.to_string()),
        ),
        ("body_error", json::optional(body.error.as_deref())),
        (
            "trailers",
            body.trailers.as_ref().map_or("[]".to_owned(), pairs),
        ),
        ("calls", calls.to_string()),
    ]);
    let output = reply.head(200, fields(&[("content-type", "application/json")])?)?;
    output.write(report.as_bytes())?;
    output.finish(None)
}

/// What became of the request's body.
#[derive(Default)]
struct Body {
    bytes: Option<usize>,
    error: Option<String>,
    trailers: Option<Fields>,
}

impl Body {
    fn read(input: Input) -> Self {
        let mut bytes = 0;
        loop {
            match input.chunk() {
                Ok(Some(chunk)) => bytes += chunk.len(),
                Ok(None) => break,
                Err(error) => {
                    return Self {
                        bytes: Some(bytes),
                        error: Some(error),
                        trailers: None,
                    }
                }
            }
        }
        let (trailers, error) = match input.trailers() {
            Ok(trailers) => (trailers, None),
            Err(error) => (None, Some(error)),
        };
        Self {
            bytes: Some(bytes),
            error,
            trailers,
        }
    }
}

/// Fields as an array of pairs; bytes that are not UTF-8 are replaced.
fn pairs(fields: &Fields) -> String {
    let entries = fields.entries();
    json::array(entries.iter().map(|(name, value)| {
        json::array([
            json::string(name),
            json::string(&String::from_utf8_lossy(value)),
        ])
    }))
}
