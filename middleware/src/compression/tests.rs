mod requests;
mod responses;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use async_compression::codecs::{DecodeV2, EncodeV2};
use async_compression::core::util::{PartialBuffer, WriteBuffer};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use http_body_util::StreamBody;
use proptest::prelude::*;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::*;

type Item = Result<Frame<Bytes>, CallError>;

/// A body that gives what is sent to the other end, when it is sent.
fn channel() -> (UnboundedSender<Item>, Body) {
    let (sender, mut receiver) = unbounded_channel::<Item>();
    let items = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (sender, Body::stream(StreamBody::new(items)))
}

/// A body that gives all of these at once, without telling its length.
fn streamed(items: impl IntoIterator<Item = Item>) -> Body {
    let (sender, body) = channel();
    for item in items {
        sender.send(item).unwrap();
    }
    body
}

fn data(bytes: impl AsRef<[u8]>) -> Item {
    Ok(Frame::data(Bytes::copy_from_slice(bytes.as_ref())))
}

/// Says whether somebody was woken.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The next frame. `Pending` is that of whoever feeds the body: whenever it only lets others have their
/// turn, this counts one in `turns` and goes on.
fn poll(body: &mut Body, turns: &mut usize) -> Poll<Option<Item>> {
    let bell = Arc::new(Bell::default());
    loop {
        let waker = Waker::from(bell.clone());
        let frame = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(&waker));
        if frame.is_ready() || !bell.0.swap(false, Ordering::SeqCst) {
            return frame;
        }
        *turns += 1;
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    trailers
}

/// Words with some variety, so that they take a while to compress.
fn words(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut all = Vec::with_capacity(bytes + 8);
    while all.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        all.extend_from_slice(format!("{:x} ", state >> 20).as_bytes());
    }
    all.truncate(bytes);
    all
}

/// Bytes of one of several kinds, shown in short.
#[derive(Debug, Clone)]
enum Plain {
    Noise(Vec<u8>),
    Words(usize),
    Repeated(usize),
}

fn plain(max: usize) -> impl Strategy<Value = Plain> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Plain::Noise),
        (0..max).prop_map(Plain::Words),
        (0..max).prop_map(Plain::Repeated),
    ]
}

impl Plain {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Noise(bytes) => bytes.clone(),
            Self::Words(len) => words(*len),
            Self::Repeated(len) => vec![b'a'; *len],
        }
    }
}

fn pack(coding: Coding, plain: &[u8]) -> Vec<u8> {
    pack_with(&mut *coding.encoder(&Levels::default()), plain)
}

fn pack_with(encoder: &mut dyn EncodeV2, plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut input = PartialBuffer::new(plain);
    let mut space = vec![0; 1 << 16];
    let mut finished = false;
    while !finished {
        let mut output = WriteBuffer::new_initialized(&mut space);
        if input.unwritten().is_empty() {
            finished = encoder.finish(&mut output).unwrap();
        } else {
            encoder.encode(&mut input, &mut output).unwrap();
        }
        packed.extend_from_slice(output.written());
    }
    packed
}

/// What can be read of `packed` so far, and whether it is whole.
fn unpack(coding: Coding, packed: &[u8]) -> io::Result<(Vec<u8>, bool)> {
    Unpacker::new(coding).more(packed)
}

/// Reads a packed stream as it comes.
struct Unpacker {
    decoder: Box<dyn DecodeV2 + Send>,
    plain: Vec<u8>,
    is_whole: bool,
}

impl Unpacker {
    fn new(coding: Coding) -> Self {
        Self { decoder: coding.decoder(), plain: Vec::new(), is_whole: false }
    }

    fn more(&mut self, packed: &[u8]) -> io::Result<(Vec<u8>, bool)> {
        let mut input = PartialBuffer::new(packed);
        let mut space = vec![0; 1 << 20];
        loop {
            let mut output = WriteBuffer::new_initialized(&mut space);
            self.is_whole |= self.decoder.decode(&mut input, &mut output)?;
            let is_full = output.has_no_spare_space();
            self.plain.extend_from_slice(output.written());
            if (input.unwritten().is_empty() && !is_full) || self.is_whole {
                return Ok((self.plain.clone(), self.is_whole));
            }
        }
    }
}
