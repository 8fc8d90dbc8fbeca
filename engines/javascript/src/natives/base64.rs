//! Base64 as `btoa` and `atob` do it (Infra Standard, forgiving base64).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Arguments, Given};
use crate::{Thrown, Value};

/// Padding is taken off before decoding: the standard wants it right or not at all.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// `base64_encode(text)`: of text whose characters are bytes, none past U+00FF.
pub(super) fn encode(args: Arguments<'_>) -> Given {
    let bytes = args.text(0)?.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>();
    let bytes = bytes.map_err(|_| {
        Thrown::type_error("base64_encode: the text has characters outside of Latin-1")
    })?;
    Ok(Value::Text(base64::engine::general_purpose::STANDARD.encode(bytes)))
}

/// `base64_decode(text)`: text whose characters are the bytes; null when `text` is not base64.
pub(super) fn decode(args: Arguments<'_>) -> Given {
    let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ');
    let mut text: Vec<u8> = args.text(0)?.bytes().filter(|byte| !is_space(byte)).collect();
    if text.len().is_multiple_of(4) {
        let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
        text.truncate(text.len() - padding);
    }
    match FORGIVING.decode(text) {
        Ok(bytes) => Ok(Value::Text(bytes.into_iter().map(char::from).collect())),
        Err(_) => Ok(Value::Null),
    }
}
