//! Calls the functions of WASI that it is told, one a line, and answers with what they returned, one a line.
//!
//! The program stands in the field `x-do`, its lines separated by `;`, or else in the request's body.
//!
//! ```text
//! f = fields.new                keeps what was made under a name
//! fields.append f x-a a%20b     tells `ok`, or `err` and what the host said
//! fields.get f x-a              tells `["a b"]`
//! drop f
//! ```
//!
//! Functions have the names that they have in the WIT; what belongs to a resource has that first. Arguments are
//! percent-decoded, `""` is an empty one, `-` none. `request` and `out` are there from the start, and `error` is
//! the last `error` that a stream gave. What a name holds is dropped at the end, the youngest first. Beside the
//! functions of WASI there are those of [`tools`].
//!
//! If the program has taken `out`, what its lines return is written to stderr instead.

use guests::{IncomingRequest, Input, Outcome, Reply};

#[path = "calls/bodies.rs"]
mod bodies;
#[path = "calls/fields.rs"]
mod fields;
#[path = "calls/messages.rs"]
mod messages;
#[path = "calls/outgoing.rs"]
mod outgoing;
#[path = "calls/program.rs"]
mod program;
#[path = "calls/streams.rs"]
mod streams;
#[path = "calls/system.rs"]
mod system;
#[path = "calls/told.rs"]
mod told;
#[path = "calls/tools.rs"]
mod tools;
#[path = "calls/values.rs"]
mod values;

use program::Program;

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let text = match request.headers().get("x-do").pop() {
        Some(line) => line,
        None => Input::of_request(&request).bytes()?,
    };
    let text = String::from_utf8(text).map_err(|_| "a program is text")?;
    let mut program = Program::new(request, reply.take());
    let outcome = program.run(&text);
    let (out, lines) = program.end();
    match (out, outcome) {
        (Some(out), Ok(())) => Reply::new(out).text(200, lines),
        (Some(out), Err(sentence)) => Reply::new(out).text(400, format!("{lines}{sentence}\n")),
        (None, outcome) => outcome,
    }
}
