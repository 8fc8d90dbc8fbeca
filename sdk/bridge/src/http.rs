//! `wasi:http/types`, as far as the bridge uses it.

use core::mem::ManuallyDrop;

use crate::abi::{resource, result_of, List, Outcome};
use crate::streams::OutputStream;

#[link(wasm_import_module = "wasi:http/types@0.2.12")]
extern "C" {
    #[link_name = "[method]incoming-request.method"]
    fn incoming_request_method(request: u32, method: *mut Method);
    #[link_name = "[static]fields.from-list"]
    fn fields_from_list(start: *const Field, len: usize, fields: *mut Outcome<Fields, HeaderError>);
    #[link_name = "[constructor]outgoing-response"]
    fn outgoing_response(fields: Fields) -> OutgoingResponse;
    #[link_name = "[method]outgoing-response.set-status-code"]
    fn outgoing_response_set_status_code(response: u32, status: u32) -> u32;
    #[link_name = "[method]outgoing-response.body"]
    fn outgoing_response_body(response: u32, body: *mut Outcome<OutgoingBody, ()>);
    /// A `result<own<outgoing-response>, error-code>` in pieces: all after the handle belongs to the error.
    #[link_name = "[static]response-outparam.set"]
    fn response_outparam_set(
        out: ResponseOutparam,
        is_error: u32,
        response: OutgoingResponse,
        _: u32,
        _: u64,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
    );
    #[link_name = "[method]outgoing-body.write"]
    fn outgoing_body_write(body: u32, stream: *mut Outcome<OutputStream, ()>);
    #[link_name = "[static]outgoing-body.finish"]
    fn outgoing_body_finish(body: u32, has_trailers: u32, trailers: u32, done: *mut Finished);
}

/// A field of a head.
#[repr(C)]
pub struct Field {
    pub name: List<u8>,
    pub value: List<u8>,
}

/// The variant `method`: after the number, the name of one that has none.
#[repr(C)]
struct Method {
    number: u8,
    name: List<u8>,
}

/// The variant `header-error`.
#[repr(u8)]
#[allow(dead_code, reason = "the host makes it")]
pub enum HeaderError {
    InvalidSyntax,
    Forbidden,
    Immutable,
}

/// `result<_, error-code>`, of which nothing is looked at.
#[repr(C, align(8))]
struct Finished([u8; 40]);

/// A request. It is the handler's to drop.
#[repr(transparent)]
pub struct IncomingRequest(u32);

/// A list of fields that will be a head.
#[repr(transparent)]
pub struct Fields(u32);

/// Where the answer goes.
#[repr(transparent)]
pub struct ResponseOutparam(u32);

/// A response, which will be sent.
#[repr(transparent)]
pub struct OutgoingResponse(u32);

resource! {
    /// The content of a response. Dropped before it is finished, the response is broken off.
    OutgoingBody, "wasi:http/types@0.2.12", "[resource-drop]outgoing-body"
}

impl IncomingRequest {
    pub fn is_head(&self) -> bool {
        const HEAD: u8 = 1;
        // SAFETY: the request is borrowed, and `Method` is laid out as the variant is.
        result_of(|method| unsafe { incoming_request_method(self.0, method) }).number == HEAD
    }
}

impl Fields {
    pub fn from_list(list: &List<Field>) -> Result<Self, HeaderError> {
        // SAFETY: the list lies in this memory, the result is laid out as the interface says.
        result_of(|fields| unsafe { fields_from_list(list.start(), list.len(), fields) })
            .into_result()
    }
}

impl OutgoingResponse {
    pub fn new(fields: Fields) -> Self {
        // SAFETY: the fields are given away.
        unsafe { outgoing_response(fields) }
    }

    /// Sets the status code, which must be one.
    pub fn set_status_code(&self, status: u16) {
        // SAFETY: the response is borrowed.
        if unsafe { outgoing_response_set_status_code(self.0, status.into()) } != 0 {
            core::arch::wasm32::unreachable()
        }
    }

    /// Its content, which can be had once.
    pub fn body(&self) -> OutgoingBody {
        // SAFETY: the response is borrowed, the result is laid out as the interface says.
        result_of(|body| unsafe { outgoing_response_body(self.0, body) }).or_trap()
    }
}

impl ResponseOutparam {
    /// Answers.
    pub fn set(self, response: OutgoingResponse) {
        // SAFETY: both are given away.
        unsafe { response_outparam_set(self, 0, response, 0, 0, 0, 0, 0, 0) }
    }
}

impl OutgoingBody {
    /// Its stream, which can be had once.
    pub fn write(&self) -> OutputStream {
        // SAFETY: the body is borrowed, the result is laid out as the interface says.
        result_of(|stream| unsafe { outgoing_body_write(self.0, stream) }).or_trap()
    }

    /// Ends the response. The host notices by itself when there is less than was promised.
    pub fn finish(self) {
        let body = ManuallyDrop::new(self);
        // SAFETY: the body is given away, and there is room for any result.
        result_of(|done| unsafe { outgoing_body_finish(body.0, 0, 0, done) });
    }
}
