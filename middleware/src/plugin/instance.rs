//! A plugin that runs, and the calls of its hooks.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::PoisonError;

use http::HeaderMap;
use mik_core::{CallError, Response};
use mik_plugin::abi::{self, Descriptor, PluginTable, Str};

use super::context::{Context, harmless};
use super::error::Fault;
use super::hook::{Head, Hook, May, Seen, Verdict};
use super::host;

/// Everything that concerns the response, and the end.
const ASK_LATER: u32 = abi::ASK_RESPONSE_BODY_CHANGES | abi::ASK_END;
const ASK_ALL: u32 = abi::ASK_REQUEST_BODY_CHANGES | ASK_LATER;

/// A plugin between `create` and `destroy`.
pub(super) struct Instance {
    table: PluginTable,
    plugin: *mut c_void,
    /// Threads of the plugin's may outlive it and go on to log, so this is never freed.
    context: &'static Context,
    /// What may be asked for: nothing that has no hook.
    may_ask: u32,
}

// SAFETY: a plugin allows its hooks to be called on any thread, and at the same time.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

/// What a plugin keeps for one request. Only hooks of that request, one after another, touch it.
pub(super) struct State(*mut c_void);

// SAFETY: a plugin allows the hooks of a request to be called on any thread.
unsafe impl Send for State {}

/// What became of a chunk.
pub(super) enum Chunk {
    /// It goes on as it is.
    Same,
    /// This goes on in its place.
    Other(Vec<u8>),
    /// The request does not go on: it is answered with this, if that is still possible.
    Refused(Option<Box<Response>>, CallError),
}

/// Which of two bodies, or heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

impl Default for State {
    fn default() -> Self {
        Self(null_mut())
    }
}

impl Instance {
    /// Starts the plugin of a library.
    pub(super) fn create(plugin: &Descriptor, config: &str) -> Result<Self, Fault> {
        let table = plugin.table;
        let context: &Context = Box::leak(Box::new(Context::new(&plugin.name)));
        let mut plugin = null_mut();
        let code = table.create.map_or(abi::OK, |create| {
            let config = Str::new(config.as_bytes());
            // SAFETY: the table and the context live as long as the process, the rest is valid for the call.
            unsafe { create(&raw const host::TABLE, host::context(context), config, &mut plugin) }
        });
        let said = context.explanation.lock().unwrap_or_else(PoisonError::into_inner).take();
        if code != abi::OK {
            return Err(Fault::Create(why(code, said)));
        }
        let asks = |hook: bool, asks| if hook { asks } else { 0 };
        let may_ask = asks(table.request_body.is_some(), abi::ASK_REQUEST_BODY_CHANGES)
            | asks(table.response_body.is_some(), abi::ASK_RESPONSE_BODY_CHANGES)
            | asks(table.end.is_some(), abi::ASK_END);
        Ok(Self { table, plugin, context, may_ask })
    }

    pub(super) fn context(&self) -> &'static Context {
        self.context
    }

    pub(super) fn has_response_head(&self) -> bool {
        self.table.response_head.is_some()
    }

    /// Whether more hooks of this request must be called than those of the heads.
    pub(super) fn must_keep(&self, asked: u32, state: &State) -> bool {
        asked != 0 || !state.0.is_null() && self.table.end.is_some()
    }

    /// What comes of the request head, and what the plugin asks for.
    pub(super) fn request_head(
        &self,
        seen: &Seen,
        headers: &mut HeaderMap,
        state: &mut State,
    ) -> (Verdict, u32) {
        let Some(function) = self.table.request_head else { return (Verdict::Go, 0) };
        let may = May { ask: self.may_ask & ASK_ALL, reply: true, write: false };
        let mut hook = Hook::new(seen, Head::Request(headers), may);
        // SAFETY: the plugin has not been destroyed, and the rest is valid for the call.
        let code = unsafe { function(self.plugin, host::request(&mut hook), &mut state.0) };
        (self.judge("request_head", code, &mut hook, seen), hook.asked)
    }

    /// What comes of the response head, and what the plugin asks for.
    pub(super) fn response_head(
        &self,
        seen: &Seen,
        response: &mut Response,
        state: &mut State,
    ) -> (Verdict, u32) {
        let Some(function) = self.table.response_head else { return (Verdict::Go, 0) };
        let may = May { ask: self.may_ask & ASK_LATER, reply: true, write: false };
        let mut status = response.status();
        let head = Head::Response(&mut status, response.headers_mut());
        let mut hook = Hook::new(seen, head, may);
        // SAFETY: the plugin has not been destroyed, and the rest is valid for the call.
        let code = unsafe { function(self.plugin, host::request(&mut hook), &mut state.0) };
        let result = (self.judge("response_head", code, &mut hook, seen), hook.asked);
        drop(hook);
        *response.status_mut() = status;
        result
    }

    /// What comes of a chunk of a body; of its end, if there is none.
    pub(super) fn chunk(
        &self,
        side: Side,
        seen: &Seen,
        state: &mut State,
        chunk: Option<&[u8]>,
        may_write: bool,
    ) -> Chunk {
        let (name, function) = match side {
            Side::Request => ("request_body", self.table.request_body),
            Side::Response => ("response_body", self.table.response_body),
        };
        let Some(function) = function else { return Chunk::Same };
        let may = May { ask: 0, reply: side == Side::Request, write: may_write };
        let mut hook = Hook::new(seen, Head::None, may);
        let bytes = chunk.map_or(Str::NONE, Str::new);
        let request = host::request(&mut hook);
        // SAFETY: the plugin has not been destroyed, and the rest is valid for the call.
        let code =
            unsafe { function(self.plugin, request, &mut state.0, bytes, chunk.is_none().into()) };
        match self.judge(name, code, &mut hook, seen) {
            Verdict::Go => hook.written.map_or(Chunk::Same, Chunk::Other),
            Verdict::Reply(reply) => Chunk::Refused(Some(Box::new(reply)), REFUSED),
            Verdict::Failed(error) => Chunk::Refused(None, error),
        }
    }

    /// Tells that a request is over.
    pub(super) fn end(&self, seen: &Seen, state: &mut State, end: &abi::End) {
        let Some(function) = self.table.end else { return };
        let mut hook = Hook::new(seen, Head::None, May::default());
        let state = std::mem::take(state);
        // SAFETY: the plugin has not been destroyed, this is the last hook of the request, and the rest is
        // valid for the call.
        unsafe { function(self.plugin, host::request(&mut hook), state.0, end) };
    }

    /// Only a hook that says so has let a request go on.
    fn judge(&self, name: &'static str, code: i32, hook: &mut Hook<'_>, seen: &Seen) -> Verdict {
        let why = match (code, hook.fault) {
            (abi::OK, None) => return hook.reply.take().map_or(Verdict::Go, Verdict::Reply),
            (abi::OK, Some(fault)) => fault.to_owned(),
            (code, fault) => {
                why(code, hook.explanation.take().or_else(|| fault.map(ToOwned::to_owned)))
            }
        };
        self.context.failed(name, &why, &seen.request_id);
        let plugin = self.context.name();
        Verdict::Failed(CallError::Panic(format!("plugin {plugin}, {name}: {why}").into()))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(destroy) = self.table.destroy {
            // SAFETY: whatever calls hooks holds the instance, so none runs or will.
            unsafe { destroy(self.plugin) };
        }
    }
}

const REFUSED: CallError = CallError::Forbidden("a plugin refused the request body");

/// Why something failed: what the plugin said, or the code that it returned.
fn why(code: i32, said: Option<String>) -> String {
    match said {
        Some(said) => harmless(said.as_bytes()).into_owned(),
        None => format!("it returned {code}"),
    }
}
