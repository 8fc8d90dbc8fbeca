//! Random bytes of the operating system (Web Cryptography, `getRandomValues` and `randomUUID`).

use std::fmt::Write;

use bytes::Bytes;

use super::{Arguments, Given};
use crate::{ErrorClass, Thrown, Value};

/// The quota of `crypto.getRandomValues`.
const MOST: usize = 65_536;

/// `random(n)`: n random bytes.
pub(super) fn bytes(args: Arguments<'_>) -> Given {
    let count = args.number(0)?;
    if count.fract() != 0.0 || !(0.0..=MOST as f64).contains(&count) {
        return Err(Thrown::range_error(format!(
            "random: {count} is not a count of bytes from 0 to {MOST}"
        )));
    }
    let mut bytes = vec![0; count as usize];
    fill(&mut bytes)?;
    Ok(Value::Bytes(Bytes::from(bytes)))
}

/// `uuid()`: a random UUID (RFC 9562, version 4).
pub(super) fn uuid(_: Arguments<'_>) -> Given {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Value::Text(text))
}

fn fill(bytes: &mut [u8]) -> Result<(), Thrown> {
    getrandom::fill(bytes).map_err(|error| Thrown {
        class: ErrorClass::Error,
        message: format!("the operating system gives no random bytes: {error}"),
    })
}
