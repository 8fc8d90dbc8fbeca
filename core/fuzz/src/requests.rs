//! Which requests stand in a stream of bytes: a reader by RFC 9112, and by nothing else.
//!
//! It takes what the RFC lets a recipient take (empty lines before a request, a bare LF for a line end in a
//! head), and is blind from the first byte on that the RFC does not allow. Whoever answers more requests than
//! this sees has taken a body, or junk, for one.

/// What stands in a stream.
pub(super) struct Seen {
    /// The requests that are there as a whole.
    pub(super) requests: Vec<Request>,
    /// What follows them.
    pub(super) rest: Rest,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing, or nothing that may be read: the last request ends the connection.
    Nothing,
    /// A request that is cut off, or none at all: one more answer may come, about that.
    Broken,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: Vec<u8>,
}

/// Not allowed, or not all there.
struct Broken;

/// How the end of a body is found.
enum Framing {
    Length(u64),
    Chunked,
}

struct Head {
    method: String,
    target: String,
    framing: Framing,
    /// Nothing after this request is one.
    is_last: bool,
}

impl Seen {
    pub(super) fn of(input: &[u8]) -> Self {
        let mut requests = Vec::new();
        let mut left = input;
        let rest = loop {
            left = after_empty_lines(left);
            if left.is_empty() {
                break Rest::Nothing;
            }
            let Ok((request, is_last)) = request(&mut left) else { break Rest::Broken };
            requests.push(request);
            if is_last {
                break Rest::Nothing;
            }
        };
        Self { requests, rest }
    }

    /// How many final answers may come at most.
    pub(super) fn answers(&self) -> usize {
        self.requests.len() + usize::from(self.rest == Rest::Broken)
    }
}

/// Section 2.2: empty lines before a request are passed over.
fn after_empty_lines(mut input: &[u8]) -> &[u8] {
    while let Some(rest) = input.strip_prefix(b"\r\n").or_else(|| input.strip_prefix(b"\n")) {
        input = rest;
    }
    input
}

fn request(input: &mut &[u8]) -> Result<(Request, bool), Broken> {
    let Head { method, target, framing, is_last } = head(input)?;
    let body = match framing {
        Framing::Length(length) => take(input, length)?.to_vec(),
        Framing::Chunked => chunks(input)?,
    };
    Ok((Request { method, target, body }, is_last))
}

/// Sections 3 and 5.
fn head(input: &mut &[u8]) -> Result<Head, Broken> {
    let line = line(input)?;
    let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = words[..] else { return Err(Broken) };
    let is_target = !target.is_empty() && target.iter().all(u8::is_ascii_graphic);
    let is_old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(Broken),
    };
    if !is_token(method) || !is_target {
        return Err(Broken);
    }
    let fields = fields(input)?;
    let (framing, both) = framing(&fields, is_old)?;
    let options = |name: &[u8]| named(&fields, "connection").any(|value| lists(value, name));
    // Section 9.3; a tunnel would follow a CONNECT, and section 6.3 has a message with both lengths be the last.
    let is_last = options(b"close") || (is_old && !options(b"keep-alive")) || both;
    let is_last = is_last || method == b"CONNECT";
    Ok(Head { method: text(method), target: text(target), framing, is_last })
}

type Field<'a> = (&'a [u8], &'a [u8]);

fn fields<'a>(input: &mut &'a [u8]) -> Result<Vec<Field<'a>>, Broken> {
    let mut fields = Vec::new();
    loop {
        let line = line(input)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Broken)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // A space before the colon, and a line that begins with one, are no token.
        let is_plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        if !is_token(name) || !line[colon + 1..].iter().all(is_plain) {
            return Err(Broken);
        }
        fields.push((name, value));
    }
}

/// Section 6.3. Also whether there were both lengths.
fn framing(fields: &[Field<'_>], is_old: bool) -> Result<(Framing, bool), Broken> {
    let codings: Vec<_> = named(fields, "transfer-encoding").collect();
    let lengths: Vec<_> = named(fields, "content-length").collect();
    if !codings.is_empty() {
        // `chunked` is the only one that may be known, once; HTTP/1.0 has none (section 6.1).
        let [coding] = codings[..] else { return Err(Broken) };
        if is_old || !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(Broken);
        }
        return Ok((Framing::Chunked, !lengths.is_empty()));
    }
    let Some((first, others)) = lengths.split_first() else {
        return Ok((Framing::Length(0), false));
    };
    if first.is_empty()
        || !first.iter().all(u8::is_ascii_digit)
        || others.iter().any(|o| o != first)
    {
        return Err(Broken);
    }
    Ok((Framing::Length(text(first).parse().map_err(|_| Broken)?), false))
}

/// Section 7.1. What an extension says changes nothing about where its chunk ends.
fn chunks(input: &mut &[u8]) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    loop {
        let line = strict_line(input)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let after = line[digits..].trim_ascii_start();
        if !(after.is_empty() || after.starts_with(b";")) {
            return Err(Broken);
        }
        let size = u64::from_str_radix(&text(&line[..digits]), 16).map_err(|_| Broken)?;
        if size == 0 {
            trailers(input)?;
            return Ok(body);
        }
        body.extend_from_slice(take(input, size)?);
        if take(input, 2)? != b"\r\n" {
            return Err(Broken);
        }
    }
}

/// Section 7.1.2. Readers differ about what a bare LF does there, so nothing behind it may be taken for a request:
/// the section ends with CRLF CRLF, and what stands in it after an empty line is passed over.
fn trailers(input: &mut &[u8]) -> Result<(), Broken> {
    if let Some(rest) = input.strip_prefix(b"\r\n") {
        *input = rest;
        return Ok(());
    }
    let end = input.windows(4).position(|four| four == b"\r\n\r\n").ok_or(Broken)?;
    let mut section = take(input, end as u64 + 4)?;
    fields(&mut section).map(drop)
}

fn take<'a>(input: &mut &'a [u8], length: u64) -> Result<&'a [u8], Broken> {
    let length = usize::try_from(length).map_err(|_| Broken)?;
    let (taken, rest) = input.split_at_checked(length).ok_or(Broken)?;
    *input = rest;
    Ok(taken)
}

/// A line of a head, without its end: CRLF, or LF alone (section 2.2). A CR anywhere else is none of it.
fn line<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    let end = input.iter().position(|byte| *byte == b'\n').ok_or(Broken)?;
    let line = &input[..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    *input = &input[end + 1..];
    if line.contains(&b'\r') { Err(Broken) } else { Ok(line) }
}

/// A line that ends in CRLF and in nothing else.
fn strict_line<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    let end = input.windows(2).position(|two| two == b"\r\n").ok_or(Broken)?;
    let line = &input[..end];
    *input = &input[end + 2..];
    if line.contains(&b'\r') || line.contains(&b'\n') { Err(Broken) } else { Ok(line) }
}

fn named<'a>(fields: &[Field<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let same = move |field: &&Field<'_>| field.0.eq_ignore_ascii_case(name.as_bytes());
    fields.iter().filter(same).map(|field| field.1).collect::<Vec<_>>().into_iter()
}

/// Whether a list has this element.
fn lists(value: &[u8], element: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(element))
}

/// RFC 9110, 5.6.2.
fn is_token(bytes: &[u8]) -> bool {
    let is_char = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_char)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
