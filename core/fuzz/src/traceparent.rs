//! `traceparent`: what is read is what the specification allows, and comes back as it was.

use mik_core::TraceContext;

/// Reads the bytes as the value of a header.
pub(super) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = TraceContext::parse(text);
    assert_eq!(read.is_some(), is_valid(input), "{text:?}");
    let Some(trace) = read else { return };
    let written = trace.to_string();
    assert_eq!(trace.to_header().as_bytes(), written.as_bytes());
    assert!(written.starts_with("00-") && is_valid(written.as_bytes()), "{written}");
    // Ids as they came; of what a later version has, the flag that is known.
    assert_eq!(written.as_bytes()[3..52], input[3..52], "{text:?}");
    if input.starts_with(b"00-") {
        assert_eq!(written.as_bytes(), input);
    }
    assert_eq!(TraceContext::parse(&written), Some(trace));
}

/// W3C Trace Context, 3.2.2: `version-trace-parent-flags` by position, in lower case; ids are not zero, and what
/// a later version appends stands behind another hyphen.
pub(super) fn is_valid(value: &[u8]) -> bool {
    if value.len() < 55 {
        return false;
    }
    let hyphens = [2, 35, 52];
    let well_formed =
        value[..55].iter().enumerate().all(|(at, byte)| match hyphens.contains(&at) {
            true => *byte == b'-',
            false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    let is_zero = |id: &[u8]| id.iter().all(|digit| *digit == b'0');
    let end = match &value[..2] {
        b"ff" => false,
        b"00" => value.len() == 55,
        _ => value.len() == 55 || value[55] == b'-',
    };
    well_formed && end && !is_zero(&value[3..35]) && !is_zero(&value[36..52])
}
