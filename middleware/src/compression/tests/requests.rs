use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use async_compression::Level;
use async_compression::brotli::EncoderParams;
use async_compression::codecs::{BrotliEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt;
use mik_core::{ErrorKind, MIK_ERROR};

use super::*;
use crate::rig::{Rig, Served, text};

const ON: &str = "[middleware.compression]\ninflate = true\ncodings = [\"br\", \"zstd\"]\n";

fn post(coding: &str, body: impl Into<Body>) -> Request {
    let request = http::Request::post("/run/m/").header(CONTENT_ENCODING, coding);
    request.body(body.into()).unwrap()
}

/// What the module `m` saw.
#[derive(Clone, Default)]
struct Seen {
    calls: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
    headers: Arc<Mutex<HeaderMap>>,
}

/// A host whose module `m` reads all of the body and then says how many bytes there were, whatever became
/// of them.
fn counting(document: &str) -> (Served, Seen) {
    let seen = Seen::default();
    let told = seen.clone();
    let module = move |request: Request, _| {
        let seen = told.clone();
        async move {
            seen.calls.fetch_add(1, Ordering::SeqCst);
            seen.bytes.store(0, Ordering::SeqCst);
            *seen.headers.lock().unwrap() = request.headers().clone();
            let mut body = request.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                let len = frame.data_ref().map_or(0, Bytes::len);
                seen.bytes.fetch_add(len, Ordering::SeqCst);
            }
            let bytes = seen.bytes.load(Ordering::SeqCst);
            Ok(Response::new(Body::from(format!("{bytes} bytes"))))
        }
    };
    (Rig::default().module("m", module).made("compression", document).build(), seen)
}

/// A host whose module `m` gives back what it reads, from the start.
fn echoing(document: &str) -> Served {
    let module = |request: Request, _| async move { Ok(Response::new(request.into_body())) };
    Rig::default().module("m", module).made("compression", document).build()
}

fn failed(response: &Response, status: u16, kind: &str) {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()[MIK_ERROR], kind);
}

#[tokio::test]
async fn a_request_body_is_unpacked() {
    let host = echoing(ON);
    for (name, coding) in [
        ("gzip", Coding::Gzip),
        ("X-GZip", Coding::Gzip),
        ("br", Coding::Br),
        ("zstd", Coding::Zstd),
        ("identity, gzip", Coding::Gzip),
    ] {
        let packed = pack(coding, &words(100_000));
        let whole = post(name, packed.clone().into_iter().collect::<Bytes>());
        let in_pieces = post(name, streamed(packed.chunks(7).map(data)));
        for request in [whole, in_pieces] {
            let answer = host.send(request).await;
            assert_eq!(answer.status(), 200, "{name}");
            assert_eq!(text(answer).await.as_bytes(), words(100_000));
        }
    }
}

#[test]
fn what_a_decoder_still_holds_is_given_wherever_its_input_was_cut() {
    // Bits that it has read already stand for many bytes, which may not all fit into one piece.
    let plain = vec![0; 64_000];
    let packed = pack(Coding::Gzip, &plain);
    for size in 1..=packed.len() {
        let found = inflated(Coding::Gzip, streamed(packed.chunks(size).map(data)));
        assert!(found == (plain.clone(), true, None), "in pieces of {size}: {:?}", found.2);
    }
}

#[tokio::test]
async fn the_handler_sees_the_head_of_a_plain_request() {
    let (host, seen) = counting(ON);
    let packed = Bytes::from(pack(Coding::Gzip, b"hello"));
    let mut request = post("gzip", packed.clone());
    request.headers_mut().insert(CONTENT_LENGTH, packed.len().into());
    request.headers_mut().insert("content-digest", "sha-256=:AAA=:".parse().unwrap());
    request.headers_mut().insert("x-mine", "1".parse().unwrap());
    assert_eq!(text(host.send(request).await).await, "5 bytes");
    let headers = seen.headers.lock().unwrap().clone();
    assert!(headers.contains_key("x-mine"));
    for gone in ["content-encoding", "content-length", "content-digest"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn unless_it_is_on_everything_passes() {
    let (host, seen) = counting("");
    for coding in ["gzip", "deflate", "gzip, gzip"] {
        let answer = host.send(post(coding, "as it is")).await;
        assert_eq!(text(answer).await, "8 bytes");
        assert_eq!(seen.headers.lock().unwrap()[CONTENT_ENCODING], coding);
    }
}

#[tokio::test]
async fn what_is_not_encoded_passes_as_well() {
    let (host, _) = counting(ON);
    assert_eq!(text(host.send(post("identity", "as it is")).await).await, "8 bytes");
    assert_eq!(text(host.send(post("deflate", Body::empty())).await).await, "0 bytes");
    assert_eq!(text(host.send(post("gzip", streamed([]))).await).await, "0 bytes");
}

#[tokio::test]
async fn an_unknown_coding_is_refused_with_those_that_are_known() {
    for (document, known) in [
        (ON, "gzip, br, zstd"),
        ("[middleware.compression]\ninflate = true\n", "gzip"),
        ("[middleware.compression]\ninflate = true\ncodings = []\n", "gzip"),
    ] {
        let (host, seen) = counting(document);
        for coding in ["deflate", "compress", "gzip, gzip", "gzip, deflate", "gzip;q=1", "\"gzip\""]
        {
            let answer = host.send(post(coding, "text")).await;
            failed(&answer, 415, "coding");
            assert_eq!(answer.headers()[ACCEPT_ENCODING], known, "{coding}");
            assert_eq!(answer.extensions().get(), Some(&ErrorKind::Coding));
        }
        assert_eq!(seen.calls.load(Ordering::SeqCst), 0);
    }
    let (host, _) = counting("[middleware.compression]\ninflate = true\n");
    failed(&host.send(post("br", "text")).await, 415, "coding");
}

#[tokio::test]
async fn two_lines_are_two_codings() {
    let (host, _) = counting(ON);
    let mut request = post("gzip", "text");
    request.headers_mut().append(CONTENT_ENCODING, "gzip".parse().unwrap());
    failed(&host.send(request).await, 415, "coding");
}

#[tokio::test]
async fn several_members_are_one_body_where_the_coding_has_them() {
    let host = echoing(ON);
    for (coding, is_one) in [(Coding::Gzip, true), (Coding::Zstd, true), (Coding::Br, false)] {
        let packed = [pack(coding, b"one "), pack(coding, b""), pack(coding, b"two")].concat();
        for size in [1, 5, 1_000] {
            let body = streamed(packed.chunks(size).map(data));
            let answer = host.send(post(coding.as_str(), body)).await;
            let body = answer.into_body().collect().await;
            match is_one {
                true => assert_eq!(body.unwrap().to_bytes(), "one two", "{coding}"),
                false => assert!(body.is_err(), "{coding}"),
            }
        }
    }
}

#[tokio::test]
async fn a_body_past_the_limits_is_too_large_whatever_the_handler_says() {
    let limits = "max_inflated = \"1MiB\"\nmax_ratio = 100\n";
    let (host, seen) = counting(&format!("{ON}{limits}"));
    for coding in Coding::ALL {
        let bomb = Bytes::from(pack(coding, &vec![0; 4 << 20]));
        let by_ratio = (bomb.len() * 100).max(64 << 10);
        for body in [bomb.clone().into(), streamed(bomb.chunks(100).map(data))] {
            let answer = host.send(post(coding.as_str(), body)).await;
            failed(&answer, 413, "body");
            let read = seen.bytes.load(Ordering::SeqCst);
            assert!(read <= by_ratio.min(1 << 20), "{coding}: {read}");
        }
        // The same number of bytes, but of decent ones.
        let decent = Bytes::from(pack(coding, &words((1 << 20) + 1)));
        failed(&host.send(post(coding.as_str(), decent)).await, 413, "body");
        let decent = Bytes::from(pack(coding, &words(1 << 20)));
        let answer = host.send(post(coding.as_str(), decent)).await;
        assert_eq!(text(answer).await, "1048576 bytes");
    }
}

#[tokio::test]
async fn small_bodies_may_repeat_themselves() {
    let (host, _) = counting(ON);
    for coding in Coding::ALL {
        let packed = Bytes::from(pack(coding, &vec![b'a'; 64 << 10]));
        assert!(packed.len() * 100 < 64 << 10);
        let answer = host.send(post(coding.as_str(), packed)).await;
        assert_eq!(text(answer).await, "65536 bytes", "{coding}");
    }
}

#[tokio::test]
async fn data_that_is_no_such_coding_is_malformed() {
    let (host, _) = counting(ON);
    for coding in Coding::ALL {
        let packed = pack(coding, &words(50_000));
        let mut flipped = packed.clone();
        flipped[packed.len() / 2] ^= 0x55;
        let cases = [
            ("no such thing", b"certainly no such thing".to_vec()),
            ("truncated", packed[..packed.len() - 1].to_vec()),
            ("the first byte alone", packed[..1].to_vec()),
            ("something after it", [packed.as_slice(), b"GET / HTTP/1.1"].concat()),
        ];
        for (what, body) in cases {
            for body in [Body::from(Bytes::from(body.clone())), streamed(body.chunks(9).map(data))]
            {
                let answer = host.send(post(coding.as_str(), body)).await;
                assert_eq!(answer.status(), 400, "{coding}, {what}");
                failed(&answer, 400, "malformed");
            }
        }
        // Without a checksum it may be taken for something else.
        if coding == Coding::Gzip {
            failed(&host.send(post("gzip", Bytes::from(flipped))).await, 400, "malformed");
        }
    }
}

#[tokio::test]
async fn what_is_found_after_the_head_breaks_the_answer_off() {
    let module = |mut request: Request, _| async move {
        let (sender, body) = channel();
        tokio::spawn(async move {
            // Takes what broke off for a short body.
            while let Some(Ok(frame)) = request.body_mut().frame().await {
                let _ = sender.send(Ok(frame));
            }
            let _ = sender.send(data("the end"));
        });
        Ok(Response::new(body))
    };
    let host = Rig::default().module("m", module).made("compression", ON).build();
    let packed = pack(Coding::Gzip, &words(50_000));
    let answer = host.send(post("gzip", streamed([data(&packed[..packed.len() - 1])]))).await;
    assert_eq!(answer.status(), 200);
    let error = answer.into_body().collect().await.expect_err("never a clean end");
    assert!(matches!(error, CallError::Malformed(_)));
    let answer = host.send(post("gzip", streamed([data(&packed)]))).await;
    assert!(text(answer).await.ends_with("the end"));
}

#[tokio::test]
async fn the_error_of_the_connection_comes_through() {
    let (host, _) = counting(ON);
    let packed = pack(Coding::Gzip, &words(50_000));
    let slow = CallError::BodyTimeout(std::time::Duration::from_secs(1));
    let answer = host.send(post("gzip", streamed([data(&packed[..100]), Err(slow)]))).await;
    failed(&answer, 408, "body-timeout");
}

/// A middleware of the call ring that notes the kind of what fails in there.
struct Witness(Arc<Mutex<Vec<ErrorKind>>>);

impl Middleware for Witness {
    fn name(&self) -> &str {
        "witness"
    }

    fn rings(&self) -> Rings {
        Rings::CALL
    }

    fn handle<'a>(
        &'a self,
        request: Request,
        call: Call,
        next: Next,
    ) -> BoxFuture<'a, Result<Response, CallError>> {
        Box::pin(async move {
            let result = next.run(request, call).await;
            self.0.lock().unwrap().extend(result.as_ref().err().map(CallError::kind));
            result
        })
    }
}

#[tokio::test]
async fn a_handler_that_fails_at_it_is_not_to_blame() {
    let seen = Arc::default();
    let module = |request: Request, _| async move {
        match request.into_body().collect().await {
            Ok(_) => Ok(Response::default()),
            Err(_) => Err(CallError::Trap("unwrap on an error".into())),
        }
    };
    let rig = Rig::default().module("m", module).with(Witness(Arc::clone(&seen)));
    let host = rig.made("compression", ON).build();
    failed(&host.send(post("gzip", "no gzip at all")).await, 400, "malformed");
    assert_eq!(*seen.lock().unwrap(), [ErrorKind::Malformed]);
}

#[tokio::test]
async fn members_are_bounded() {
    let (host, _) = counting(ON);
    for coding in [Coding::Gzip, Coding::Zstd] {
        let empty = pack(coding, b"");
        for (members, status) in [(1_000, 200), (1_001, 400), (100_000, 400)] {
            let answer = host.send(post(coding.as_str(), Bytes::from(empty.repeat(members)))).await;
            assert_eq!(answer.status(), status, "{coding}: {members}");
        }
        // Those that hold something may be more.
        let full = pack(coding, &words(1_024));
        let answer = host.send(post(coding.as_str(), Bytes::from(full.repeat(3_000)))).await;
        assert_eq!(text(answer).await, "3072000 bytes", "{coding}");
    }
}

#[tokio::test]
async fn a_decoder_that_would_take_too_much_memory_is_not_started() {
    let (host, _) = counting(ON);
    let plain = words(100_000);
    for (bits, status) in [(16, 200), (22, 200), (23, 200), (24, 415)] {
        let params = EncoderParams::default().quality(Level::Precise(1)).window_size(bits);
        let packed = pack_with(&mut BrotliEncoder::new(params), &plain);
        let answer = host.send(post("br", Bytes::from(packed))).await;
        assert_eq!(answer.status(), status, "br {bits}");
    }
    for (bits, status) in [(18, 200), (23, 200), (24, 400), (27, 400)] {
        let window = CParameter::window_log(bits);
        let packed = pack_with(&mut ZstdEncoder::new_with_params(1, &[window]), &plain);
        let answer = host.send(post("zstd", Bytes::from(packed))).await;
        assert_eq!(answer.status(), status, "zstd {bits}");
    }
    // A large window of 30 bits, which is not of the RFC.
    let answer = host.send(post("br", Bytes::from_static(&[0x11, 30, 0, 0]))).await;
    failed(&answer, 415, "coding");
    assert_eq!(answer.headers()[ACCEPT_ENCODING], "gzip, br, zstd", "what it may send instead");
}

#[tokio::test]
async fn trailers_come_through() {
    let host = echoing(ON);
    let packed = pack(Coding::Gzip, b"text");
    let body = streamed([data(packed), Ok(Frame::trailers(trailers()))]);
    let body = host.send(post("gzip", body)).await.into_body().collect().await.unwrap();
    assert_eq!(body.trailers(), Some(&trailers()));
    assert_eq!(body.to_bytes(), "text");
}

/// All that a body gives, and whether it came to its end.
fn read(mut body: Body) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    loop {
        match poll(&mut body, &mut 0) {
            Poll::Pending => panic!("nobody is waited for"),
            Poll::Ready(None) => return (all, true),
            Poll::Ready(Some(Err(_))) => return (all, false),
            Poll::Ready(Some(Ok(frame))) => all.extend(frame.into_data().unwrap()),
        }
    }
}

fn inflated(coding: Coding, body: Body) -> (Vec<u8>, bool, Option<ErrorKind>) {
    let fault = mik_core::ClientFault::default();
    let matched = Call::detached(std::time::Duration::ZERO).matched().clone();
    let told = (fault.clone(), matched, Refusals::default());
    let limits = InflateLimits { max_inflated: ByteSize::mib(1), max_ratio: 100_000 };
    let body = Body::stream(decode::Inflated::new(body, coding, limits, told));
    let (all, is_whole) = read(body);
    (all, is_whole, fault.error().map(|error| error.kind()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_was_packed_comes_back_however_it_is_cut(
        plain in plain(100_000),
        size in 1..2_000_usize,
        coding in 0..3_usize,
    ) {
        let coding = Coding::ALL[coding];
        let packed = pack(coding, &plain.bytes());
        let found = inflated(coding, streamed(packed.chunks(size).map(data)));
        prop_assert_eq!(found, (plain.bytes(), true, None));
    }

    #[test]
    fn what_is_cut_short_is_never_whole(
        plain in plain(100_000),
        at in any::<prop::sample::Index>(),
        coding in 0..3_usize,
    ) {
        let coding = Coding::ALL[coding];
        let packed = pack(coding, &plain.bytes());
        prop_assume!(packed.len() > 1);
        let short = &packed[..1 + at.index(packed.len() - 1)];
        let (found, is_whole, fault) = inflated(coding, streamed([data(short)]));
        prop_assert!(!is_whole);
        prop_assert_eq!(fault, Some(ErrorKind::Malformed));
        prop_assert!(plain.bytes().starts_with(&found));
    }

    #[test]
    fn any_bytes_end_and_stay_within_the_limits(
        bytes in prop::collection::vec(any::<u8>(), 1..500),
        valid in 0..200_usize,
        coding in 0..3_usize,
    ) {
        let coding = Coding::ALL[coding];
        let mut packed = pack(coding, &words(20_000));
        packed.truncate(valid);
        packed.extend(bytes);
        let (found, is_whole, fault) = inflated(coding, Bytes::from(packed).into());
        prop_assert!(found.len() <= 1 << 20);
        prop_assert_eq!(is_whole, fault.is_none());
    }
}
