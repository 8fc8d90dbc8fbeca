//! The answers in what a server sent: each with its status and where it ends.

/// One final answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Nothing may follow it.
    pub(super) closes: bool,
    /// Whether all of its body came.
    pub(super) is_whole: bool,
}

/// Reads what a server has sent; `methods` are those of the requests, in their order. A head that is cut off is
/// no answer.
///
/// # Panics
/// Where it is not one well-framed answer after the other.
pub(super) fn read(sent: &[u8], methods: &[&str]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    let mut left = sent;
    while !left.is_empty() {
        assert!(answers.last().is_none_or(|last| last.is_whole && !last.closes), "{}", shown(sent));
        let Some(end) = find(left, b"\r\n\r\n") else { break };
        let head =
            std::str::from_utf8(&left[..end + 2]).unwrap_or_else(|_| panic!("{}", shown(sent)));
        left = &left[end + 4..];
        let status = head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {}", shown(sent)));
        assert_ne!(status, 101, "{}", shown(sent));
        if status < 200 {
            continue;
        }
        let field = |name: &str| {
            let mut lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
            lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let is_head = methods.get(answers.len()) == Some(&"HEAD");
        let is_whole = match (field("transfer-encoding"), field("content-length")) {
            _ if is_head || matches!(status, 204 | 205 | 304) => true,
            (Some("chunked"), None) => chunked(&mut left),
            (None, Some(length)) => {
                let length: usize = length.parse().unwrap_or_else(|_| panic!("{}", shown(sent)));
                let has = length.min(left.len());
                left = &left[has..];
                has == length
            }
            // To the end of the connection.
            (None, None) => {
                left = &[];
                true
            }
            _ => panic!("two framings: {}", shown(sent)),
        };
        let closes = field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        answers.push(Answer { status, closes, is_whole });
        if !is_whole {
            break;
        }
    }
    answers
}

/// Passes over a chunked body without trailers; whether it was all there.
fn chunked(left: &mut &[u8]) -> bool {
    loop {
        let Some(end) = find(left, b"\r\n") else { return false };
        let size =
            std::str::from_utf8(&left[..end]).ok().and_then(|t| usize::from_str_radix(t, 16).ok());
        let size = size.unwrap_or_else(|| panic!("no chunk: {}", shown(left)));
        let Some((chunk, rest)) = left[end + 2..].split_at_checked(size + 2) else { return false };
        assert!(chunk.ends_with(b"\r\n"), "{}", shown(left));
        *left = rest;
        if size == 0 {
            return true;
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
