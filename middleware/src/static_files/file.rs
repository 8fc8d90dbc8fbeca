//! An open file: which version of it this is, and its content.

use std::fs::{File, Metadata};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body as HttpBody, Frame, SizeHint};
use mik_core::{Body, CallError};
use tokio::task::{JoinHandle, spawn_blocking};

/// Most bytes that are read at once, and that are held ready for a client.
const CHUNK: u64 = 64 * 1024;

/// A regular file that is open, and what was found of it.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    state: State,
    inode: u64,
    changed: (i64, i64),
}

/// What changes when somebody writes to a file in place: seconds and nanoseconds of its last writing, and its
/// length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    written: (i64, i64),
    length: u64,
}

/// A file that changed, or could not be read, before all of what was asked for was read.
#[derive(Debug)]
pub(super) enum ReadError {
    Changed,
    Failed(io::Error),
}

impl OpenFile {
    pub(super) fn new(file: File, found: &Metadata) -> Self {
        let changed = (found.ctime(), found.ctime_nsec());
        Self { file, state: State::of(found), inode: found.ino(), changed }
    }

    /// Its bytes.
    pub(super) fn length(&self) -> u64 {
        self.state.length
    }

    /// When it was last written to: seconds and nanoseconds.
    pub(super) fn written(&self) -> (i64, i64) {
        self.state.written
    }

    /// Its entity tag (RFC 9110, 8.8.3), a strong one.
    ///
    /// It is made of the inode, which is another one when a file is put in the place of an old one; the
    /// times of the last writing and of the last change of the inode in nanoseconds, of which the second
    /// cannot be set by hand; and the length. They are hashed, as nobody outside needs to know them. So it
    /// is as exact as the clock of the file system: only two writings in place within one tick of it (some
    /// milliseconds), of the same length, look the same.
    pub(super) fn tag(&self) -> HeaderValue {
        let mut hasher = DefaultHasher::new();
        (self.inode, self.state.written, self.changed, self.state.length).hash(&mut hasher);
        // Letters and digits.
        let tag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()));
        tag.unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// When it was last written to, in whole seconds, where HTTP can say so: not before 1970, and not later
    /// than now (RFC 9110, 8.8.2.1).
    pub(super) fn last_modified(&self) -> Option<SystemTime> {
        let seconds = u64::try_from(self.state.written.0).ok()?;
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        (time <= SystemTime::now()).then_some(time)
    }

    /// `length` bytes from `first` on as a body. What fits into one chunk is read here and now, of more than
    /// that the first chunk. The body ends in an error if the file is written to in place before it is
    /// read to its end; a file that was put in its place does not concern it.
    pub(super) fn body(mut self, first: u64, length: u64) -> Result<Body, ReadError> {
        if first > 0 {
            self.file.seek(SeekFrom::Start(first)).map_err(ReadError::Failed)?;
        }
        let chunk = self.read(length.min(CHUNK))?;
        let left = length - chunk.len() as u64;
        if left == 0 {
            return Ok(Body::from(chunk));
        }
        let stage = Stage::Ready(self, chunk);
        Ok(Body::stream(Content { stage, left }).with_length(length))
    }

    /// The next `length` bytes, all of one version of the file.
    fn read(&mut self, length: u64) -> Result<Bytes, ReadError> {
        let mut chunk = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        (&self.file).take(length).read_to_end(&mut chunk).map_err(ReadError::Failed)?;
        let now = self.file.metadata().map_err(ReadError::Failed)?;
        if chunk.len() as u64 != length || State::of(&now) != self.state {
            return Err(ReadError::Changed);
        }
        Ok(chunk.into())
    }
}

impl State {
    fn of(found: &Metadata) -> Self {
        Self { written: (found.mtime(), found.mtime_nsec()), length: found.len() }
    }
}

impl From<ReadError> for CallError {
    fn from(error: ReadError) -> Self {
        Self::Trap(match error {
            ReadError::Changed => "the file changed while it was sent".into(),
            ReadError::Failed(error) => format!("the file cannot be read: {error}").into(),
        })
    }
}

/// The content of a file on its way out: one chunk at hand, the next one being read meanwhile.
struct Content {
    stage: Stage,
    /// Bytes after the chunk at hand.
    left: u64,
}

enum Stage {
    Ready(OpenFile, Bytes),
    Reading(JoinHandle<Result<(OpenFile, Bytes), ReadError>>),
    Over,
}

impl HttpBody for Content {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let (file, chunk) = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => return Poll::Ready(None),
            Stage::Ready(file, chunk) => (file, chunk),
            Stage::Reading(mut read) => match Pin::new(&mut read).poll(cx) {
                Poll::Pending => {
                    self.stage = Stage::Reading(read);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(Ok((file, chunk)))) => {
                    self.left -= chunk.len() as u64;
                    (file, chunk)
                }
                Poll::Ready(Ok(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(Err(error)) => {
                    let error = CallError::Panic(error.to_string().into());
                    return Poll::Ready(Some(Err(error)));
                }
            },
        };
        if self.left > 0 {
            self.stage = Stage::Reading(read_on(file, self.left.min(CHUNK)));
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.stage {
            Stage::Ready(_, chunk) => SizeHint::with_exact(self.left + chunk.len() as u64),
            Stage::Reading(_) | Stage::Over => SizeHint::with_exact(self.left),
        }
    }
}

fn read_on(mut file: OpenFile, length: u64) -> JoinHandle<Result<(OpenFile, Bytes), ReadError>> {
    spawn_blocking(move || file.read(length).map(|chunk| (file, chunk)))
}
