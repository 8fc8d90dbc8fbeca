//! The host as a world sees it: its one native function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use mik_core::{Call, ModuleName};

use super::effect::{Content, Effect};
use crate::natives::pure;
use crate::{Event, Thrown, Value, Watch};

/// Operations that one run may have open at once.
const OPEN: usize = 4_000;
/// The longest line of a script's log, in bytes.
pub(super) const LINE: usize = 8 << 10;

/// The native function of one world. A clone is the same.
///
/// What needs no waiting is answered; the rest is noted, for the driver to do when the world has come to
/// rest. Between two runs there is no call, and everything that needs one is refused.
#[derive(Clone)]
pub struct Natives(Arc<Mutex<State>>);

struct State {
    script: ModuleName,
    watch: Option<Arc<Watch>>,
    run: Option<Running>,
    effects: Vec<Effect>,
}

/// What holds for one run.
struct Running {
    call: Call,
    started: Instant,
    /// Bodies that are in memory anyway.
    ready: HashMap<u32, Bytes>,
    last_body: u32,
    /// Operations that are open, with the bytes that each holds outside of the script's heap, and all of these.
    open: HashMap<u32, usize>,
    held: usize,
    /// Bytes of the effects that the driver has not taken yet, but for what operations hold.
    noted: usize,
    /// How many bytes there may be of both.
    room: usize,
    /// Bytes that may still be logged, and lines that were not.
    log: u64,
    dropped: u64,
}

impl Natives {
    pub(crate) fn new(script: ModuleName) -> Self {
        Self(Arc::new(Mutex::new(State { script, watch: None, run: None, effects: Vec::new() })))
    }

    /// Calls the native `name`.
    ///
    /// # Errors
    /// What the script is to see thrown.
    pub fn call(&self, name: &str, arguments: Vec<Value>) -> Result<Value, Thrown> {
        if let Some(result) = pure(name, &arguments) {
            return result;
        }
        let mut state = self.lock();
        let State { script, run, effects, .. } = &mut *state;
        if name == "log" {
            log(script, run.as_mut(), &arguments);
            return Ok(Value::Undefined);
        }
        let Some(run) = run else {
            // Time passes for what runs while a script loads, too.
            return match name {
                "now" => Ok(0.0.into()),
                "env" | "modules" => Ok(Value::List(Vec::new())),
                _ => Err(Thrown::type_error(
                    "this is there while a request is answered, not while the script loads",
                )),
            };
        };
        match name {
            "now" => Ok((run.started.elapsed().as_secs_f64() * 1_000.0).into()),
            "env" => Ok(Value::texts(run.env())),
            "modules" => {
                let modules = run.call.modules();
                Ok(Value::texts(modules.iter().map(ModuleName::as_str)))
            }
            "has_module" => match arguments.first() {
                Some(Value::Text(name)) => Ok(run.call.has_module(name).into()),
                _ => Err(Thrown::type_error("has_module: expected a string")),
            },
            "pipe" => {
                let body = run.next_body();
                effects.push(Effect::Open(body));
                Ok(f64::from(body).into())
            }
            _ => match Effect::parse(name, arguments) {
                Some(effect) => run.note(effect?, effects),
                None => Err(Thrown::type_error(format!("there is no native {name}"))),
            },
        }
    }

    /// Whether the script that runs must be stopped: an engine asks this from time to time.
    pub fn is_over(&self) -> bool {
        self.lock().watch.as_ref().is_some_and(|watch| watch.is_over())
    }

    /// Has `watch` kept while a script is tried that answers nobody.
    pub(crate) fn try_out(&self, watch: Arc<Watch>) {
        self.lock().watch = Some(watch);
    }

    /// Begins a run.
    pub(crate) fn begin(&self, call: Call, watch: Arc<Watch>, log: u64, room: usize) {
        let mut state = self.lock();
        state.effects.clear();
        state.watch = Some(watch);
        state.run = Some(Running {
            call,
            started: Instant::now(),
            ready: HashMap::new(),
            last_body: 0,
            open: HashMap::new(),
            held: 0,
            noted: 0,
            room,
            log,
            dropped: 0,
        });
    }

    /// Lets go of the run that `watch` is the clock of, while its thread may still be at it: what it does
    /// from now on reaches nobody.
    pub(crate) fn release(&self, watch: &Arc<Watch>) {
        let mut state = self.lock();
        if state.watch.as_ref().is_some_and(|own| Arc::ptr_eq(own, watch)) {
            state.let_go();
        }
    }

    /// Ends a run: nothing of it is kept.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.let_go();
        state.watch = None;
    }

    /// The effects that were asked for since. Bodies in memory that they hand on go with them.
    pub(crate) fn take(&self) -> Vec<Effect> {
        let mut state = self.lock();
        let mut effects = std::mem::take(&mut state.effects);
        if let Some(run) = &mut state.run {
            run.noted = 0;
            for content in effects.iter_mut().filter_map(Effect::content) {
                if let Content::Handle(body) = content
                    && let Some(bytes) = run.ready.remove(body)
                {
                    *content = Content::Full(bytes);
                }
            }
        }
        effects
    }

    /// What these events are about is not open any more.
    pub(crate) fn settled(&self, events: &[Event]) {
        if let Some(run) = &mut self.lock().run {
            for event in events {
                if let Event::Settle(op, _) | Event::Reject(op, ..) = event {
                    run.close(*op);
                }
            }
        }
    }

    /// A number for a body.
    pub(crate) fn body(&self) -> u32 {
        self.lock().run.as_mut().map_or(0, Running::next_body)
    }

    /// Puts the whole of a body where the script gets it without waiting.
    pub(crate) fn put(&self, body: u32, bytes: Bytes) {
        if let Some(run) = &mut self.lock().run {
            run.ready.insert(body, bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn let_go(&mut self) {
        self.effects.clear();
        let Some(run) = self.run.take() else { return };
        if run.dropped > 0 {
            tracing::warn!(
                target: "mik::script",
                script = %self.script,
                request_id = %run.call.request_id(),
                "log truncated: {} bytes dropped past the limit `log`",
                run.dropped
            );
        }
    }
}

impl Running {
    fn env(&self) -> impl Iterator<Item = &str> {
        self.call.grants().env.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()])
    }

    fn next_body(&mut self) -> u32 {
        self.last_body += 1;
        self.last_body
    }

    /// What the operation has held.
    fn close(&mut self, op: u32) -> usize {
        let bytes = self.open.remove(&op).unwrap_or_default();
        self.held -= bytes;
        bytes
    }

    fn note(&mut self, effect: Effect, effects: &mut Vec<Effect>) -> Result<Value, Thrown> {
        if let Effect::Read { body, .. } = &effect
            && let Some(bytes) = self.ready.remove(body)
        {
            // The next piece is all of it; what comes after that is the end.
            return Ok(bytes.into());
        }
        let bytes = effect.bytes();
        if self.noted + self.held + size_of::<Effect>() + bytes > self.room {
            let message = "what is under way is larger than the script's memory";
            return Err(Thrown::range_error(message));
        }
        if let Effect::Cancel(op) = &effect {
            // It lies there until the driver comes.
            self.noted += self.close(*op);
        }
        if let Some(op) = effect.op() {
            if self.open.len() >= OPEN {
                return Err(Thrown::range_error(format!(
                    "more than {OPEN} calls, reads and timers at once"
                )));
            }
            self.open.insert(op, bytes);
            self.held += bytes;
        } else {
            self.noted += bytes;
        }
        self.noted += size_of::<Effect>();
        effects.push(effect);
        Ok(Value::Undefined)
    }
}

/// Logs a line of the script's, as far as its budget goes.
fn log(script: &ModuleName, run: Option<&mut Running>, arguments: &[Value]) {
    let (Some(Value::Text(level)), Some(Value::Text(text))) = (arguments.first(), arguments.get(1))
    else {
        return;
    };
    let text = &text[..text.floor_char_boundary(LINE)];
    let request_id = match run {
        Some(run) => {
            let length = text.len() as u64;
            if run.log < length {
                run.dropped += length;
                return;
            }
            run.log -= length;
            Some(run.call.request_id().clone())
        }
        None => None,
    };
    let request_id = request_id.as_ref().map(tracing::field::display);
    match level.as_str() {
        "error" => tracing::error!(target: "mik::script", %script, request_id, "{text}"),
        "warn" => tracing::warn!(target: "mik::script", %script, request_id, "{text}"),
        "debug" => tracing::debug!(target: "mik::script", %script, request_id, "{text}"),
        "trace" => tracing::trace!(target: "mik::script", %script, request_id, "{text}"),
        _ => tracing::info!(target: "mik::script", %script, request_id, "{text}"),
    }
}

impl std::fmt::Debug for Natives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Natives").field("script", &self.lock().script).finish_non_exhaustive()
    }
}
