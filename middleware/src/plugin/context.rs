//! What a plugin has beside its requests: a name, a log, and numbers.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use mik_core::opentelemetry::KeyValue;
use mik_core::opentelemetry::metrics::{Counter, Histogram, Meter};
use mik_core::{RequestId, escape};
use mik_plugin::abi;

/// Longest log line, in bytes.
const LINE: usize = 4096;
/// Longest name of an instrument, in bytes.
const NAME: usize = 64;
/// Instruments that one plugin may have.
const INSTRUMENTS: usize = 64;

/// A plugin as its host functions know it.
pub(super) struct Context {
    name: RwLock<Arc<str>>,
    numbers: OnceLock<Numbers>,
    /// Filled from the front, and never emptied.
    instruments: [OnceLock<Instrument>; INSTRUMENTS],
    refused: OnceLock<()>,
    /// What was said while `create` ran.
    pub(super) explanation: Mutex<Option<String>>,
}

struct Numbers {
    meter: Meter,
    failures: Counter<u64>,
}

struct Instrument {
    name: Box<str>,
    records: Records,
}

enum Records {
    Counter(Counter<u64>),
    Histogram(Histogram<f64>),
}

impl Context {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: RwLock::new(name.into()),
            numbers: OnceLock::new(),
            instruments: [const { OnceLock::new() }; INSTRUMENTS],
            refused: OnceLock::new(),
            explanation: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> Arc<str> {
        self.name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn rename(&self, name: Arc<str>) {
        *self.name.write().unwrap_or_else(PoisonError::into_inner) = name;
    }

    pub(super) fn instrument(&self, meter: &Meter) {
        let failures = meter
            .u64_counter("mik.plugin.failures")
            .with_description("Hooks of plugins that failed or panicked")
            .build();
        let _ = self.numbers.set(Numbers { meter: meter.clone(), failures });
    }

    /// Notes that a hook has failed.
    pub(super) fn failed(&self, hook: &'static str, why: &str, request: &RequestId) {
        let name = self.name();
        tracing::error!(
            target: "mik::plugin", plugin = &*name, hook, request_id = %request, "a hook failed: {why}"
        );
        if let Some(numbers) = self.numbers.get() {
            let plugin = KeyValue::new("mik.plugin", name);
            numbers.failures.add(1, &[plugin, KeyValue::new("mik.hook", hook)]);
        }
    }

    /// Writes a line of the plugin's.
    pub(super) fn log(&self, level: u32, text: &[u8]) {
        let (name, text) = (self.name(), harmless(text));
        let name = &*name;
        match level {
            abi::ERROR => tracing::error!(target: "mik::plugin", plugin = name, "{text}"),
            abi::WARN => tracing::warn!(target: "mik::plugin", plugin = name, "{text}"),
            abi::INFO => tracing::info!(target: "mik::plugin", plugin = name, "{text}"),
            abi::DEBUG => tracing::debug!(target: "mik::plugin", plugin = name, "{text}"),
            _ => tracing::trace!(target: "mik::plugin", plugin = name, "{text}"),
        }
    }

    pub(super) fn count(&self, name: &[u8], value: u64) -> i32 {
        let make = |meter: &Meter, name| Records::Counter(meter.u64_counter(name).build());
        match self.records(name, make) {
            Ok(Records::Counter(counter)) => {
                counter.add(value, &[]);
                abi::OK
            }
            Ok(Records::Histogram(_)) => abi::INVALID,
            Err(code) => code,
        }
    }

    pub(super) fn record(&self, name: &[u8], value: f64) -> i32 {
        if !value.is_finite() {
            return abi::INVALID;
        }
        let make = |meter: &Meter, name| Records::Histogram(meter.f64_histogram(name).build());
        match self.records(name, make) {
            Ok(Records::Histogram(histogram)) => {
                histogram.record(value, &[]);
                abi::OK
            }
            Ok(Records::Counter(_)) => abi::INVALID,
            Err(code) => code,
        }
    }

    /// The instrument of that name, made if there is none yet.
    fn records(
        &self,
        name: &[u8],
        make: impl Fn(&Meter, String) -> Records,
    ) -> Result<&Records, i32> {
        for place in &self.instruments {
            let found = match place.get() {
                Some(found) => found,
                None => {
                    let name = instrument_name(name).ok_or_else(|| self.refuse(abi::INVALID))?;
                    let numbers = self.numbers.get().ok_or(abi::NOT_NOW)?;
                    // Another thread may be first, with this name or another one.
                    place.get_or_init(|| Instrument {
                        name: name.into(),
                        records: make(&numbers.meter, self.full_name(name)),
                    })
                }
            };
            if found.name.as_bytes() == name {
                return Ok(&found.records);
            }
        }
        Err(self.refuse(abi::LIMIT))
    }

    fn full_name(&self, name: &str) -> String {
        let plugin = self.name();
        let plain = plugin.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
        format!("mik.plugin.{}.{name}", plain.collect::<String>())
    }

    /// Says once that an instrument was refused: most plugins do not look.
    fn refuse(&self, code: i32) -> i32 {
        self.refused.get_or_init(|| {
            tracing::warn!(
                target: "mik::plugin",
                plugin = &*self.name(),
                "an instrument was refused: a name is 1 to {NAME} of a-z 0-9 _, begins with a letter and \
                 does not end in _total; a plugin has at most {INSTRUMENTS}"
            );
        });
        code
    }
}

/// A name that no other name becomes equal to on its way to Prometheus.
fn instrument_name(bytes: &[u8]) -> Option<&str> {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_';
    let fits = (1..=NAME).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(plain)
        && !bytes.ends_with(b"_total");
    fits.then(|| std::str::from_utf8(bytes).ok())?
}

/// Text of a plugin's, which may hold what a client has sent: cut, and without control characters.
pub(super) fn harmless(text: &[u8]) -> Cow<'_, str> {
    let is_long = text.len() > LINE;
    let text = String::from_utf8_lossy(&text[..text.len().min(LINE)]);
    let mut text = escape(text, char::is_control);
    if is_long {
        text.to_mut().push('…');
    }
    text
}
