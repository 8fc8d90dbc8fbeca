//! The functions that mik calls, made from a [`Plugin`].
//!
//! What all of them rely on, as `ABI.md` has it: the plugin pointer is the one that `create` gave, hooks
//! run before `destroy`, a request pointer is valid for the call, and the hooks of one request, which
//! alone touch its state, run one after another.

#![allow(unsafe_code)]

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::{self, PluginTable, Str};
use crate::{
    Action, Chunk, End, Ended, Exchange, Host, Level, Outcome, Plugin, RequestHead, ResponseHead,
};

/// A plugin that runs.
struct Held<P> {
    plugin: P,
    host: Host,
}

/// The table of a plugin.
#[doc(hidden)]
#[must_use]
pub const fn table<P: Plugin>(name: &'static str, version: &'static str) -> PluginTable {
    PluginTable {
        name: Str::new(name.as_bytes()),
        version: Str::new(version.as_bytes()),
        create: Some(create::<P>),
        destroy: Some(destroy::<P>),
        request_head: Some(request_head::<P>),
        response_head: Some(response_head::<P>),
        request_body: Some(request_body::<P>),
        response_body: Some(response_body::<P>),
        end: Some(end::<P>),
        ..PluginTable::EMPTY
    }
}

unsafe extern "C" fn create<P: Plugin>(
    host: *const abi::HostTable,
    context: *mut abi::Context,
    config: Str,
    plugin: *mut *mut c_void,
) -> i32 {
    // SAFETY: the host gives a table and a context that live as long as the process.
    let Some(host) = (unsafe { Host::new(host, context) }) else { return abi::INVALID };
    guarded(&host, std::ptr::null_mut(), || {
        // SAFETY: it is valid for this call.
        let config = std::str::from_utf8(unsafe { config.bytes() }.unwrap_or_default())?;
        let held = Held { plugin: P::new(config, &host)?, host: host.clone() };
        // SAFETY: the host gives a place to write to.
        unsafe { plugin.write(Box::into_raw(Box::new(held)).cast()) };
        Ok(())
    })
}

unsafe extern "C" fn destroy<P: Plugin>(plugin: *mut c_void) {
    // SAFETY: it is what `create` made, and nothing uses it any more.
    let held = unsafe { Box::from_raw(plugin.cast::<Held<P>>()) };
    let host = held.host.clone();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(held))) {
        host.log(Level::Error, &said(panic));
    }
}

unsafe extern "C" fn request_head<P: Plugin>(
    plugin: *mut c_void,
    request: *mut abi::Request,
    state: *mut *mut c_void,
) -> i32 {
    // SAFETY: as this module's head says.
    let held = unsafe { held::<P>(plugin) };
    guarded(&held.host, request, || {
        let mut head = RequestHead::new(held.host.table(), request);
        // SAFETY: as this module's head says.
        let action = unsafe { with_state(state, |s| held.plugin.on_request(&mut head, s)) }?;
        answer(held, request, action)
    })
}

unsafe extern "C" fn response_head<P: Plugin>(
    plugin: *mut c_void,
    request: *mut abi::Request,
    state: *mut *mut c_void,
) -> i32 {
    // SAFETY: as this module's head says.
    let held = unsafe { held::<P>(plugin) };
    guarded(&held.host, request, || {
        let mut head = ResponseHead::new(held.host.table(), request);
        // SAFETY: as this module's head says.
        let action = unsafe { with_state(state, |s| held.plugin.on_response(&mut head, s)) }?;
        answer(held, request, action)
    })
}

unsafe extern "C" fn request_body<P: Plugin>(
    plugin: *mut c_void,
    request: *mut abi::Request,
    state: *mut *mut c_void,
    chunk: Str,
    is_end: u32,
) -> i32 {
    // SAFETY: as this module's head says.
    let held = unsafe { held::<P>(plugin) };
    guarded(&held.host, request, || {
        // SAFETY: the chunk is valid for the call.
        let bytes = unsafe { chunk.bytes() }.unwrap_or_default();
        let mut chunk = Chunk::new(held.host.table(), request, bytes, is_end != 0);
        // SAFETY: as this module's head says.
        let action = unsafe { with_state(state, |s| held.plugin.on_request_body(&mut chunk, s)) }?;
        answer(held, request, action)
    })
}

unsafe extern "C" fn response_body<P: Plugin>(
    plugin: *mut c_void,
    request: *mut abi::Request,
    state: *mut *mut c_void,
    chunk: Str,
    is_end: u32,
) -> i32 {
    // SAFETY: as this module's head says.
    let held = unsafe { held::<P>(plugin) };
    guarded(&held.host, request, || {
        // SAFETY: the chunk is valid for the call.
        let bytes = unsafe { chunk.bytes() }.unwrap_or_default();
        let mut chunk = Chunk::new(held.host.table(), request, bytes, is_end != 0);
        // SAFETY: as this module's head says.
        unsafe { with_state(state, |s| held.plugin.on_response_body(&mut chunk, s)) }
    })
}

unsafe extern "C" fn end<P: Plugin>(
    plugin: *mut c_void,
    request: *mut abi::Request,
    state: *mut c_void,
    end: *const abi::End,
) {
    // SAFETY: as this module's head says.
    let held = unsafe { held::<P>(plugin) };
    let run = || {
        let state = if state.is_null() || size_of::<P::State>() == 0 {
            P::State::default()
        } else {
            // SAFETY: a state is what `with_state` made, and this is the last hook.
            *unsafe { Box::from_raw(state.cast::<P::State>()) }
        };
        // SAFETY: the host gives an end that is valid for the call.
        let end = unsafe { &*end };
        let end = End {
            status: u16::try_from(end.status).ok().filter(|status| *status != 0),
            bytes: end.bytes,
            how: match end.outcome {
                abi::END_COMPLETE => Ended::Complete,
                abi::END_GONE => Ended::Gone,
                _ => Ended::Failed,
            },
        };
        held.plugin.on_end(&Exchange::new(held.host.table(), request), state, &end);
    };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        held.host.log(Level::Error, &said(panic));
    }
}

/// # Safety
/// It is what `create` made, and has not been destroyed.
unsafe fn held<'a, P>(plugin: *mut c_void) -> &'a Held<P> {
    // SAFETY: by the contract of this function.
    unsafe { &*plugin.cast::<Held<P>>() }
}

/// Runs `hook` with the state of a request, which is made first where there is none yet.
///
/// # Safety
/// `state` is the place of the state of one request, whose hooks run one after another.
unsafe fn with_state<S: Default, T>(state: *mut *mut c_void, hook: impl FnOnce(&mut S) -> T) -> T {
    if size_of::<S>() == 0 {
        return hook(&mut S::default());
    }
    // SAFETY: by the contract of this function nobody else uses the place or the state now. What the
    // place holds is NULL or was put there here.
    unsafe {
        if (*state).is_null() {
            *state = Box::into_raw(Box::<S>::default()).cast();
        }
        hook(&mut *(*state).cast::<S>())
    }
}

/// Hands a reply to the host.
fn answer<P>(held: &Held<P>, request: *mut abi::Request, action: Action) -> Outcome<()> {
    match action {
        Action::Continue => Ok(()),
        Action::Reply(reply) => Exchange::new(held.host.table(), request)
            .reply(&reply)
            .map_err(|refused| format!("its reply is {refused}").into()),
    }
}

/// Runs the body of a function that mik calls. Nothing unwinds out of it.
fn guarded(host: &Host, request: *mut abi::Request, run: impl FnOnce() -> Outcome<()>) -> i32 {
    // The text is made in there as well: it is the plugin's code that makes it.
    let result = catch_unwind(AssertUnwindSafe(|| run().map_err(|error| error.to_string())));
    let (code, why) = match result {
        Ok(Ok(())) => return abi::OK,
        Ok(Err(error)) => (abi::FAILED, error),
        Err(panic) => (abi::PANICKED, said(panic)),
    };
    host.explain(request, &why);
    code
}

/// What a panic said.
fn said(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let said = format!("panicked: {}", text.unwrap_or("unknown"));
    // To drop it may panic again. What that throws is left alone.
    if let Err(again) = catch_unwind(AssertUnwindSafe(move || drop(panic))) {
        std::mem::forget(again);
    }
    said
}
