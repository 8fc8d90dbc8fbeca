//! W3C Trace Context, level 1: the `traceparent` and `tracestate` headers.

use std::fmt;
use std::sync::Arc;

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

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [trace, span, flags] = [
            Hex::of(self.trace_id, 32),
            Hex::of(self.span_id.into(), 16),
            Hex::of(self.flags.into(), 2),
        ];
        for part in ["00-", trace.as_str(), "-", span.as_str(), "-", flags.as_str()] {
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// A number in lower-case hexadecimal digits. It is written for every request, and `{:032x}` takes ten times
/// as long.
pub(crate) struct Hex {
    digits: [u8; 32],
    len: usize,
}

impl Hex {
    /// The lowest `len` digits of `number`, at most 32.
    pub(crate) fn of(number: u128, len: usize) -> Self {
        let mut digits = [0; 32];
        let len = len.min(32);
        for (at, digit) in digits[..len].iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (4 * at)) as usize & 15];
        }
        Self { digits, len }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.len]).unwrap_or_default()
    }
}

fn hex(text: &str, len: usize) -> Option<u128> {
    let lower = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == len && text.bytes().all(lower)).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

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
