//! Waits, without working, then answers `slept {ms}`.
//!
//! - `ms`: how long, default 100
//! - `for_ever=1`: waits without end
//! - `after=head`: first sends the head and the chunk `begun`

use guests::{clock, IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let ms = query.number_or("ms", 100)?;
    let wait = || match query.flag("for_ever") {
        true => clock::sleep_for_ever(),
        false => clock::sleep(ms),
    };

    let output = match query.text("after") {
        Some("head") => {
            let output = reply.text_head()?;
            output.write(b"begun\n")?;
            output.flush()?;
            wait();
            output
        }
        Some(other) => return Err(format!("`after` must be head, not `{other}`")),
        None => {
            wait();
            reply.text_head()?
        }
    };
    output.write(format!("slept {ms}\n").as_bytes())?;
    output.finish(None)
}
