//! `accept-encoding`: what is sent is something that the client accepts, unpacks to what it was, and is the most
//! welcome of what there is.

use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use async_compression::codecs::{BrotliDecoder, DecodeV2, GzipDecoder, ZstdDecoder};
use async_compression::core::util::{PartialBuffer, WriteBuffer};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use mik_core::{Body, Response};
use mik_middleware::{Coding, Compression, CompressionOptions, StaticFiles};

use super::rig::{Answer, Rig, lines, write};

/// The preferred one first.
const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];
/// What is read of the field where responses are compressed.
const READ: (usize, usize) = (1_024, 64);

/// One that compresses what its module says, and one with a file that lies there in every coding.
static RIGS: LazyLock<Mutex<[Rig; 2]>> =
    LazyLock::new(|| Mutex::new([compressing(), precompressed()]));

/// Each line is an `accept-encoding`.
pub(super) fn check(input: &[u8]) {
    let [compressing, precompressed] = &*RIGS.lock().unwrap_or_else(PoisonError::into_inner);
    let fields = || lines(input).map(|line| ("accept-encoding", line));
    let Some(answer) = compressing.get("/run/t/", fields()) else { return };
    let coding = coding(&answer);
    assert!(answer.is_whole);
    assert_eq!(unpacked(coding, &answer.body), words(), "{:?}", input.escape_ascii());
    if input.len() <= READ.0 && input.split(|byte| b",\n".contains(byte)).count() <= READ.1 {
        is_welcome(coding, input);
    }
    let Some(answer) = precompressed.get("/static/words", fields()) else { return };
    let coding = self::coding(&answer);
    let expected = coding.map_or_else(words, |coding| coding.as_bytes().to_vec());
    assert_eq!((answer.status, answer.body), (200, expected), "{:?}", input.escape_ascii());
    is_welcome(coding, input);
}

/// Panics where `coding` is not what somebody who says this wants to have.
fn is_welcome(coding: Option<&str>, said: &[u8]) {
    let shown = said.escape_ascii();
    let Some(said) = Said::read(said) else {
        // Not as the RFC has it: then what is sent was at least named.
        let lower = said.to_ascii_lowercase();
        let names = |what: &str| lower.windows(what.len()).any(|part| part == what.as_bytes());
        assert!(coding.is_none_or(|coding| names(coding) || names("*")), "{coding:?} of {shown}");
        return;
    };
    let most = CODINGS.map(|coding| said.weight(coding)).into_iter().max().unwrap_or(0);
    let identity =
        said.0.iter().find(|(name, _)| name == "identity").map_or(0, |(_, weight)| *weight);
    match coding {
        Some(coding) => {
            let weight = said.weight(coding);
            assert!(weight > 0 && weight == most && weight >= identity, "{coding} of {shown}");
        }
        None => assert!(most == 0 || most < identity, "identity of {shown}"),
    }
}

/// The codings that are named, each once, with their weights in thousandths.
struct Said(Vec<(String, u32)>);

impl Said {
    /// RFC 9110, 12.5.3; `None` where it is not that, or names a coding twice.
    fn read(fields: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(fields).ok()?;
        let mut said = Vec::new();
        let elements = text.split(['\n', ',']).map(|element| element.trim_matches([' ', '\t']));
        for element in elements.filter(|element| !element.is_empty()) {
            let (name, weight) = match element.split_once(';') {
                None => (element, 1_000),
                Some((name, weight)) => (
                    name.trim_end_matches([' ', '\t']),
                    thousandths(weight.trim_start_matches([' ', '\t']))?,
                ),
            };
            let name = name.to_ascii_lowercase();
            let name = if name == "x-gzip" { "gzip".to_owned() } else { name };
            let is_token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            let is_new = said.iter().all(|(other, _)| *other != name);
            if name.is_empty() || !name.bytes().all(is_token) || !is_new {
                return None;
            }
            said.push((name, weight));
        }
        Some(Self(said))
    }

    fn weight(&self, coding: &str) -> u32 {
        let of = |wanted: &str| {
            self.0.iter().find(|(name, _)| name == wanted).map(|(_, weight)| *weight)
        };
        of(coding).or_else(|| of("*")).unwrap_or(0)
    }
}

/// `q=` and a weight (RFC 9110, 12.4.2).
fn thousandths(text: &str) -> Option<u32> {
    let number = text.strip_prefix(['q', 'Q'])?.strip_prefix('=')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let is_plain = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if is_plain => format!("{decimals:0<3}").parse().ok(),
        "1" if is_plain && decimals.bytes().all(|digit| digit == b'0') => Some(1_000),
        _ => None,
    }
}

fn coding(answer: &Answer) -> Option<&'static str> {
    let named = answer.field("content-encoding")?;
    Some(CODINGS.into_iter().find(|coding| *coding == named).unwrap_or_else(|| panic!("{named}")))
}

fn unpacked(coding: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let mut decoder: Box<dyn DecodeV2> = match coding {
        None => return bytes.to_vec(),
        Some("br") => Box::new(BrotliDecoder::new()),
        Some("zstd") => Box::new(ZstdDecoder::new()),
        Some(_) => Box::new(GzipDecoder::new()),
    };
    let mut space = vec![0; 2 * words().len()];
    let mut output = WriteBuffer::new_initialized(&mut space);
    let is_done =
        decoder.decode(&mut PartialBuffer::new(bytes), &mut output).expect("what unpacks");
    assert!(is_done, "it does not end");
    output.written().to_vec()
}

fn words() -> Vec<u8> {
    (0..500).flat_map(|index| format!("word {index} ").into_bytes()).collect()
}

fn compressing() -> Rig {
    let codings = vec![Coding::Br, Coding::Zstd, Coding::Gzip];
    let compression = Compression::new(CompressionOptions { codings, ..Default::default() });
    Rig::new(
        |_: &Path| compression,
        |_| async {
            let mut response = Response::new(Bytes::from(words()).into());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            Ok(response)
        },
    )
}

/// The file's other forms hold the names of their codings.
fn precompressed() -> Rig {
    let make = |folder: &Path| {
        write(folder.join("words"), words());
        for (extension, coding) in ["br", "zst", "gz"].into_iter().zip(CODINGS) {
            write(folder.join(format!("words.{extension}")), coding);
        }
        StaticFiles::new(folder).unwrap()
    };
    Rig::new(make, |_| async { Ok(Response::new(Body::empty())) })
}
