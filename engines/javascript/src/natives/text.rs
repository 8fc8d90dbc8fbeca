//! UTF-8 (Encoding Standard).

use bytes::Bytes;

use super::{Arguments, Given};
use crate::{Thrown, Value};

/// A byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// `utf8_encode(text)`: its bytes.
pub(super) fn utf8_encode(args: Arguments<'_>) -> Given {
    Ok(Value::Bytes(Bytes::copy_from_slice(args.text(0)?.as_bytes())))
}

/// `utf8_decode(bytes, fatal, ignoreBOM)`: their text. What is not UTF-8 throws where `fatal` is set, else it
/// becomes U+FFFD. A byte order mark is dropped unless `ignoreBOM` is set, as the standard names it.
pub(super) fn utf8_decode(args: Arguments<'_>) -> Given {
    let (bytes, fatal, keep_bom) = (args.bytes(0)?, args.flag(1)?, args.flag(2)?);
    let bytes = match bytes.strip_prefix(BOM) {
        Some(rest) if !keep_bom => rest,
        _ => bytes,
    };
    if !fatal {
        return Ok(Value::Text(String::from_utf8_lossy(bytes).into_owned()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => Err(Thrown::type_error("The encoded data was not valid for encoding utf-8")),
    }
}
