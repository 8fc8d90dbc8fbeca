//! The content of a response.

use crate::handler::{BodySource, Content};
use crate::http::OutgoingBody;
use crate::memory;
use crate::streams::OutputStream;

/// Why a response is not complete.
struct BrokenOff;

/// Writes the content, and ends the response, if all of it was written. Else the body is dropped as it is, so
/// that the client sees that something is missing.
pub fn send(body: OutgoingBody, content: Content) {
    let stream = body.write();
    let written = match content {
        Content::Text(bytes) | Content::Bytes(bytes) => stream.write(bytes.items()).map_err(|_| BrokenOff),
        Content::Stream(source) => pump(&source, &stream),
    };
    // It is the body's child, and goes first.
    drop(stream);
    if written.is_ok() {
        body.finish();
    }
}

/// Pulls the next piece when there is room for it, and none when the client has gone.
fn pump(source: &BodySource, stream: &OutputStream) -> Result<(), BrokenOff> {
    loop {
        // Of the head, and of the piece before, nothing is needed any more.
        memory::clear();
        match source.next() {
            Ok(Some(piece)) if piece.len() == 0 => {}
            Ok(Some(piece)) => stream.write(piece.items()).map_err(|_| BrokenOff)?,
            Ok(None) => return Ok(()),
            Err(_) => return Err(BrokenOff),
        }
    }
}
