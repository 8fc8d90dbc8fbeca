//! What stands at the edge: static files, CORS, header fields. Rows 14, 21, 41 and 42.

mod cors;
mod headers;
mod refused;
mod static_files;

use mik_conformance::{Mik, Outcome, Response, same};

/// The answer to a request with these fields on a connection of its own.
fn ask(mik: &Mik, method: &str, target: &str, fields: &[(&str, &str)]) -> Result<Response, String> {
    let answer = mik.connect().request(method, target, fields, b"");
    let answer = answer.map_err(|stop| stop.to_string())?;
    if answer.is_whole() { Ok(answer) } else { Err(format!("it breaks off: {answer}")) }
}

/// Each of these fields has exactly this value; `None`: there is no such field.
fn has(answer: &Response, fields: &[(&str, Option<&str>)]) -> Outcome {
    for (name, value) in fields {
        let found: Vec<_> = answer.head.fields.values(name).collect();
        same(name, found, value.iter().copied().collect())?;
    }
    Ok(())
}
