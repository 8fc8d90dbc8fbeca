//! The C ABI between mik and a plugin: the same as `include/mik_plugin.h`, which says what each part means.
//!
//! Only who writes a host, or an SDK of another kind, needs this module. The rules of ownership and threads
//! are in `ABI.md`.

#![allow(unsafe_code)]

mod descriptor;

use std::ffi::c_void;

pub use descriptor::{Descriptor, Misfit};

/// Other major versions are refused: their tables look different.
pub const MAJOR: u16 = 1;
/// A newer minor version has longer tables; both sides use what both know.
pub const MINOR: u16 = 0;
/// The one symbol of a plugin, of the type [`Query`].
pub const QUERY: &str = "mik_plugin_query";

/// Done; of a hook: go on, or send the reply that was made.
pub const OK: i32 = 0;
/// There is no such header.
pub const NONE: i32 = 1;
/// A name, value, status or pointer that cannot be.
pub const INVALID: i32 = -1;
/// Not in this hook.
pub const NOT_NOW: i32 = -2;
/// A header that decides where a message ends, which is the host's to set.
pub const DENIED: i32 = -3;
/// More than there is room for.
pub const LIMIT: i32 = -4;
/// It failed; of a hook: the request fails.
pub const FAILED: i32 = -5;
/// It panicked.
pub const PANICKED: i32 = -6;

/// Level of a log line.
pub const ERROR: u32 = 1;
/// Level of a log line.
pub const WARN: u32 = 2;
/// Level of a log line.
pub const INFO: u32 = 3;
/// Level of a log line.
pub const DEBUG: u32 = 4;
/// Level of a log line.
pub const TRACE: u32 = 5;

/// For [`HostTable::text`]: the method.
pub const METHOD: u32 = 1;
/// For [`HostTable::text`]: the path as it came, percent signs and all.
pub const PATH: u32 = 2;
/// For [`HostTable::text`]: what follows the `?`.
pub const QUERY_STRING: u32 = 3;
/// For [`HostTable::text`]: the route as a pattern, such as `/run/orders/*`.
pub const ROUTE: u32 = 4;
/// For [`HostTable::text`]: the module that will answer.
pub const MODULE: u32 = 5;
/// For [`HostTable::text`]: the script that will answer.
pub const SCRIPT: u32 = 6;
/// For [`HostTable::text`]: the request id.
pub const REQUEST_ID: u32 = 7;
/// For [`HostTable::text`]: the client's address and port.
pub const PEER: u32 = 8;
/// For [`HostTable::text`]: the client's address alone.
pub const PEER_IP: u32 = 9;

/// For [`HostTable::ask`]: the chunks of the request body, to read.
pub const ASK_REQUEST_BODY: u32 = 1;
/// For [`HostTable::ask`]: the chunks of the response body, to read.
pub const ASK_RESPONSE_BODY: u32 = 2;
/// For [`HostTable::ask`]: the chunks of the request body, to change as well.
pub const ASK_REQUEST_BODY_CHANGES: u32 = 4 | ASK_REQUEST_BODY;
/// For [`HostTable::ask`]: the chunks of the response body, to change as well.
pub const ASK_RESPONSE_BODY_CHANGES: u32 = 8 | ASK_RESPONSE_BODY;
/// For [`HostTable::ask`]: [`PluginTable::end`], also without a state.
pub const ASK_END: u32 = 16;

/// The response was sent as a whole.
pub const END_COMPLETE: u32 = 0;
/// An error ended it.
pub const END_FAILED: u32 = 1;
/// The client went away, or the request was given up.
pub const END_GONE: u32 = 2;

/// A text, or bytes: not NUL-terminated, and borrowed.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Str {
    /// The first byte. NULL says that there is none, which is not the same as an empty one.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
}

/// A header field of a reply.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Its name, in any case.
    pub name: Str,
    /// Its value.
    pub value: Str,
}

/// How a request ended.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// The size of this structure at the host.
    pub size: u32,
    /// [`END_COMPLETE`], [`END_FAILED`] or [`END_GONE`].
    pub outcome: u32,
    /// The status of the response; 0 where there was none.
    pub status: u32,
    /// Nothing yet.
    pub reserved: u32,
    /// Bytes of the response body that were handed on.
    pub bytes: u64,
}

/// A plugin as the host knows it: for log lines and metrics. It lives as long as the process.
#[repr(C)]
#[derive(Debug)]
pub struct Context {
    _opaque: [u8; 0],
}

/// A request as a hook sees it. Valid until that hook returns, on its thread.
#[repr(C)]
#[derive(Debug)]
pub struct Request {
    _opaque: [u8; 0],
}

/// What a plugin may call. It lives as long as the process.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the header file has the one description of each function")]
pub struct HostTable {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub product: Str,
    pub log: Option<unsafe extern "C" fn(*mut Context, u32, Str)>,
    pub explain: Option<unsafe extern "C" fn(*mut Context, *mut Request, Str)>,
    pub counter_add: Option<unsafe extern "C" fn(*mut Context, Str, u64) -> i32>,
    pub histogram_record: Option<unsafe extern "C" fn(*mut Context, Str, f64) -> i32>,
    pub monotonic_ns: Option<unsafe extern "C" fn() -> u64>,
    pub unix_ns: Option<unsafe extern "C" fn() -> u64>,
    pub text: Option<unsafe extern "C" fn(*mut Request, u32) -> Str>,
    pub header_get: Option<unsafe extern "C" fn(*mut Request, Str, usize, *mut Str) -> i32>,
    pub header_at: Option<unsafe extern "C" fn(*mut Request, usize, *mut Str, *mut Str) -> i32>,
    pub header_set: Option<unsafe extern "C" fn(*mut Request, Str, Str) -> i32>,
    pub header_append: Option<unsafe extern "C" fn(*mut Request, Str, Str) -> i32>,
    pub header_remove: Option<unsafe extern "C" fn(*mut Request, Str) -> i32>,
    pub status: Option<unsafe extern "C" fn(*mut Request) -> u32>,
    pub status_set: Option<unsafe extern "C" fn(*mut Request, u32) -> i32>,
    pub ask: Option<unsafe extern "C" fn(*mut Request, u32) -> i32>,
    pub reply: Option<unsafe extern "C" fn(*mut Request, u32, *const Header, usize, Str) -> i32>,
    pub body_write: Option<unsafe extern "C" fn(*mut Request, Str) -> i32>,
}

/// [`PluginTable::create`].
pub type Create =
    unsafe extern "C" fn(*const HostTable, *mut Context, Str, *mut *mut c_void) -> i32;
/// [`PluginTable::destroy`].
pub type Destroy = unsafe extern "C" fn(*mut c_void);
/// The hooks of a head.
pub type HeadHook = unsafe extern "C" fn(*mut c_void, *mut Request, *mut *mut c_void) -> i32;
/// The hooks of a body.
pub type BodyHook =
    unsafe extern "C" fn(*mut c_void, *mut Request, *mut *mut c_void, Str, u32) -> i32;
/// [`PluginTable::end`].
pub type EndHook = unsafe extern "C" fn(*mut c_void, *mut Request, *mut c_void, *const End);

/// What a plugin is. It lives as long as the process.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the header file has the one description of each function")]
pub struct PluginTable {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub name: Str,
    pub version: Str,
    pub create: Option<Create>,
    pub destroy: Option<Destroy>,
    pub request_head: Option<HeadHook>,
    pub response_head: Option<HeadHook>,
    pub request_body: Option<BodyHook>,
    pub response_body: Option<BodyHook>,
    pub end: Option<EndHook>,
}

/// The type of the symbol [`QUERY`]: the host shows its table, the plugin answers with its own.
pub type Query = unsafe extern "C" fn(*const HostTable) -> *const PluginTable;

// SAFETY: what the pointers of a table lead to is constant and lives as long as the process.
unsafe impl Sync for HostTable {}
// SAFETY: as above.
unsafe impl Send for HostTable {}
// SAFETY: as above.
unsafe impl Sync for PluginTable {}
// SAFETY: as above.
unsafe impl Send for PluginTable {}

/// The size of a [`HostTable`] of version 1.0: the least that a host has.
pub const LEAST_HOST: usize = std::mem::offset_of!(HostTable, body_write) + size_of::<usize>();
/// The size of a [`PluginTable`] of version 1.0: the least that a plugin has.
pub const LEAST_PLUGIN: usize = std::mem::offset_of!(PluginTable, end) + size_of::<usize>();

impl Str {
    /// None at all.
    pub const NONE: Self = Self { ptr: std::ptr::null(), len: 0 };

    /// These bytes, for as long as they are borrowed.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    /// The bytes; `None` for NULL.
    ///
    /// # Safety
    /// What it points to is valid for `'a`.
    pub const unsafe fn bytes<'a>(self) -> Option<&'a [u8]> {
        if self.ptr.is_null() || self.len > isize::MAX as usize {
            return None;
        }
        // SAFETY: not NULL, of a possible length, and valid by the contract of this function.
        Some(unsafe { std::slice::from_raw_parts(self.ptr, self.len) })
    }
}

impl HostTable {
    /// No functions yet; what fills it begins with this.
    pub const EMPTY: Self = Self {
        size: size_of::<Self>() as u32,
        abi_major: MAJOR,
        abi_minor: MINOR,
        product: Str::NONE,
        log: None,
        explain: None,
        counter_add: None,
        histogram_record: None,
        monotonic_ns: None,
        unix_ns: None,
        text: None,
        header_get: None,
        header_at: None,
        header_set: None,
        header_append: None,
        header_remove: None,
        status: None,
        status_set: None,
        ask: None,
        reply: None,
        body_write: None,
    };
}

impl PluginTable {
    /// No hooks yet; what fills it begins with this.
    pub const EMPTY: Self = Self {
        size: size_of::<Self>() as u32,
        abi_major: MAJOR,
        abi_minor: MINOR,
        name: Str::NONE,
        version: Str::NONE,
        create: None,
        destroy: None,
        request_head: None,
        response_head: None,
        request_body: None,
        response_body: None,
        end: None,
    };
}
