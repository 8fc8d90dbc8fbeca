//! `mik:core/handler`: who answers.

use crate::abi::{resource, result_of, List, Maybe, Outcome};
use crate::http::{Field, IncomingRequest};

#[link(wasm_import_module = "mik:core/handler@0.1.0")]
extern "C" {
    #[link_name = "handle"]
    fn handler_handle(request: IncomingRequest, answer: *mut Answer);
    #[link_name = "[method]body-source.next"]
    fn body_source_next(source: u32, next: *mut Outcome<Maybe<List<u8>>, List<u8>>);
}

/// The record `response`.
#[repr(C)]
pub struct Answer {
    pub status: u16,
    pub fields: List<Field>,
    pub content: Content,
}

/// The variant `response-body`.
#[repr(C, u8)]
#[allow(dead_code, reason = "the handler makes it")]
pub enum Content {
    Text(List<u8>),
    Bytes(List<u8>),
    Stream(BodySource),
}

resource! {
    /// A source of content. It is the handler's.
    BodySource, "mik:core/handler@0.1.0", "[resource-drop]body-source"
}

/// The handler could not go on.
pub struct BrokenOff;

/// Has the handler answer.
pub fn handle(request: IncomingRequest) -> Answer {
    // SAFETY: the request is given away, the answer is laid out as the interface says.
    result_of(|answer| unsafe { handler_handle(request, answer) })
}

impl BodySource {
    /// The next piece. What the handler says of an error is for nobody on this side.
    pub fn next(&self) -> Result<Option<List<u8>>, BrokenOff> {
        // SAFETY: the source is borrowed, what comes is laid out as the interface says.
        match result_of(|next| unsafe { body_source_next(self.0, next) }) {
            Outcome::Ok(Maybe::Some(piece)) => Ok(Some(piece)),
            Outcome::Ok(Maybe::None) => Ok(None),
            Outcome::Err(_) => Err(BrokenOff),
        }
    }
}
