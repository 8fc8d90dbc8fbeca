//! What a client sends.

use mik_sdk::json::Raw;
use mik_sdk::prelude::*;

pub fn who(request: &Request) -> Response {
    let cookies: Vec<_> =
        request.cookies().map(|(name, value)| [name, "=", value].concat()).collect();
    ok!({
        "cookies": cookies,
        "user": request.cookie("user"),
        "token": request.bearer_token(),
        "method": request.method(),
        "path": request.path(),
        "query": request.query_string(),
        "has_id": request.request_id().is_some(),
        "authority": request.authority(),
        "scheme": request.scheme(),
    })
}

/// Sends back what comes, while it comes.
pub fn echo(request: &Request) -> Result<Response, Response> {
    let content_type = request.header("content-type").unwrap_or("application/octet-stream");
    Ok(Response::stream(200, content_type, request.body_stream()?))
}

pub fn length(request: &Request) -> Result<Response, Response> {
    Ok(ok!({ "length": request.body()?.len() }))
}

pub fn text(request: &Request) -> Result<Response, Response> {
    Ok(Response::text(200, request.text()?))
}

/// The parts of a form, without ever having more than one piece of a file.
pub fn upload(request: &Request) -> Result<Response, Response> {
    let mut form = request.multipart()?;
    let mut parts: Vec<Raw> = Vec::new();
    while let Some(mut part) = form.next_part()? {
        let (mut size, mut sum) = (0, 0_u32);
        while let Some(chunk) = part.chunk()? {
            size += chunk.len();
            sum = chunk
                .iter()
                .fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        }
        parts.push(json!({
            "name": part.name(),
            "file": part.file_name(),
            "type": part.content_type(),
            "size": size,
            "sum": sum,
        }));
    }
    Ok(ok!({ "parts": parts }))
}
