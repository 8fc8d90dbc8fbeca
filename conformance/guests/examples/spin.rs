//! Keeps the processor busy, then answers `spun {ms}`.
//!
//! - `ms`: how long; without it, for ever and without another call of the host
//! - `after=head`: first sends the head and the chunk `begun`

use guests::{clock, IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let ms = query.number("ms")?;
    let work = || match ms {
        Some(ms) => clock::spin(ms),
        None => clock::spin_for_ever(),
    };

    let output = match query.text("after") {
        Some("head") => {
            let output = reply.text_head()?;
            output.write(b"begun\n")?;
            output.flush()?;
            work();
            output
        }
        Some(other) => return Err(format!("`after` must be head, not `{other}`")),
        None => {
            work();
            reply.text_head()?
        }
    };
    output.write(format!("spun {}\n", ms.unwrap_or_default()).as_bytes())?;
    output.finish(None)
}
