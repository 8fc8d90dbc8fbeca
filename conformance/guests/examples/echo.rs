//! Sends the request's body back as it arrives, with its content-type and its trailers. Never holds
//! more than one chunk of at most 64 KiB. A body that breaks off on the way in breaks off on the way out.
//!
//! No parameters.

use guests::{Fields, IncomingRequest, Input, Outcome, Pump, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let fields = Fields::new();
    // HTTP/1.1 sends only those trailers that a `trailer` field announced.
    for name in ["content-type", "trailer"] {
        for value in request.headers().get(name) {
            let _ = fields.append(name, &value);
        }
    }
    let input = Input::of_request(&request);
    let output = reply.head(200, fields)?;
    Pump::new(&input.stream, &output.stream).run()?;
    output.finish(input.trailers()?.map(|trailers| copy(&trailers)))
}

/// The same fields, but for those that the host lets nobody set.
fn copy(fields: &Fields) -> Fields {
    let copied = Fields::new();
    for (name, value) in fields.entries() {
        let _ = copied.append(&name, &value);
    }
    copied
}
