//! What may stand in the head of a request that leaves, and of a response that comes in.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TE, TRAILER, TRANSFER_ENCODING,
};
use http::uri::Scheme;
use http::{Method, StatusCode, Uri, Version, request, response};

use super::BUFFER;
use super::authority::Authority;
use crate::framing::{content_length, digits, strip_hop_by_hop};
use crate::{Request, UpstreamError};

/// Checks a request of a guest and brings it into the form in which it is sent.
pub(super) fn outgoing(request: Request) -> Result<(Request, Authority), UpstreamError> {
    let (mut head, body) = request.into_parts();
    let authority = check_target(&head)?;
    let length = content_length(&head.headers).map_err(UpstreamError::Invalid)?;
    let body = match length {
        Some(length) if body.length().is_some_and(|known| known != length) => {
            return Err(UpstreamError::Invalid(
                "content-length differs from the length of the body",
            ));
        }
        Some(length) => body.with_length(length),
        None => body,
    };
    let wants_trailers = wants_trailers(&head.headers);
    strip_hop_by_hop(&mut head.headers);
    if wants_trailers {
        // The only use of TE that we answer for ourselves: trailers are handed on.
        head.headers.insert(TE, HeaderValue::from_static("trailers"));
        head.headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    // Whatever was there before: a request goes to whom the allow-list was asked about.
    head.headers.insert(HOST, host(&head.uri)?);
    head.version = Version::HTTP_11;
    head.extensions.clear();
    Ok((Request::from_parts(head, body), authority))
}

fn check_target(head: &request::Parts) -> Result<Authority, UpstreamError> {
    if head.method == Method::CONNECT {
        return Err(UpstreamError::Method("CONNECT"));
    }
    let scheme = head.uri.scheme().ok_or(UpstreamError::Invalid("the URI has no scheme"))?;
    if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS {
        return Err(UpstreamError::Invalid("only http and https can be sent"));
    }
    Authority::of(&head.uri).map_err(UpstreamError::Invalid)
}

/// The `host` field for `uri`: its authority, without the scheme's own port.
fn host(uri: &Uri) -> Result<HeaderValue, UpstreamError> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let standard = if uri.scheme() == Some(&Scheme::HTTPS) { ":443" } else { ":80" };
    let text = authority.strip_suffix(standard).unwrap_or(authority);
    HeaderValue::from_str(text).map_err(|_| UpstreamError::Invalid("the host cannot be written"))
}

/// Checks the head of a response and removes what concerned only the connection.
pub(super) fn incoming(head: &mut response::Parts) -> Result<(), UpstreamError> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(UpstreamError::Protocol("101 without having asked for an upgrade".into()));
    }
    if size(&head.headers) > BUFFER {
        return Err(UpstreamError::ResponseHead);
    }
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(other) = codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        // What nobody asked for, and nobody here undoes, must not pass for content (RFC 9112, 7).
        return Err(UpstreamError::TransferCoding(format!("{other:?}").into()));
    }
    if head.headers.contains_key(TRANSFER_ENCODING) {
        // It overrides content-length (RFC 9112, 6.3).
        head.headers.remove(CONTENT_LENGTH);
    }
    if let Some(length) = repeated_length(&head.headers)? {
        head.headers.insert(CONTENT_LENGTH, length);
    }
    strip_hop_by_hop(&mut head.headers);
    head.extensions.clear();
    Ok(())
}

/// The bytes that the fields took on the wire. hyper, too, has a limit, but one that depends on how much it reads
/// at a time.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// The one content-length that a response repeats, as some servers do: alone it stays what it was.
fn repeated_length(headers: &HeaderMap) -> Result<Option<HeaderValue>, UpstreamError> {
    let mut values = headers
        .get_all(CONTENT_LENGTH)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii);
    let Some(first) = values.next() else {
        return Ok(None);
    };
    match digits(first) {
        Some(length) if values.all(|value| digits(value) == Some(length)) => {
            Ok(Some(HeaderValue::from(length)))
        }
        _ => Err(UpstreamError::Protocol("content-length is not one number".into())),
    }
}

/// Removes from trailers what may not stand there (RFC 9110, 6.5.1): framing, routing, connection.
pub(super) fn trailers(trailers: &mut HeaderMap) {
    for name in [CONTENT_LENGTH, HOST, TRAILER] {
        trailers.remove(name);
    }
    strip_hop_by_hop(trailers);
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    let codings =
        headers.get_all(TE).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    codings.map(<[u8]>::trim_ascii).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::tests::request;
    use http::HeaderName;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(pair).collect()
    }

    fn sent(uri: &str, fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut request = request(uri);
        *request.headers_mut() = headers(fields);
        outgoing(request).unwrap().0.into_parts().0.headers
    }

    fn refused(request: Request) -> &'static str {
        match outgoing(request).unwrap_err() {
            UpstreamError::Invalid(reason) => reason,
            error => panic!("{error}"),
        }
    }

    #[test]
    fn hop_by_hop_fields_stay_here() {
        let fields = [
            ("connection", "close, X-Own"),
            ("connection", "accept"),
            ("x-own", "1"),
            ("accept", "*/*"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
            ("te", "gzip"),
            ("upgrade", "websocket"),
            ("x-kept", "1"),
        ];
        let kept = headers(&[("x-kept", "1"), ("host", "a.example")]);
        assert_eq!(sent("http://a.example/", &fields), kept);
    }

    #[test]
    fn te_trailers_is_sent_in_our_own_name() {
        let fields = sent("http://a.example/", &[("te", "deflate;q=0.5, Trailers")]);
        assert_eq!(
            (&fields["te"], &fields["connection"]),
            (&"trailers".parse().unwrap(), &"te".parse().unwrap())
        );
    }

    #[test]
    fn host_is_the_authority_whatever_the_guest_says() {
        for (uri, host) in [
            ("http://a.example/", "a.example"),
            ("http://a.example:80/", "a.example"),
            ("http://a.example:443/", "a.example:443"),
            ("https://a.example:443/", "a.example"),
            ("http://[::1]:8080/", "[::1]:8080"),
        ] {
            assert_eq!(sent(uri, &[("host", "other.example")])["host"], host);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let mut connect = request("http://a.example/");
        *connect.method_mut() = Method::CONNECT;
        let error = outgoing(connect).unwrap_err();
        assert!(matches!(error, UpstreamError::Method("CONNECT")), "{error}");
        assert!(refused(request("ftp://a.example/")).contains("http"));
        assert!(refused(request("/x")).contains("scheme"));
        assert!(refused(request("http://u:p@a.example/")).contains("user information"));
        assert!(refused(request("http://127.1/")).contains("neither"));
    }

    #[test]
    fn a_request_has_one_true_content_length() {
        let with = |lengths: &[&'static str], body: &'static str| {
            let mut request = request("http://a.example/");
            *request.body_mut() = body.into();
            for length in lengths {
                request.headers_mut().append(CONTENT_LENGTH, HeaderValue::from_static(length));
            }
            request
        };
        assert!(outgoing(with(&["5"], "hello")).is_ok());
        assert!(outgoing(with(&["0"], "")).is_ok());
        assert!(refused(with(&["5", "5"], "hello")).contains("more than one"));
        assert!(refused(with(&["4"], "hello")).contains("differs"));
        assert!(refused(with(&["6"], "hello")).contains("differs"));
        for bad in ["+5", "5, 5", "-1", "0x5", "", " ", "99999999999999999999"] {
            assert!(refused(with(&[bad], "hello")).contains("not a number"), "{bad:?}");
        }
    }

    #[test]
    fn a_response_loses_what_concerned_the_connection() {
        let clean = |status: u16, fields: &[(&'static str, &'static str)]| {
            let (mut head, ()) = http::Response::new(()).into_parts();
            head.status = StatusCode::from_u16(status).unwrap();
            head.headers = headers(fields);
            incoming(&mut head).map(|()| head.headers)
        };
        let fields = [("connection", "x-own"), ("x-own", "1"), ("keep-alive", "1"), ("etag", "1")];
        assert_eq!(clean(200, &fields).unwrap(), headers(&[("etag", "1")]));
        let both = [("transfer-encoding", "chunked"), ("content-length", "5")];
        assert_eq!(clean(200, &both).unwrap(), HeaderMap::new());
        for twice in
            [&[("content-length", "5"), ("content-length", "5")][..], &[("content-length", "5, 5")]]
        {
            assert_eq!(clean(200, twice).unwrap(), headers(&[("content-length", "5")]));
        }
        assert!(clean(304, &[("content-length", "5, 6")]).is_err());
        for coding in ["gzip", "x", "identity", "gzip, chunked"] {
            let error = clean(200, &[("transfer-encoding", coding)]).unwrap_err();
            assert!(matches!(error, UpstreamError::TransferCoding(_)), "{coding}: {error}");
        }
        let large: &str = "v".repeat(BUFFER).leak();
        let error = clean(200, &[("x-large", large)]).unwrap_err();
        assert!(matches!(error, UpstreamError::ResponseHead), "{error}");
        assert!(clean(101, &[("upgrade", "websocket")]).is_err());
    }

    #[test]
    fn trailers_frame_and_route_nothing() {
        let mut fields = headers(&[("content-length", "1"), ("host", "a"), ("grpc-status", "0")]);
        trailers(&mut fields);
        assert_eq!(fields, headers(&[("grpc-status", "0")]));
    }
}
