use std::io::Read as _;

use super::*;

fn stream(chunks: &[&str]) -> BodyStream {
    let chunks = chunks.iter().map(|chunk| Ok(chunk.as_bytes().to_vec()));
    BodyStream::new(Source(chunks.collect()))
}

#[test]
fn chunks_come_as_they_are_and_empty_ones_do_not() {
    let mut stream = stream(&["ab", "", "c"]);
    assert_eq!(stream.chunk(), Ok(Some(b"ab".to_vec())));
    assert_eq!(stream.chunk(), Ok(Some(b"c".to_vec())));
    assert_eq!(stream.chunk(), Ok(None));
    assert_eq!(stream.chunk(), Ok(None));
}

#[test]
fn content_is_read_up_to_its_limit() {
    assert_eq!(stream(&["abc", "de"]).read_within(5), Ok(b"abcde".to_vec()));
    assert_eq!(stream(&["abc", "de"]).read_within(4), Err(ReadError::TooLarge));
    assert_eq!(stream(&[]).read_within(0), Ok(Vec::new()));
    assert_eq!(BodyStream::of_bytes(b"abc".to_vec()).read_within(2), Err(ReadError::TooLarge));
}

#[test]
fn a_reader_and_chunks_share_what_is_left() {
    let mut stream = stream(&["abcd", "ef"]);
    let mut two = [0; 2];
    stream.read_exact(&mut two).unwrap();
    assert_eq!(&two, b"ab");
    assert_eq!(stream.chunk(), Ok(Some(b"cd".to_vec())));
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "ef");
}

#[test]
fn a_failure_ends_the_content_once() {
    let chunks = [Ok(b"a".to_vec()), Err(ReadError::Broken), Ok(b"b".to_vec())];
    let chunks: Vec<_> = BodyStream::new(Source(chunks.into())).into_iter().collect();
    assert_eq!(chunks, [Ok(b"a".to_vec()), Err(ReadError::Broken)]);
}
