//! A mark on requests whose time the client has cut.

/// In the extensions of a request: the client asked for less time than it would have had. That it runs
/// out then says nothing about what was called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hurried;
