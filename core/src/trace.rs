//! W3C Trace Context, level 1: the `traceparent` and `tracestate` headers.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

/// Where in which trace a request stands (<https://www.w3.org/TR/trace-context/>, 3.2 and 3.3). Written
/// out, it is a `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace that the request belongs to; never zero.
    pub trace_id: u128,
    /// The caller's span; never zero.
    pub span_id: u64,
    /// Trace flags; bit 0 is `sampled`.
    pub flags: u8,
    /// The `tracestate` that came with it, as it is to be passed on.
    pub state: Option<Arc<str>>,
    /// Whether the client brought it; otherwise the trace starts here.
    pub is_remote: bool,
}

impl TraceContext {
    /// The start of a new trace. Its ids are no secrets: the generator is fast, not cryptographic.
    pub fn generate(flags: u8) -> Self {
        let trace_id = fastrand::u128(1..);
        Self { trace_id, span_id: fastrand::u64(1..), flags, state: None, is_remote: false }
    }

    /// The same trace, one span further.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: fastrand::u64(1..), ..self.clone() }
    }

    /// Reads a header value. `None` where the specification says to start a new trace: a version of
    /// `ff`, upper case, zero ids, a wrong length.
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = hex(parts.next()?, 32)?;
        let span_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = u8::try_from(hex(parts.next()?, 2)?).ok()?;
        // What later versions mean by the other bits is not known here (3.2.2.5).
        let flags = if version == 0 { flags } else { flags & 1 };
        // Version 00 has exactly four fields; later ones may append more.
        let shape = version != 0xff && (version != 0 || parts.next().is_none());
        (shape && trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            flags,
            state: None,
            is_remote: true,
        })
    }
}

impl TraceContext {
    /// The value of a `traceparent`.
    pub fn to_header(&self) -> HeaderValue {
        // Its characters are all allowed in a header.
        HeaderValue::from_bytes(&self.text()).unwrap_or(HeaderValue::from_static(""))
    }

    fn text(&self) -> [u8; 55] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &self.trace_id.to_be_bytes());
        write_hex(&mut text[36..52], &self.span_id.to_be_bytes());
        write_hex(&mut text[53..55], &[self.flags]);
        text
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// Writes bytes as lower-case hexadecimal digits, two each. It is done several times for every request, and
/// `{:032x}` takes twenty times as long.
pub(crate) fn write_hex(to: &mut [u8], bytes: &[u8]) {
    let mut chunks = bytes.chunks_exact(4);
    let mut rest = to;
    for chunk in &mut chunks {
        let (now, later) = rest.split_at_mut(8);
        now.copy_from_slice(&digits([chunk[0], chunk[1], chunk[2], chunk[3]]));
        rest = later;
    }
    for byte in chunks.remainder() {
        let (now, later) = rest.split_at_mut(2);
        now.copy_from_slice(&digits([0, 0, 0, *byte])[6..]);
        rest = later;
    }
}

/// The eight digits of four bytes, all at once.
fn digits(bytes: [u8; 4]) -> [u8; 8] {
    /// The same value in each of the eight bytes.
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let mut nibbles = u64::from(u32::from_be_bytes(bytes));
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & each(0x0f);
    // 1 where a letter stands: from 10 on, six more carry into the upper half.
    let letters = (nibbles + each(6)) >> 4 & each(1);
    (nibbles + each(b'0') + letters * u64::from(b'a' - b'9' - 1)).to_be_bytes()
}

fn hex(text: &str, len: usize) -> Option<u128> {
    let lower = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == len && text.bytes().all(lower)).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_standard_library() {
        for byte in 0..=255_u8 {
            let bytes = [byte, byte ^ 0x5a, 255 - byte, byte.rotate_left(3), byte, !byte];
            let mut text = [0; 12];
            write_hex(&mut text, &bytes);
            let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(text, expected.as_bytes());
        }
    }

    #[test]
    fn only_well_formed_parents_are_taken() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceContext::parse(good).unwrap().to_string(), good);
        for bad in [
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
        assert!(TraceContext::parse(&format!("01{}-more", &good[2..])).is_some());
    }
}
