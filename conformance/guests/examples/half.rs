//! Sends the head and some of a body, flushes it, then goes wrong.
//!
//! - `bytes`: how many, default 10
//! - `pause_ms`: pause before it goes wrong, default 0, so that the client has surely seen the beginning
//! - `how`:
//!   - `trap` (default), `panic`: fails
//!   - `drop`: drops the body without finishing it and returns
//!   - `short`: has announced 90 bytes more than it sends, and finishes
//!   - `long`: has announced one byte fewer than it tries to send, and finishes
//!   - `ok`: finishes well
//!   - `tail`: finishes well, stays for `ms` milliseconds (default 100), then prints `tail done`

use guests::{clock, fields, IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let bytes = query.size_or("bytes", 10)?;
    let pause = query.number_or("pause_ms", 0)?;
    let ms = query.number_or("ms", 100)?;
    let how = query.text("how").unwrap_or("trap");
    let announced = match how {
        "short" => Some(bytes as u64 + 90),
        "long" if bytes == 0 => return Err("`how=long` needs `bytes` above 0".to_owned()),
        "long" => Some(bytes as u64 - 1),
        "trap" | "panic" | "drop" | "ok" | "tail" => None,
        other => {
            return Err(format!(
                "`how` must be trap, panic, drop, short, long, ok or tail, not `{other}`"
            ))
        }
    };
    let announced = announced.map(|length| length.to_string());
    let mut head = vec![("content-type", "text/plain")];
    head.extend(
        announced
            .as_deref()
            .map(|length| ("content-length", length)),
    );

    let output = reply.head(200, fields(&head)?)?;
    let written = output
        .write(&vec![b'h'; bytes])
        .and_then(|()| output.flush());
    if let Err(error) = written {
        println!("write: {error}");
    }
    if pause > 0 {
        clock::sleep(pause);
    }
    match how {
        "trap" => core::arch::wasm32::unreachable(),
        "panic" => panic!("asked to panic"),
        "drop" => drop(output),
        "tail" => {
            output.finish(None)?;
            clock::sleep(ms);
            println!("tail done");
        }
        _ => output.finish(None)?,
    }
    Ok(())
}
