//! What an answer must keep to before it leaves.

use super::{Response, ResponseBody};
use crate::log::{write_text, Level};

/// The response as it may be sent: with a status that an answer may have, and without fields that none may have.
pub(crate) fn checked(mut response: Response) -> Response {
    if !matches!(response.status, 200..=599) {
        write_text(Level::Error, "a response has a status that no answer may have; 500 is sent");
        response.status = 500;
    }
    response.headers.retain(|(name, value)| {
        let reason = if !is_token(name) {
            "its name is not valid"
        } else if !is_field_value(value) {
            "its value is not valid"
        } else if belongs_to_connection(name) {
            "it belongs to the connection"
        } else {
            return true;
        };
        left_out(name, reason);
        false
    });
    if matches!(response.status, 204 | 304) {
        response.body = ResponseBody::Bytes(Vec::new());
    }
    response
}

#[cold]
fn left_out(name: &str, reason: &str) {
    let text = ["the response field `", name, "` is left out: ", reason].concat();
    write_text(Level::Warn, &text);
}

/// A token (RFC 9110, section 5.6.2): what names of fields, methods and cookies are made of.
pub(crate) fn is_token(text: &str) -> bool {
    let is_token_character =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_character)
}

/// The value of a field (RFC 9110, section 5.5): no control characters but tabs.
pub(crate) fn is_field_value(value: &[u8]) -> bool {
    value.iter().all(|&byte| byte == b'\t' || byte >= b' ' && byte != 0x7f)
}

/// Fields that a host of `wasi:http` refuses, as they concern one connection (RFC 9110, section 7.6.1).
fn belongs_to_connection(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        "connection",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    ];
    NAMES.iter().any(|other| name.eq_ignore_ascii_case(other))
}
