use std::sync::Mutex;
use std::time::Duration;

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY,
};
use http_body_util::BodyExt;
use mik_core::{End, ErrorKind, Outcome};
use tokio::time::timeout;

use super::*;
use crate::rig::{Rig, Served, get, make};

const ALL: &str = "[middleware.compression]\ncodings = [\"zstd\", \"br\", \"gzip\"]\n";

fn asking(target: &str, accepted: &str) -> Request {
    let mut request = get(target);
    request.headers_mut().insert(ACCEPT_ENCODING, accepted.parse().unwrap());
    request
}

fn response(fields: &[(&'static str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    for (name, value) in fields {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

/// A host whose module `m` gives what `make` does.
fn host(document: &str, make: impl Fn() -> Response + Send + Sync + 'static) -> Served {
    let module = move |_, _| future::ready(Ok(make()));
    Rig::default().module("m", module).made("compression", document).build()
}

fn field(response: &Response, name: impl http::header::AsHeaderName) -> Option<&str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

async fn bytes(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

const PLAIN: (&str, &str) = ("content-type", "text/plain");

#[tokio::test]
async fn text_is_compressed_and_its_head_says_so() {
    let fields = [
        PLAIN,
        ("content-length", "5000"),
        ("accept-ranges", "bytes"),
        ("etag", "\"1\""),
        ("vary", "origin"),
        ("repr-digest", "sha-256=:AAA=:"),
        ("x-mine", "1"),
    ];
    let host = host("", move || response(&fields, Bytes::from(words(5_000))));
    let answer = host.send(asking("/run/m/", "gzip, br")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(field(&answer, CONTENT_ENCODING), Some("gzip"));
    assert_eq!(field(&answer, ETAG), Some("W/\"1\""));
    assert_eq!(field(&answer, "x-mine"), Some("1"));
    for gone in ["content-length", "accept-ranges", "repr-digest"] {
        assert_eq!(field(&answer, gone), None, "{gone}");
    }
    let vary: Vec<_> = answer.headers().get_all(VARY).iter().collect();
    assert_eq!(vary, ["origin", "accept-encoding"]);
    let packed = bytes(answer).await;
    assert!(packed.len() < 4_000, "{}", packed.len());
    assert_eq!(unpack(Coding::Gzip, &packed).unwrap(), (words(5_000), true));
}

#[tokio::test]
async fn the_variant_for_others_varies_too_and_is_unchanged_otherwise() {
    let fields = [PLAIN, ("content-length", "5000"), ("etag", "\"1\""), ("accept-ranges", "bytes")];
    let host = host("", move || response(&fields, Bytes::from(words(5_000))));
    for accepted in [None, Some("br"), Some("gzip;q=0"), Some("*;q=0, gzip;q=9")] {
        let request = accepted.map_or_else(|| get("/run/m/"), |it| asking("/run/m/", it));
        let answer = host.send(request).await;
        assert_eq!(field(&answer, VARY), Some("accept-encoding"), "{accepted:?}");
        assert_eq!(field(&answer, ETAG), Some("\"1\""));
        assert_eq!(field(&answer, ACCEPT_RANGES), Some("bytes"));
        assert_eq!(field(&answer, CONTENT_LENGTH), Some("5000"));
        assert_eq!(field(&answer, CONTENT_ENCODING), None);
        assert_eq!(bytes(answer).await, words(5_000));
    }
}

#[tokio::test]
async fn what_must_not_be_compressed_stays_as_it_is() {
    for (status, more, length) in [
        (200, vec![PLAIN], 1_023),
        (200, vec![("content-type", "image/png")], 5_000),
        (200, vec![], 5_000),
        (200, vec![PLAIN, ("content-encoding", "gzip")], 5_000),
        (200, vec![PLAIN, ("content-encoding", "identity")], 5_000),
        (200, vec![PLAIN, ("cache-control", "max-age=1, no-transform")], 5_000),
        (200, vec![PLAIN, ("content-range", "bytes 0-4999/9999")], 5_000),
        (206, vec![PLAIN], 5_000),
        (204, vec![PLAIN], 0),
        (205, vec![PLAIN], 0),
        (200, vec![PLAIN], 0),
    ] {
        let case = format!("{status} {more:?} {length}");
        let mut expected: Vec<_> = more.iter().map(|(name, value)| (*name, *value)).collect();
        expected.sort_unstable();
        let fields = more.clone();
        let host = host("", move || {
            let mut response = response(&fields, Bytes::from(words(length)));
            *response.status_mut() = status.try_into().unwrap();
            response
        });
        let answer = host.send(asking("/run/m/", "gzip")).await;
        let mut found: Vec<_> = answer.headers().iter().collect();
        found.sort_unstable_by_key(|(name, _)| name.as_str());
        let found: Vec<_> = found
            .into_iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(found, expected, "{case}");
        assert_eq!(bytes(answer).await, words(length), "{case}");
    }
}

#[tokio::test]
async fn errors_are_compressed_like_anything_else_and_keep_their_kind() {
    let host = host("[middleware.compression]\nmin_size = \"10B\"\ncodings = [\"gzip\"]", || {
        unreachable!("no module is called")
    });
    let answer = host.send(asking("/nowhere", "gzip")).await;
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.extensions().get(), Some(&ErrorKind::NotFound));
    let (plain, is_whole) = unpack(Coding::Gzip, &bytes(answer).await).unwrap();
    assert!(is_whole && plain.starts_with(b"{"));
}

#[tokio::test]
async fn the_coding_is_what_client_and_server_prefer() {
    let host = host(ALL, || response(&[PLAIN], Bytes::from(words(50_000))));
    for (accepted, coding) in [
        ("gzip, br, zstd", Coding::Zstd),
        ("gzip, br;q=0.9, zstd;q=0.8", Coding::Gzip),
        ("gzip, br", Coding::Br),
    ] {
        let answer = host.send(asking("/run/m/", accepted)).await;
        assert_eq!(field(&answer, CONTENT_ENCODING), Some(coding.as_str()), "{accepted}");
        let packed = bytes(answer).await;
        assert_eq!(unpack(coding, &packed).unwrap(), (words(50_000), true));
    }
}

#[tokio::test]
async fn a_module_may_have_its_own_table() {
    let document = "[modules.off.compression]\nenabled = false\n\
                    [modules.none.compression]\ncodings = []\n\
                    [modules.small.compression]\nmin_size = \"1B\"\n";
    let module = |_, _| future::ready(Ok(response(&[PLAIN], "hello")));
    let long = |_, _| future::ready(Ok(response(&[PLAIN], Bytes::from(words(5_000)))));
    let rig = Rig::default().module("off", long).module("none", long).module("small", module);
    let host = rig.module("other", module).made("compression", document).build();
    for (name, coding) in [("off", None), ("none", None), ("small", Some("gzip")), ("other", None)]
    {
        let answer = host.send(asking(&format!("/run/{name}/"), "gzip")).await;
        assert_eq!(field(&answer, CONTENT_ENCODING), coding, "{name}");
        assert_eq!(answer.headers().contains_key(VARY), coding.is_some(), "{name}");
    }
}

#[tokio::test]
async fn head_has_the_head_of_get_and_no_body() {
    for fields in [vec![PLAIN, ("content-length", "5000")], vec![PLAIN]] {
        let given = fields.clone();
        let host = host("", move || match given.len() {
            2 => response(&given, Body::empty()),
            _ => response(&given, streamed([data(words(5_000))])),
        });
        let mut request = asking("/run/m/", "gzip");
        *request.method_mut() = Method::HEAD;
        let answer = host.send(request).await;
        assert_eq!(field(&answer, CONTENT_ENCODING), Some("gzip"), "{fields:?}");
        assert_eq!(field(&answer, VARY), Some("accept-encoding"));
        assert_eq!(field(&answer, CONTENT_LENGTH), None);
        assert_eq!(answer.body().length(), Some(0));
    }
}

#[tokio::test(start_paused = true)]
async fn each_event_arrives_before_the_next_is_made() {
    for (coding, accepted) in Coding::ALL.map(|coding| (coding, coding.as_str())) {
        let (events, body) = channel();
        let body = Mutex::new(Some(body));
        let host = host(ALL, move || {
            let body = body.lock().unwrap().take().unwrap();
            response(&[("content-type", "text/event-stream")], body)
        });
        let mut body = host.send(asking("/run/m/", accepted)).await.into_body();
        let mut unpacker = Unpacker::new(coding);
        let mut sent = Vec::new();
        for event in 0..50 {
            let event = format!("data: {event}\n\n");
            sent.extend_from_slice(event.as_bytes());
            events.send(data(event)).unwrap();
            loop {
                // Nothing more is sent until this one is read.
                let frame = timeout(Duration::from_secs(1), body.frame()).await;
                let frame = frame.expect("it is held back").unwrap().unwrap();
                let (plain, is_whole) = unpacker.more(&frame.into_data().unwrap()).unwrap();
                assert!(!is_whole);
                if plain == sent {
                    break;
                }
            }
            assert!(poll(&mut body, &mut 0).is_pending(), "{coding}: nothing more without need");
        }
        drop(events);
        let rest = body.collect().await.unwrap().to_bytes();
        assert_eq!(unpacker.more(&rest).unwrap(), (sent, true), "{coding}");
    }
}

#[test]
fn a_flush_leaves_nothing_behind_where_output_waited_for_space() {
    // A block of miniz that does not fit in what space there is when the flush comes.
    let (sender, body) = channel();
    sender.send(data(vec![b'a'; 85_319])).unwrap();
    sender.send(data(words(173_879))).unwrap();
    let levels = Levels::default();
    let body = Compressed::new(body, Coding::Gzip, &levels, Traffic::default());
    let mut body = Body::stream(body);
    let mut packed = Vec::new();
    while let Poll::Ready(Some(frame)) = poll(&mut body, &mut 0) {
        packed.extend(frame.unwrap().into_data().unwrap());
    }
    let (plain, is_whole) = unpack(Coding::Gzip, &packed).unwrap();
    assert_eq!((plain.len(), is_whole), (85_319 + 173_879, false));
}

#[tokio::test]
async fn an_error_comes_after_what_was_said_before_and_trailers_after_the_end() {
    for coding in Coding::ALL {
        let failing = || streamed([data("one "), data("two"), Err(CallError::Timeout("x"))]);
        let host = host(ALL, move || response(&[PLAIN], failing()));
        let mut body = host.send(asking("/run/m/", coding.as_str())).await.into_body();
        let mut packed = Vec::new();
        let error = loop {
            match body.frame().await.expect("never a clean end") {
                Ok(frame) => packed.extend(frame.into_data().unwrap()),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, CallError::Timeout("x")));
        assert_eq!(unpack(coding, &packed).unwrap(), (b"one two".to_vec(), false));
        assert!(body.frame().await.is_none());

        let items = || [data("text"), Ok(Frame::trailers(trailers()))];
        let host = self::host(ALL, move || response(&[PLAIN], streamed(items())));
        let body = host.send(asking("/run/m/", coding.as_str())).await.into_body();
        let collected = body.collect().await.unwrap();
        assert_eq!(collected.trailers(), Some(&trailers()));
        assert_eq!(unpack(coding, &collected.to_bytes()).unwrap(), (b"text".to_vec(), true));
    }
}

#[tokio::test]
async fn a_body_shorter_than_it_promised_does_not_end_like_a_whole_one() {
    let fields = [PLAIN, ("content-length", "5000")];
    let host = host("", move || response(&fields, streamed([data(words(4_999))])));
    let answer = host.send(asking("/run/m/", "gzip")).await;
    assert_eq!(field(&answer, CONTENT_ENCODING), Some("gzip"));
    assert!(answer.into_body().collect().await.is_err());
}

#[tokio::test]
async fn the_end_of_the_inner_body_is_told_as_it_is() {
    let seen: Arc<Mutex<Vec<End>>> = Arc::default();
    let log = seen.clone();
    let (sender, body) = channel();
    let body = Mutex::new(Some(body));
    let host = host("", move || {
        let log = log.clone();
        let body = body.lock().unwrap().take();
        let body = body.unwrap_or_else(|| Bytes::from(words(5_000)).into());
        response(&[PLAIN], body.on_end(move |end| log.lock().unwrap().push(end)))
    });
    // Given up in the middle.
    sender.send(data("abc")).unwrap();
    let mut body = host.send(asking("/run/m/", "gzip")).await.into_body();
    body.frame().await.unwrap().unwrap();
    assert!(seen.lock().unwrap().is_empty());
    drop(body);
    assert!(matches!(seen.lock().unwrap().pop().unwrap().outcome, Outcome::Dropped));
    // Read to the end.
    bytes(host.send(asking("/run/m/", "gzip")).await).await;
    let end = seen.lock().unwrap().pop().unwrap();
    assert!(matches!(end.outcome, Outcome::Complete));
    assert_eq!(end.bytes, 5_000, "of the plain body");
}

#[tokio::test]
async fn others_have_their_turn_while_much_is_compressed() {
    let host = host(ALL, || response(&[PLAIN], Bytes::from(words(1 << 20))));
    for coding in Coding::ALL {
        let mut body = host.send(asking("/run/m/", coding.as_str())).await.into_body();
        let (mut turns, mut packed) = (0, Vec::new());
        while let Poll::Ready(Some(frame)) = poll(&mut body, &mut turns) {
            packed.extend(frame.unwrap().into_data().unwrap());
        }
        assert!(turns >= 12, "{coding}: {turns}");
        assert_eq!(unpack(coding, &packed).unwrap(), (words(1 << 20), true));
    }
}

#[test]
fn a_table_that_makes_no_sense_is_refused() {
    let of = |line: &str| make("compression", &format!("[middleware.compression]\n{line}"));
    for (line, message) in [
        ("codings = [\"gzip\", \"br\", \"gzip\"]", "once"),
        ("codings = [\"deflate\"]", "expected one of `gzip`, `br`, `zstd`"),
        ("codings = \"gzip\"", "expected a sequence"),
        ("level = 6", "expected struct Levels"),
        ("level = { gzip = 10 }", "a whole number from 1 to 9"),
        ("level = { br = 11 }", "a whole number from 0 to 6"),
        ("types = [\"text\"]", "\"text/*\""),
        ("min_size = 1024", "a size from"),
        ("max_ratio = 0", "a whole number from 1"),
        ("max_inflated = \"0B\"", "a size from"),
        ("codeings = []", "unknown field"),
    ] {
        let error = of(line).err().unwrap_or_else(|| panic!("{line} is accepted"));
        assert!(error.contains(message), "{line}: {error}");
    }
    assert!(of("codings = []\ninflate = true\nlevel = { br = 0 }\ntypes = []").is_ok());
}

#[derive(Debug, Clone)]
enum Piece {
    Data(Plain),
    Wait,
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![3 => plain(200_000).prop_map(Piece::Data), 2 => Just(Piece::Wait)];
    prop::collection::vec(piece, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_compressed_comes_back(pieces in pieces(), coding in 0..3_usize) {
        let coding = Coding::ALL[coding];
        let (sender, body) = channel();
        let levels = Levels::default();
        let mut body = Body::stream(Compressed::new(body, coding, &levels, Traffic::default()));
        let mut unpacker = Unpacker::new(coding);
        let mut sent = Vec::new();
        let mut drain = |body: &mut Body, sent: &[u8], is_over: bool| {
            let mut plain = unpacker.plain.clone();
            while let Poll::Ready(Some(frame)) = poll(body, &mut 0) {
                plain = unpacker.more(&frame.unwrap().into_data().unwrap()).unwrap().0;
            }
            assert_eq!(plain.len(), sent.len());
            assert!(plain == sent);
            assert_eq!(unpacker.is_whole, is_over);
        };
        for piece in pieces {
            match piece {
                Piece::Data(plain) => {
                    let bytes = plain.bytes();
                    sent.extend_from_slice(&bytes);
                    sender.send(data(bytes)).unwrap();
                }
                Piece::Wait => drain(&mut body, &sent, false),
            }
        }
        drop(sender);
        drain(&mut body, &sent, true);
    }
}

#[tokio::test]
async fn content_type_is_compared_without_its_parameters() {
    let html = [("content-type", "Text/HTML; charset=utf-8")];
    let host = host("", move || response(&html, streamed([data("short, but who knows")])));
    let answer = host.send(asking("/run/m/", "gzip")).await;
    assert_eq!(field(&answer, CONTENT_ENCODING), Some("gzip"));
    assert_eq!(field(&answer, CONTENT_TYPE), Some("Text/HTML; charset=utf-8"));
}
