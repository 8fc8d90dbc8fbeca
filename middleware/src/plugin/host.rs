//! The functions that a plugin may call.
//!
//! Nothing unwinds out of them: a panic in one is an error code.

#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mik_plugin::abi::{self, HostTable, Str};

use super::context::Context;
use super::hook::Hook;

/// What every plugin gets.
pub(super) static TABLE: HostTable = HostTable {
    product: Str::new(concat!("mik ", env!("CARGO_PKG_VERSION")).as_bytes()),
    log: Some(log),
    explain: Some(explain),
    counter_add: Some(counter_add),
    histogram_record: Some(histogram_record),
    monotonic_ns: Some(monotonic_ns),
    unix_ns: Some(unix_ns),
    text: Some(text),
    header_get: Some(header_get),
    header_at: Some(header_at),
    header_set: Some(header_set),
    header_append: Some(header_append),
    header_remove: Some(header_remove),
    status: Some(status),
    status_set: Some(status_set),
    ask: Some(ask),
    reply: Some(reply),
    body_write: Some(body_write),
    ..HostTable::EMPTY
};

/// What a plugin gets as its context.
pub(super) fn context(context: &'static Context) -> *mut abi::Context {
    std::ptr::from_ref(context).cast_mut().cast()
}

/// What a hook gets as its request. Valid until `hook` is used otherwise.
pub(super) fn request(hook: &mut Hook<'_>) -> *mut abi::Request {
    std::ptr::from_mut(hook).cast()
}

/// Runs `run` with the hook of a request.
///
/// # Safety
/// The request is NULL, or that of a hook which runs on this thread.
unsafe fn in_hook(
    request: *mut abi::Request,
    run: impl FnOnce(&mut Hook<'_>) -> Result<(), i32>,
) -> i32 {
    // SAFETY: by the contract of this function it is what `request` above made of a hook, and the host
    // does not touch that hook until the plugin's function returns.
    let hook = unsafe { request.cast::<Hook<'_>>().as_mut() };
    caught(abi::FAILED, || match hook.map(run) {
        Some(Ok(())) => abi::OK,
        Some(Err(code)) => code,
        None => abi::INVALID,
    })
}

/// # Safety
/// The context is NULL or that of a plugin.
unsafe fn with_context<T>(
    context: *mut abi::Context,
    otherwise: T,
    run: impl FnOnce(&Context) -> T,
) -> T
where
    T: Copy,
{
    // SAFETY: by the contract of this function; all that writes to a context is made for many threads.
    let context = unsafe { context.cast::<Context>().as_ref() };
    caught(otherwise, || context.map_or(otherwise, run))
}

fn caught<T>(otherwise: T, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(otherwise)
}

/// Writes to a place of the plugin's.
///
/// # Safety
/// The place is NULL or can be written to.
unsafe fn put(place: *mut Str, text: Str) -> Result<(), i32> {
    if place.is_null() {
        return Err(abi::INVALID);
    }
    // SAFETY: by the contract of this function.
    unsafe { place.write(text) };
    Ok(())
}

unsafe extern "C" fn log(context: *mut abi::Context, level: u32, text: Str) {
    // SAFETY: ABI.md demands a valid context, and texts that are valid for the call.
    unsafe {
        with_context(context, (), |context| context.log(level, text.bytes().unwrap_or_default()));
    }
}

unsafe extern "C" fn explain(context: *mut abi::Context, request: *mut abi::Request, why: Str) {
    // SAFETY: the text is valid for the call.
    let why = unsafe { why.bytes() }.unwrap_or_default();
    let why = String::from_utf8_lossy(why).into_owned();
    if request.is_null() {
        // SAFETY: ABI.md demands a valid context.
        unsafe {
            with_context(context, (), |context| {
                *context.explanation.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            });
        }
        return;
    }
    // SAFETY: it is the request of the hook that calls this.
    unsafe {
        in_hook(request, |hook| {
            hook.explanation = Some(why);
            Ok(())
        });
    }
}

unsafe extern "C" fn counter_add(context: *mut abi::Context, name: Str, value: u64) -> i32 {
    // SAFETY: ABI.md demands a valid context, and texts that are valid for the call.
    unsafe {
        let Some(name) = name.bytes() else { return abi::INVALID };
        with_context(context, abi::INVALID, |context| context.count(name, value))
    }
}

unsafe extern "C" fn histogram_record(context: *mut abi::Context, name: Str, value: f64) -> i32 {
    // SAFETY: ABI.md demands a valid context, and texts that are valid for the call.
    unsafe {
        let Some(name) = name.bytes() else { return abi::INVALID };
        with_context(context, abi::INVALID, |context| context.record(name, value))
    }
}

unsafe extern "C" fn monotonic_ns() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    nanoseconds(START.elapsed())
}

unsafe extern "C" fn unix_ns() -> u64 {
    nanoseconds(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

unsafe extern "C" fn text(request: *mut abi::Request, what: u32) -> Str {
    let mut text = Str::NONE;
    // SAFETY: it is the request of the hook that calls this.
    unsafe {
        in_hook(request, |hook| {
            text = hook.text(what);
            Ok(())
        });
    }
    text
}

unsafe extern "C" fn header_get(
    request: *mut abi::Request,
    name: Str,
    index: usize,
    value: *mut Str,
) -> i32 {
    // SAFETY: it is the request of the hook that calls this, and the rest is valid for the call.
    unsafe {
        in_hook(request, |hook| put(value, hook.header(name.bytes().ok_or(abi::INVALID)?, index)?))
    }
}

unsafe extern "C" fn header_at(
    request: *mut abi::Request,
    index: usize,
    name: *mut Str,
    value: *mut Str,
) -> i32 {
    // SAFETY: it is the request of the hook that calls this, and the rest is valid for the call.
    unsafe {
        in_hook(request, |hook| {
            let (its_name, its_value) = hook.header_at(index)?;
            put(name, its_name)?;
            put(value, its_value)
        })
    }
}

unsafe extern "C" fn header_set(request: *mut abi::Request, name: Str, value: Str) -> i32 {
    // SAFETY: it is the request of the hook that calls this, and the rest is valid for the call.
    unsafe {
        let (Some(name), Some(value)) = (name.bytes(), value.bytes()) else { return abi::INVALID };
        in_hook(request, |hook| hook.set(name, value))
    }
}

unsafe extern "C" fn header_append(request: *mut abi::Request, name: Str, value: Str) -> i32 {
    // SAFETY: it is the request of the hook that calls this, and the rest is valid for the call.
    unsafe {
        let (Some(name), Some(value)) = (name.bytes(), value.bytes()) else { return abi::INVALID };
        in_hook(request, |hook| hook.append(name, value))
    }
}

unsafe extern "C" fn header_remove(request: *mut abi::Request, name: Str) -> i32 {
    // SAFETY: it is the request of the hook that calls this, and the rest is valid for the call.
    unsafe {
        let Some(name) = name.bytes() else { return abi::INVALID };
        in_hook(request, |hook| hook.remove(name))
    }
}

unsafe extern "C" fn status(request: *mut abi::Request) -> u32 {
    let mut status = 0;
    // SAFETY: it is the request of the hook that calls this.
    unsafe {
        in_hook(request, |hook| {
            status = hook.status();
            Ok(())
        });
    }
    status
}

unsafe extern "C" fn status_set(request: *mut abi::Request, status: u32) -> i32 {
    // SAFETY: it is the request of the hook that calls this.
    unsafe { in_hook(request, |hook| hook.set_status(status)) }
}

unsafe extern "C" fn ask(request: *mut abi::Request, what: u32) -> i32 {
    // SAFETY: it is the request of the hook that calls this.
    unsafe { in_hook(request, |hook| hook.ask(what)) }
}

unsafe extern "C" fn reply(
    request: *mut abi::Request,
    status: u32,
    headers: *const abi::Header,
    count: usize,
    body: Str,
) -> i32 {
    let count = if headers.is_null() { 0 } else { count };
    // SAFETY: it is the request of the hook that calls this, and the rest is valid for the call.
    unsafe {
        let fields = (0..count).map(|index| {
            let field = headers.add(index).read();
            Some((field.name.bytes()?, field.value.bytes()?))
        });
        in_hook(request, |hook| hook.reply(status, fields, body.bytes().unwrap_or_default()))
    }
}

unsafe extern "C" fn body_write(request: *mut abi::Request, bytes: Str) -> i32 {
    // SAFETY: it is the request of the hook that calls this, and the bytes are valid for the call.
    unsafe { in_hook(request, |hook| hook.write(bytes.bytes().unwrap_or_default())) }
}
