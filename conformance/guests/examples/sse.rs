//! Sends server-sent events, `data: 0`, `data: 1` and so on, each flushed.
//!
//! - `events`: how many, default 3; 0 is for ever
//! - `ms`: pause between two, default 100

use guests::{clock, fields, IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let events = match query.number_or("events", 3)? {
        0 => u64::MAX,
        events => events,
    };
    let pause = query.number_or("ms", 100)?;

    let head = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
    ];
    let output = reply.head(200, fields(&head)?)?;
    for event in 0..events {
        if event > 0 {
            clock::sleep(pause);
        }
        output.write(format!("data: {event}\n\n").as_bytes())?;
        output.flush()?;
    }
    output.finish(None)
}
