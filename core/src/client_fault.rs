//! What a client did wrong, where that shows only while its request is handled.

use std::sync::{Arc, OnceLock};

use crate::{CallError, Request};

/// What is wrong with a request body, once somebody has found out. It rides in the extensions of the
/// request.
///
/// A middleware that limits or decodes request bodies puts it there and tells it what it finds. The host
/// then answers with that error, whatever the handler made of a body that broke off: its answer would be
/// to another request, and its failure is not its own.
#[derive(Debug, Clone, Default)]
pub struct ClientFault(Arc<OnceLock<CallError>>);

impl ClientFault {
    /// That of `request`; all who ask for it share one.
    pub fn of(request: &mut Request) -> Self {
        request.extensions_mut().get_or_insert_default::<Self>().clone()
    }

    /// Says what is wrong. What was said first stands.
    pub fn set(&self, error: CallError) {
        let _ = self.0.set(error);
    }

    /// What is wrong, if anything is.
    pub fn error(&self) -> Option<CallError> {
        self.0.get().cloned()
    }
}
