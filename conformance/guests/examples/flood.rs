//! Writes to its stdout, then answers `ok`.
//!
//! - `bytes`: how many, line ends included, default 1 MiB (0 if `text` is given), in lines of 80 characters
//! - `line=0`: all in one line, and even that without its end
//! - `err=1`: to stderr instead
//! - `text`: percent-decoded text, printed as it is with a line end, before the rest

use std::io::Write;

use guests::{IncomingRequest, Outcome, Query, Reply};

guests::serve!(handle);

fn handle(request: IncomingRequest, reply: &Reply) -> Outcome {
    let query = Query::of(&request);
    let text = query.text("text");
    let bytes = query.number_or("bytes", if text.is_some() { 0 } else { 1024 * 1024 })?;
    let to_stderr = query.flag("err");

    match text {
        Some(text) if to_stderr => eprintln!("{text}"),
        Some(text) => println!("{text}"),
        None => {}
    }
    let mut piece = vec![b'x'; 81];
    match query.text("line") {
        Some("0") => piece = vec![b'x'; 4096],
        _ => piece[80] = b'\n',
    }
    // A host may stop listening, which is no reason to fail.
    let _ = match to_stderr {
        true => pour(&mut std::io::stderr(), &piece, bytes),
        false => pour(&mut std::io::stdout(), &piece, bytes),
    };
    reply.text(200, "ok")
}

fn pour(out: &mut dyn Write, piece: &[u8], bytes: u64) -> std::io::Result<()> {
    let mut left = bytes;
    while left > 0 {
        let length = left.min(piece.len() as u64);
        out.write_all(&piece[..length as usize])?;
        left -= length;
    }
    out.flush()
}
