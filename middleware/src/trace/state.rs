//! `tracestate` (W3C Trace Context, 3.3).

use std::sync::Arc;

use http::HeaderValue;
use http::header::GetAll;

/// Members that a list may have.
const MEMBERS: usize = 32;
/// Bytes that are looked at. The specification asks for 512 to be passed on.
const BYTES: usize = 8 << 10;

/// What the fields of a request come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There are none, or nothing in them.
    Absent,
    /// One list, in the order of the fields.
    Valid(Arc<str>),
    /// Not a list as the specification has it; the trace goes on without.
    Invalid,
    /// More members than may be.
    TooLong,
}

impl State {
    pub(super) fn read(fields: GetAll<'_, HeaderValue>) -> Self {
        let mut list = String::new();
        let mut count = 0;
        for field in fields {
            let Ok(field) = field.to_str() else { return Self::Invalid };
            for member in field.split(',').map(|member| member.trim_matches([' ', '\t'])) {
                if member.is_empty() {
                    continue;
                }
                count += 1;
                if count > MEMBERS || list.len() + member.len() > BYTES {
                    return Self::TooLong;
                }
                if !is_member(member) {
                    return Self::Invalid;
                }
                if !list.is_empty() {
                    list.push(',');
                }
                list.push_str(member);
            }
        }
        if list.is_empty() { Self::Absent } else { Self::Valid(list.into()) }
    }
}

/// `key=value`, each of its characters and length.
fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let in_key = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let starts = key.bytes().next().is_some_and(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
    let is_key = starts && key.len() <= 256 && key.bytes().all(in_key);
    let in_value = |b: u8| matches!(b, b' '..=b'~') && b != b',' && b != b'=';
    is_key && (1..=256).contains(&value.len()) && value.bytes().all(in_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn read(fields: &[&str]) -> State {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append("tracestate", HeaderValue::from_str(field).unwrap());
        }
        State::read(headers.get_all("tracestate"))
    }

    #[test]
    fn fields_are_one_list() {
        assert_eq!(read(&["a=1, b=2,,", "", "c@d=x y"]), State::Valid("a=1,b=2,c@d=x y".into()));
        assert_eq!(read(&[]), State::Absent);
        assert_eq!(read(&["", " , "]), State::Absent);
    }

    #[test]
    fn what_is_no_member_spoils_the_list() {
        for bad in
            ["a", "A=1", "=1", "a=", "-a=1", "a=b=c", "a b=1", &format!("{}=1", "k".repeat(257))]
        {
            assert_eq!(read(&["ok=1", bad]), State::Invalid, "{bad}");
        }
    }

    #[test]
    fn thirty_two_members_fit() {
        let list = |n| (0..n).map(|i| format!("k{i}=1")).collect::<Vec<_>>().join(",");
        assert!(matches!(read(&[&list(32)]), State::Valid(_)));
        assert_eq!(read(&[&list(33)]), State::TooLong);
        assert_eq!(read(&[&list(20), &list(13)]), State::TooLong);
    }
}
