//! The head of a response.

use crate::abi::List;
use crate::http::{Field, Fields, HeaderError, OutgoingResponse};
use crate::memory;

const CONTENT_LENGTH: &[u8] = b"content-length";

/// The content of the answer to a handler's fault.
pub const PROBLEM: &[u8] =
    br#"{"type":"about:blank","title":"Internal Server Error","status":500}"#;

/// What `content-length` has to be.
#[derive(Clone, Copy)]
pub enum Length {
    /// What the handler says, if anything.
    Unknown,
    /// What the handler says, or else this.
    Default(usize),
    /// This.
    Exactly(usize),
    /// Not there.
    Forbidden,
}

/// Why an answer is none.
pub enum Fault {
    Status,
    HeaderSyntax,
    HeaderForbidden,
    ContentLength,
}

/// The response, without its content.
pub fn response(
    status: u16,
    fields: List<Field>,
    length: Length,
) -> Result<OutgoingResponse, Fault> {
    if !(200..600).contains(&status) {
        return Err(Fault::Status);
    }
    let fields = Fields::from_list(&framed(fields, length)?)?;
    let response = OutgoingResponse::new(fields);
    if status != 200 {
        response.set_status_code(status);
    }
    Ok(response)
}

/// The answer to a handler's fault, without its content.
pub fn problem(fault: Fault, length: Length) -> Result<OutgoingResponse, Fault> {
    let fields = [
        field(b"content-type", b"application/problem+json"),
        field(b"mik-handler-error", fault.name()),
    ];
    response(500, fields.as_slice().into(), length)
}

/// The fields with the `content-length` that they have to have.
fn framed(fields: List<Field>, length: Length) -> Result<List<Field>, Fault> {
    let given = fields.items().iter().find(|field| is_content_length(field));
    match (length, given) {
        (Length::Unknown, _) | (Length::Default(_), Some(_)) | (Length::Forbidden, None) => {
            Ok(fields)
        }
        (Length::Default(length) | Length::Exactly(length), None) => {
            let length = field(CONTENT_LENGTH, decimal(length));
            Ok(collect(fields.len() + 1, fields.items().iter().chain([&length])))
        }
        // By the byte: a comparison of slices is a function of C's library, and there is none.
        (Length::Exactly(length), Some(given))
            if given.value.items().iter().eq(decimal(length)) =>
        {
            Ok(fields)
        }
        (Length::Exactly(_), Some(_)) => Err(Fault::ContentLength),
        (Length::Forbidden, Some(_)) => {
            let others = fields.items().iter().filter(|field| !is_content_length(field));
            Ok(collect(fields.len(), others))
        }
    }
}

fn is_content_length(field: &Field) -> bool {
    field.name.items().eq_ignore_ascii_case(CONTENT_LENGTH)
}

fn field(name: &[u8], value: &[u8]) -> Field {
    Field { name: name.into(), value: value.into() }
}

/// A list of `fields`, of which there are `room` at most.
fn collect<'a>(room: usize, fields: impl Iterator<Item = &'a Field>) -> List<Field> {
    let start = memory::allocate::<Field>(room);
    let mut len = 0;
    for field in fields {
        // SAFETY: there is room; a field only points to what it consists of, and nothing frees that.
        unsafe { start.add(len).write(core::ptr::read(field)) };
        len += 1;
    }
    // SAFETY: so many were written.
    unsafe { core::slice::from_raw_parts(start, len) }.into()
}

/// A number in digits.
fn decimal(mut number: usize) -> &'static [u8] {
    const DIGITS: usize = 10;
    let mut end = memory::allocate::<u8>(DIGITS).wrapping_add(DIGITS);
    let mut len = 0;
    loop {
        end = end.wrapping_sub(1);
        len += 1;
        // SAFETY: no number that fits into 32 bits has more digits than there is room for.
        unsafe { end.write(b'0' + (number % 10) as u8) };
        number /= 10;
        if number == 0 {
            // SAFETY: so many were written, and nothing frees them.
            return unsafe { core::slice::from_raw_parts(end, len) };
        }
    }
}

impl Fault {
    /// The value of `mik-handler-error`. It says what is wrong, and nothing of what the handler said.
    fn name(&self) -> &'static [u8] {
        match self {
            Self::Status => b"status",
            Self::HeaderSyntax => b"header-syntax",
            Self::HeaderForbidden => b"header-forbidden",
            Self::ContentLength => b"content-length",
        }
    }
}

impl From<HeaderError> for Fault {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::Forbidden => Self::HeaderForbidden,
            _ => Self::HeaderSyntax,
        }
    }
}
