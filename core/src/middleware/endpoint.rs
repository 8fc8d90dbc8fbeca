//! Paths that a middleware answers itself.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::Innermost;
use crate::{Call, CallError, Request, Response, RoutePath};

/// A path that is answered by the host's own code: `/metrics`, `/static/*`.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) path: RoutePath,
    pub(crate) is_subtree: bool,
    pub(crate) while_draining: bool,
    pub(crate) handler: Innermost,
}

/// In the extensions of a request to a subtree that named its prefix without a slash after it: `/static`,
/// where the handler sees `/` as it does for `/static/`. Relative links mean something else there.
#[derive(Debug, Clone, Copy)]
pub struct BarePrefix;

impl Endpoint {
    /// `handler` answers at `path`. `name` is what the route's
    /// [`Target::Builtin`](crate::Target::Builtin) says.
    pub fn new<F, A>(name: &'static str, path: RoutePath, handler: F) -> Self
    where
        F: Fn(Request, Call) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response, CallError>> + Send + 'static,
    {
        let handler: Innermost = Arc::new(move |request, call| Box::pin(handler(request, call)));
        Self { name, path, is_subtree: false, while_draining: false, handler }
    }

    /// Answers everything below the path as well. The handler sees the rest of the path, as a module
    /// does.
    #[must_use]
    pub fn subtree(mut self) -> Self {
        self.is_subtree = true;
        self
    }

    /// Goes on answering while the host drains.
    #[must_use]
    pub fn while_draining(mut self) -> Self {
        self.while_draining = true;
        self
    }

    pub(crate) fn answers(&self, path: &str) -> bool {
        match self.is_subtree {
            true => self.path.strip(path).is_some(),
            false => self.path.as_str() == path,
        }
    }

    /// Where it answers.
    pub fn path(&self) -> &RoutePath {
        &self.path
    }

    /// Where it answers, as a pattern.
    pub fn pattern(&self) -> String {
        match (self.is_subtree, self.path == RoutePath::root()) {
            (false, _) => self.path.to_string(),
            (true, true) => "/*".to_owned(),
            (true, false) => format!("{}/*", self.path),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("path", &self.pattern())
            .finish_non_exhaustive()
    }
}
