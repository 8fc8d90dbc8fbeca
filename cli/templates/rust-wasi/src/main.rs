//! A handler on plain `wasi:http`: it runs on every host of that interface.

use serde_json::{Value, json};
use wstd::http::{Body, Error, Request, Response, StatusCode};

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, Error> {
    let (status, content) = answer(request.uri().path());
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    Ok(response.body(Body::from_json(&content)?)?)
}

/// What a path is answered with. It is relative to where the handler is mounted.
fn answer(path: &str) -> (StatusCode, Value) {
    match path {
        "/" | "" => (
            StatusCode::OK,
            json!({ "message": "Hello from mik!", "version": "0.1.0" }),
        ),
        _ => (StatusCode::NOT_FOUND, json!({ "error": "nothing is here" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets() {
        let (status, content) = answer("/");
        assert_eq!(status, StatusCode::OK);
        assert_eq!(content["message"], "Hello from mik!");
    }

    #[test]
    fn knows_nothing_else() {
        assert_eq!(answer("/else").0, StatusCode::NOT_FOUND);
    }
}
