//! Writes a body of equal chunks. Every byte of the chunk with the index i is the letter `a` + i mod 26.
//!
//! - `chunks`: how many, default 10
//! - `size`: bytes in each, default 1024
//! - `delay_ms`: pause before each but the first, default 0; with a pause each chunk is flushed
//! - `length=1`: also sets content-length

use guests::{clock, fields, IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let chunks = query.number_or("chunks", 10)?;
    let size = query.size_or("size", 1024)?;
    let delay = query.number_or("delay_ms", 0)?;
    let length = chunks.saturating_mul(size as u64).to_string();
    let mut head = vec![("content-type", "text/plain")];
    if query.flag("length") {
        head.push(("content-length", length.as_str()));
    }

    let output = reply.head(200, fields(&head)?)?;
    for index in 0..chunks {
        if delay > 0 && index > 0 {
            clock::sleep(delay);
        }
        output.write(&vec![b'a' + (index % 26) as u8; size])?;
        if delay > 0 {
            output.flush()?;
        }
    }
    output.finish(None)
}
