//! What a request head must be before anything runs for it. hyper has parsed it; this is what hyper does
//! not check.

use std::net::{Ipv6Addr, SocketAddr};

use http::header::{HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Uri, Version};

use crate::{CallError, ServerLimits};

/// Longest method, in bytes.
const METHOD_BYTES: usize = 32;
/// Longest host name with its port, in bytes.
const HOST_BYTES: usize = 261;

/// What a refused method could have been.
static METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// Checks a head and puts it into one form: a target that starts with `/`, and exactly one valid `host`.
/// `body` is the declared length of the body; `local` stands in for the host that HTTP/1.0 need not name.
///
/// # Errors
/// The answer to a head that breaks a limit or could be understood in two ways.
pub(super) fn check(
    head: &mut Parts,
    body: Option<u64>,
    limits: &ServerLimits,
    local: SocketAddr,
) -> Result<(), CallError> {
    let target = target_bytes(&head.uri);
    if target > limits.target_bytes {
        return Err(CallError::Target(limits.target_bytes));
    }
    if head.headers.len() > limits.head_fields || head_bytes(head, target) > limits.head_bytes.get()
    {
        return Err(CallError::Head);
    }
    if head.method.as_str().len() > METHOD_BYTES {
        return Err(CallError::Malformed("method too long"));
    }
    if matches!(head.method, Method::CONNECT | Method::TRACE) {
        return Err(CallError::Method(&METHODS));
    }
    check_coding(&head.headers)?;
    let authority = take_authority(&mut head.uri)?;
    check_host(&head.headers, head.version)?;
    if let Some(authority) = authority {
        // The target's authority is the one that counts (RFC 9112, 3.2.2).
        head.headers.insert(HOST, authority);
    } else if !head.headers.contains_key(HOST) {
        let local = HeaderValue::try_from(local.to_string());
        head.headers.insert(HOST, local.map_err(|_| CallError::Malformed("host"))?);
    }
    head.headers.remove(UPGRADE);
    match body {
        Some(length) if length > limits.body_bytes.get() => {
            Err(CallError::BodyTooLarge(limits.body_bytes.get()))
        }
        _ => Ok(()),
    }
}

fn target_bytes(uri: &Uri) -> usize {
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + 3);
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    scheme + authority + uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// The size of the head as it would be written most plainly. The parser stops at about the limit too, but
/// only as exactly as its buffer grows.
fn head_bytes(head: &Parts, target: usize) -> u64 {
    let line = head.method.as_str().len() + target + " HTTP/1.1\r\n\r\n".len() + 1;
    let field =
        |(name, value): (&http::HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    (line + head.headers.iter().map(field).sum::<usize>()) as u64
}

/// The only transfer coding is `chunked`: hyper would take one on top of another and undo only the last.
fn check_coding(headers: &HeaderMap) -> Result<(), CallError> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next();
    if first.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(CallError::Malformed("transfer coding"));
    }
    codings.next().map_or(Ok(()), |_| Err(CallError::Malformed("more than one transfer coding")))
}

/// Leaves path and query in `uri`; returns the authority that stood before them.
fn take_authority(uri: &mut Uri) -> Result<Option<HeaderValue>, CallError> {
    const MALFORMED: CallError = CallError::Malformed("request target");
    let path = uri.path_and_query().map_or("", PathAndQuery::as_str);
    if !path.bytes().all(|b| matches!(b, b'!'..=b'~')) {
        return Err(MALFORMED);
    }
    let Some(authority) = uri.authority() else {
        return if path.starts_with('/') { Ok(None) } else { Err(MALFORMED) };
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) || !is_host(authority.as_str()) {
        return Err(MALFORMED);
    }
    let host = HeaderValue::try_from(authority.as_str()).map_err(|_| MALFORMED)?;
    let path = match path.as_bytes().first() {
        Some(b'/') => PathAndQuery::try_from(path),
        _ => PathAndQuery::try_from(format!("/{path}")),
    };
    *uri = path.map_err(|_| MALFORMED)?.into();
    Ok(Some(host))
}

fn check_host(headers: &HeaderMap, version: Version) -> Result<(), CallError> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => match host.to_str() {
            Ok(host) if is_host(host) => Ok(()),
            _ => Err(CallError::Malformed("host")),
        },
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (None, _) => Err(CallError::Malformed("no host")),
        (Some(_), Some(_)) => Err(CallError::Malformed("more than one host")),
    }
}

/// A name, an IPv4 or a bracketed IPv6 address, and perhaps a port. Narrower than RFC 3986: no percent
/// signs and no delimiters, which no client sends and readers differ about.
fn is_host(text: &str) -> bool {
    if text.len() > HOST_BYTES {
        return false;
    }
    let (host, port) = match text.rfind(':') {
        Some(colon) if !text[colon..].contains(']') => (&text[..colon], Some(&text[colon + 1..])),
        _ => (text, None),
    };
    let host_fits = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        }
    };
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    host_fits && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::units::ByteSize;

    const LOCAL: &str = "127.0.0.1:3000";

    fn head(method: &str, target: &str, fields: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::new(());
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = target.parse().unwrap();
        for (name, value) in fields {
            request.headers_mut().append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        request.into_parts().0
    }

    fn checked(head: &mut Parts) -> Result<(), ErrorKind> {
        let limits = ServerLimits::default();
        check(head, None, &limits, LOCAL.parse().unwrap()).map_err(|error| error.kind())
    }

    #[test]
    fn host_must_be_there_once_and_be_a_host() {
        for (fields, fits) in [
            (vec![("host", "h")], true),
            (vec![("host", "h.example:8080")], true),
            (vec![("host", "127.0.0.1")], true),
            (vec![("host", "[::1]")], true),
            (vec![("host", "[::1]:80")], true),
            (vec![("host", "under_score-1.x")], true),
            (vec![], false),
            (vec![("host", "a"), ("host", "a")], false),
            (vec![("host", "a"), ("host", "b")], false),
            (vec![("host", "")], false),
            (vec![("host", "u@h")], false),
            (vec![("host", "h/p")], false),
            (vec![("host", "h?q")], false),
            (vec![("host", "h:")], false),
            (vec![("host", "h:x")], false),
            (vec![("host", "h:+1")], false),
            (vec![("host", "h:70000")], false),
            (vec![("host", ":80")], false),
            (vec![("host", "a b")], false),
            (vec![("host", "a,b")], false),
            (vec![("host", "a%00")], false),
            (vec![("host", "::1")], false),
            (vec![("host", "[::1")], false),
            (vec![("host", "[::1]x")], false),
            (vec![("host", "[v1.x]")], false),
            (vec![("host", "[::1]:80]")], false),
            (vec![("host", "hö")], false),
        ] {
            let expected = if fits { Ok(()) } else { Err(ErrorKind::Malformed) };
            assert_eq!(checked(&mut head("GET", "/", &fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn http_1_0_need_not_name_a_host() {
        let mut old = head("GET", "/", &[]);
        old.version = Version::HTTP_10;
        assert_eq!(checked(&mut old), Ok(()));
        assert_eq!(old.headers[HOST], LOCAL);
        let mut two = head("GET", "/", &[("host", "a"), ("host", "b")]);
        two.version = Version::HTTP_10;
        assert_eq!(checked(&mut two), Err(ErrorKind::Malformed));
    }

    #[test]
    fn the_authority_of_an_absolute_target_is_the_only_one_that_is_seen() {
        for (target, host, path) in [
            ("http://a.example:81/x?y", "a.example:81", "/x?y"),
            ("https://a", "a", "/"),
            ("http://a?q", "a", "/?q"),
        ] {
            let mut head = head("GET", target, &[("host", "other")]);
            assert_eq!(checked(&mut head), Ok(()), "{target}");
            assert_eq!(head.headers.get_all(HOST).iter().collect::<Vec<_>>(), [host]);
            assert_eq!(head.uri, *path);
            assert!(head.uri.authority().is_none());
        }
        for target in ["ftp://a/", "http://u@a/", "http://u:p@a/", "a:80", "*"] {
            let mut head = head("GET", target, &[("host", "a")]);
            assert_eq!(checked(&mut head), Err(ErrorKind::Malformed), "{target}");
        }
        assert_eq!(
            checked(&mut head("GET", "http://a/", &[])),
            Err(ErrorKind::Malformed),
            "no host"
        );
    }

    #[test]
    fn targets_are_plain_ascii() {
        for (target, fits) in [("/%C3%A4?b=%20", true), ("/\u{e4}", false), ("/a?\u{e4}", false)] {
            let expected = if fits { Ok(()) } else { Err(ErrorKind::Malformed) };
            assert_eq!(checked(&mut head("GET", target, &[("host", "h")])), expected, "{target}");
        }
    }

    #[test]
    fn methods() {
        let host = [("host", "h")];
        for (method, target, expected) in [
            ("GET", "/", Ok(())),
            ("PROPFIND", "/", Ok(())),
            ("CONNECT", "h:1", Err(ErrorKind::Method)),
            ("TRACE", "/", Err(ErrorKind::Method)),
            ("GET", "*", Err(ErrorKind::Malformed)),
            ("OPTIONS", "*", Err(ErrorKind::Malformed)),
            (&"X".repeat(32), "/", Ok(())),
            (&"X".repeat(33), "/", Err(ErrorKind::Malformed)),
        ] {
            assert_eq!(checked(&mut head(method, target, &host)), expected, "{method} {target}");
        }
    }

    #[test]
    fn one_transfer_coding() {
        for (fields, fits) in [
            (vec!["chunked"], true),
            (vec!["Chunked"], true),
            (vec!["gzip, chunked"], false),
            (vec!["chunked, chunked"], false),
            (vec!["chunked", "chunked"], false),
            (vec!["gzip", "chunked"], false),
        ] {
            let mut fields: Vec<_> =
                fields.iter().map(|value| ("transfer-encoding", *value)).collect();
            fields.push(("host", "h"));
            let expected = if fits { Ok(()) } else { Err(ErrorKind::Malformed) };
            assert_eq!(checked(&mut head("POST", "/", &fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn sizes() {
        let path = |len: usize| format!("/{}", "a".repeat(len - 1));
        let host = [("host", "h")];
        assert_eq!(checked(&mut head("GET", &path(8_000), &host)), Ok(()));
        assert_eq!(checked(&mut head("GET", &path(8_192), &host)), Ok(()));
        assert_eq!(checked(&mut head("GET", &path(8_193), &host)), Err(ErrorKind::Target));
        let big = "v".repeat(65 << 10);
        let mut large = head("GET", "/", &[("host", "h"), ("x", &big)]);
        assert_eq!(checked(&mut large), Err(ErrorKind::Head));
        let mut many = head("GET", "/", &host);
        for _ in 0..99 {
            many.headers.append("x", HeaderValue::from_static("1"));
        }
        assert_eq!(checked(&mut many), Ok(()));
        many.headers.append("x", HeaderValue::from_static("1"));
        assert_eq!(checked(&mut many), Err(ErrorKind::Head));
    }

    #[test]
    fn a_declared_body_past_the_limit_is_refused_before_anything_runs() {
        let limits = ServerLimits { body_bytes: ByteSize::bytes(10), ..ServerLimits::default() };
        let local = LOCAL.parse().unwrap();
        for (length, fits) in [(None, true), (Some(10), true), (Some(11), false)] {
            let mut head = head("POST", "/", &[("host", "h"), ("expect", "x")]);
            let result = check(&mut head, length, &limits, local);
            assert_eq!(result.is_ok(), fits, "{length:?}");
        }
    }

    #[test]
    fn upgrades_are_not_seen() {
        let mut head = head("GET", "/", &[("host", "h"), ("upgrade", "foo")]);
        assert_eq!(checked(&mut head), Ok(()));
        assert!(!head.headers.contains_key(UPGRADE));
    }
}
