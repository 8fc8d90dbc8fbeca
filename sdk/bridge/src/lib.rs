//! Serves `wasi:http/incoming-handler` with what implements `mik:core/handler`.
//!
//! The request goes to the handler as it came. Of the answer a response is made, if `wasi:http` takes it for
//! one; else the client gets a 500 that says nothing of the handler, and the header `mik-handler-error` says
//! in a word what was wrong.
#![no_std]

mod abi;
mod body;
mod handler;
mod head;
mod http;
mod memory;
mod streams;

use handler::{Answer, Content};
use head::{Fault, Length};
use http::{IncomingRequest, OutgoingResponse, ResponseOutparam};

/// The export. It is entered once at a time: what an earlier call left in the memory is of no use any more.
#[no_mangle]
extern "C" fn handle(request: IncomingRequest, out: ResponseOutparam) {
    memory::clear();
    let asked_for_head = request.is_head();
    let Answer { status, fields, content } = handler::handle(request);
    let (length, content) = framing(status, asked_for_head, content);
    match head::response(status, fields, length) {
        Ok(response) => send(out, response, content),
        Err(fault) => refuse(out, fault, asked_for_head),
    }
}

/// What `content-length` has to be, and what is sent (RFC 9110, sections 6.4.1 and 8.6).
fn framing(status: u16, asked_for_head: bool, content: Content) -> (Length, Option<Content>) {
    let bytes = match &content {
        Content::Text(bytes) | Content::Bytes(bytes) => Some(bytes.len()),
        Content::Stream(_) => None,
    };
    match (status, bytes) {
        (204, _) => (Length::Forbidden, None),
        (304, _) => (Length::Unknown, None),
        // What GET would send may be told, and must not be guessed from nothing.
        (_, Some(bytes)) if asked_for_head && bytes > 0 => (Length::Default(bytes), None),
        _ if asked_for_head => (Length::Unknown, None),
        (_, Some(0)) => (Length::Exactly(0), None),
        (_, Some(bytes)) => (Length::Exactly(bytes), Some(content)),
        (_, None) => (Length::Unknown, Some(content)),
    }
}

/// The head leaves before the content is written: a client can read it while the handler goes on.
fn send(out: ResponseOutparam, response: OutgoingResponse, content: Option<Content>) {
    let body = content.map(|content| (response.body(), content));
    out.set(response);
    if let Some((body, content)) = body {
        body::send(body, content);
    }
}

/// Answers in place of a handler whose answer is none.
fn refuse(out: ResponseOutparam, fault: Fault, asked_for_head: bool) {
    let (length, content) = framing(500, asked_for_head, Content::Bytes(head::PROBLEM.into()));
    if let Ok(response) = head::problem(fault, length) {
        send(out, response, content);
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
