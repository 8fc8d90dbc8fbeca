//! Moving bytes from one stream to another as they come.

use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::describe;
use crate::input::CHUNK;

/// Moves bytes without holding any: it reads only what the other side has room for.
pub struct Pump<'a> {
    from: &'a InputStream,
    to: &'a OutputStream,
    flushed: bool,
}

/// What one step of a [`Pump`] came to.
pub enum Step {
    /// Some bytes went over.
    Moved,
    /// Nothing to do until this is ready.
    Waiting(Pollable),
    /// The source has ended cleanly.
    Ended,
}

impl<'a> Pump<'a> {
    /// From a source to where it shall go.
    pub fn new(from: &'a InputStream, to: &'a OutputStream) -> Self {
        Self {
            from,
            to,
            flushed: true,
        }
    }

    /// Moves what can be moved at once.
    pub fn step(&mut self) -> Result<Step, String> {
        let room = self.to.check_write().map_err(describe)?;
        if room == 0 {
            return Ok(Step::Waiting(self.to.subscribe()));
        }
        let bytes = match self.from.read(room.min(CHUNK)) {
            Ok(bytes) => bytes,
            Err(StreamError::Closed) => return Ok(Step::Ended),
            Err(error) => return Err(describe(error)),
        };
        if !bytes.is_empty() {
            self.to.write(&bytes).map_err(describe)?;
            self.flushed = false;
            return Ok(Step::Moved);
        }
        if !self.flushed {
            self.to.flush().map_err(describe)?;
            self.flushed = true;
        }
        Ok(Step::Waiting(self.from.subscribe()))
    }

    /// Moves everything, waiting where it must.
    pub fn run(mut self) -> Result<(), String> {
        loop {
            match self.step()? {
                Step::Moved => {}
                Step::Waiting(pollable) => pollable.block(),
                Step::Ended => return Ok(()),
            }
        }
    }
}
