//! The content of a response, piece by piece.

use std::cell::RefCell;

use crate::bindings::exports::mik::core::handler::GuestBodySource;

type Next = Box<dyn FnMut() -> Option<Result<Vec<u8>, String>>>;

/// What stands behind the interface's `body-source`.
pub struct Source(RefCell<Option<Next>>);

impl Source {
    /// Each call gives a piece, or a failure, or nothing at the end.
    pub(crate) fn new(next: impl FnMut() -> Option<Result<Vec<u8>, String>> + 'static) -> Self {
        Self(RefCell::new(Some(Box::new(next))))
    }
}

impl GuestBodySource for Source {
    fn next(&self) -> Result<Option<Vec<u8>>, String> {
        let mut source = self.0.borrow_mut();
        let Some(next) = &mut *source else { return Ok(None) };
        loop {
            match next() {
                // Nothing to send is not the end.
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => return Ok(Some(piece)),
                end => {
                    *source = None;
                    return end.transpose();
                }
            }
        }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Source").finish_non_exhaustive()
    }
}
