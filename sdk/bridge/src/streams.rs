//! `wasi:io/streams`, as far as the bridge uses it.

use crate::abi::{resource, result_of, Outcome};

#[link(wasm_import_module = "wasi:io/streams@0.2.12")]
extern "C" {
    #[link_name = "[method]output-stream.check-write"]
    fn output_stream_check_write(stream: u32, permit: *mut Outcome<u64, StreamError>);
    #[link_name = "[method]output-stream.write"]
    fn output_stream_write(stream: u32, start: *const u8, len: usize, done: *mut Done);
    #[link_name = "[method]output-stream.blocking-write-and-flush"]
    fn output_stream_blocking_write_and_flush(
        stream: u32,
        start: *const u8,
        len: usize,
        done: *mut Done,
    );
    #[link_name = "[method]output-stream.blocking-flush"]
    fn output_stream_blocking_flush(stream: u32, done: *mut Done);
}

type Done = Outcome<(), StreamError>;

/// What `blocking-write-and-flush` takes at most.
const ONE_CALL: usize = 4096;

resource! {
    /// What a host says of a failure.
    IoError, "wasi:io/error@0.2.12", "[resource-drop]error"
}

/// Nobody reads any more.
#[repr(C, u8)]
#[allow(dead_code, reason = "the host makes it")]
pub enum StreamError {
    LastOperationFailed(IoError),
    Closed,
}

resource! {
    /// Where content is written to.
    OutputStream, "wasi:io/streams@0.2.12", "[resource-drop]output-stream"
}

impl OutputStream {
    /// Writes all of it, as fast as it is taken, and returns when there is room for more.
    pub fn write(&self, mut bytes: &[u8]) -> Result<(), StreamError> {
        if bytes.len() <= ONE_CALL {
            return self.blocking_write_and_flush(bytes);
        }
        while !bytes.is_empty() {
            let permit = self.check_write()?;
            if permit == 0 {
                self.blocking_flush()?;
                continue;
            }
            let permit = usize::try_from(permit).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(permit);
            self.write_permitted(now)?;
            bytes = later;
        }
        self.blocking_flush()
    }

    fn check_write(&self) -> Result<u64, StreamError> {
        // SAFETY: here and below, the stream is borrowed, the bytes lie in this memory, and the result is laid
        // out as the interface says.
        result_of(|permit| unsafe { output_stream_check_write(self.0, permit) }).into_result()
    }

    fn write_permitted(&self, bytes: &[u8]) -> Result<(), StreamError> {
        result_of(|done| unsafe { output_stream_write(self.0, bytes.as_ptr(), bytes.len(), done) })
            .into_result()
    }

    fn blocking_write_and_flush(&self, bytes: &[u8]) -> Result<(), StreamError> {
        let (start, len) = (bytes.as_ptr(), bytes.len());
        result_of(|done| unsafe {
            output_stream_blocking_write_and_flush(self.0, start, len, done);
        })
        .into_result()
    }

    fn blocking_flush(&self) -> Result<(), StreamError> {
        result_of(|done| unsafe { output_stream_blocking_flush(self.0, done) }).into_result()
    }
}
