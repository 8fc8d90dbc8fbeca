//! What a plugin may ask of mik at any time.

#![allow(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use crate::abi::{self, Context, HostTable, LEAST_HOST, Str};

/// The mik that has loaded the plugin. Clones are the same; any thread may use them, at any time.
#[derive(Debug, Clone)]
pub struct Host {
    table: Arc<HostTable>,
    context: *mut Context,
}

// SAFETY: the functions that take a context may be called on any thread, at the same time.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Host {
    /// `None` for a table that this SDK cannot work with.
    ///
    /// # Safety
    /// The table is one, or NULL, and the context lives as long as the process.
    pub(crate) unsafe fn new(table: *const HostTable, context: *mut Context) -> Option<Self> {
        if table.is_null() {
            return None;
        }
        // SAFETY: every table begins with its size.
        let size = unsafe { table.cast::<u32>().read() } as usize;
        if size < LEAST_HOST {
            return None;
        }
        // What an older host does not have stays empty.
        let mut own = HostTable::EMPTY;
        let known = size.min(size_of::<HostTable>());
        // SAFETY: so much is there on both sides, and any bytes of a table make one.
        unsafe {
            std::ptr::copy_nonoverlapping(table.cast::<u8>(), (&raw mut own).cast::<u8>(), known);
        }
        (own.abi_major == abi::MAJOR).then(|| Self { table: Arc::new(own), context })
    }

    /// The host's functions.
    pub(crate) fn table(&self) -> &HostTable {
        &self.table
    }

    /// Such as `mik 0.1.0`.
    pub fn product(&self) -> &str {
        // SAFETY: it lives as long as the process.
        let name = unsafe { self.table.product.bytes() };
        std::str::from_utf8(name.unwrap_or_default()).unwrap_or_default()
    }

    /// The version of the ABI that the host speaks: major, minor.
    pub fn abi(&self) -> (u16, u16) {
        (self.table.abi_major, self.table.abi_minor)
    }

    /// Writes a line to the log of mik. Past 4 KiB it is cut.
    pub fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Error => abi::ERROR,
            Level::Warn => abi::WARN,
            Level::Info => abi::INFO,
            Level::Debug => abi::DEBUG,
            Level::Trace => abi::TRACE,
        };
        if let Some(log) = self.table.log {
            // SAFETY: the text is borrowed for the call, and the context is valid.
            unsafe { log(self.context, level, Str::new(text.as_bytes())) };
        }
    }

    /// Adds to the counter `mik.plugin.PLUGIN.name`. `name` is 1 to 64 of `a-z 0-9 _`, begins with a
    /// letter and does not end in `_total`; what is refused, and a 65th instrument, the host notes in its log.
    pub fn count(&self, name: &str, value: u64) {
        if let Some(add) = self.table.counter_add {
            // SAFETY: the name is borrowed for the call, and the context is valid.
            unsafe { add(self.context, Str::new(name.as_bytes()), value) };
        }
    }

    /// Records into the histogram `mik.plugin.PLUGIN.name`; names are as for [`count`](Self::count).
    pub fn record(&self, name: &str, value: f64) {
        if let Some(record) = self.table.histogram_record {
            // SAFETY: the name is borrowed for the call, and the context is valid.
            unsafe { record(self.context, Str::new(name.as_bytes()), value) };
        }
    }

    /// A clock that only goes forward, the same for all plugins.
    pub fn monotonic(&self) -> Duration {
        // SAFETY: it takes nothing.
        Duration::from_nanos(self.table.monotonic_ns.map_or(0, |clock| unsafe { clock() }))
    }

    /// Time since 1970.
    pub fn unix_time(&self) -> Duration {
        // SAFETY: it takes nothing.
        Duration::from_nanos(self.table.unix_ns.map_or(0, |clock| unsafe { clock() }))
    }

    /// Says why what runs now is about to fail.
    pub(crate) fn explain(&self, request: *mut abi::Request, why: &str) {
        if let Some(explain) = self.table.explain {
            // SAFETY: the text is borrowed for the call; the request is NULL or that of this hook.
            unsafe { explain(self.context, request, Str::new(why.as_bytes())) };
        }
    }
}
