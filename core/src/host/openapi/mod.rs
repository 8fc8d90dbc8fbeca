//! `/openapi` and `/openapi/NAME`: what modules say of their routes.
//!
//! A component may describe itself in a custom section named `mik:openapi`, which holds an OpenAPI 3.1 document as
//! JSON. `mik build` puts it there.

mod merge;
mod section;

use std::path::PathBuf;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::Host;
use crate::{Body, CallError, ModuleName, Request, Response};

pub(super) const NAME: &str = "openapi";
pub(super) const PATH: &str = "/openapi";
/// The pattern of the descriptions of single modules.
pub(super) const EACH: &str = "/openapi/*";

/// The description of one module, or of all.
pub(super) async fn answer(host: &Host, request: Request) -> Result<Response, CallError> {
    CallError::unless_read(request.method())?;
    let one = request.uri().path().strip_prefix(PATH).unwrap_or_default();
    let one = one.strip_prefix('/').filter(|name| !name.is_empty()).map(str::to_owned);
    drop(request);
    let modules = host.modules();
    // Files are read: not on a worker.
    let document = tokio::task::spawn_blocking(move || match one {
        Some(name) => of_one(&modules, &name),
        None => Ok(of_all(&modules)),
    });
    let document = document.await.map_err(|error| CallError::Panic(error.to_string().into()))??;
    let mut response = Response::new(Body::from(document.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Modules and their files.
type Modules = Vec<(ModuleName, PathBuf)>;

fn of_one(modules: &Modules, name: &str) -> Result<Value, CallError> {
    let Some((name, path)) = modules.iter().find(|(known, _)| known.as_str() == name) else {
        return Err(CallError::NotFound(format!("no module {name}").into()));
    };
    let Some(mut document) = section::read(name, path) else {
        let reason = format!("the module {name} does not describe its routes");
        return Err(CallError::NotFound(reason.into()));
    };
    document["servers"] = serde_json::json!([{ "url": merge::base(name) }]);
    Ok(document)
}

fn of_all(modules: &Modules) -> Value {
    let documents =
        modules.iter().filter_map(|(name, path)| Some((name, section::read(name, path)?)));
    merge::merge(documents)
}
