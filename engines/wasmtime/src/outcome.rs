//! What a failed guest means.

use mik_core::{Call, CallError, ModuleName};
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use crate::guest::Guest;

/// The longest detail that is kept of an error, in bytes.
const DETAIL: usize = 4 << 10;

/// Turns what wasmtime reports into a typed error. The backtrace goes to the log, for the author of the
/// guest; the client never sees it.
pub(crate) fn classify(error: &wasmtime::Error, guest: &Guest) -> CallError {
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::Overloaded("no instance is free");
    }
    let detail = || truncated(format!("{error:#}")).into();
    if guest.limiter.has_refused() {
        return CallError::Memory(detail());
    }
    match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(status)) => CallError::Trap(format!("exit with status {status}").into()),
        None => CallError::Trap(detail()),
    }
}

/// Logs a failure once, with the guest's backtrace.
pub(crate) fn report(
    module: &ModuleName,
    call: &Call,
    failure: &CallError,
    error: &wasmtime::Error,
) {
    let trap = error.downcast_ref::<Trap>().map(tracing::field::debug);
    tracing::error!(
        target: "mik::guest",
        %module,
        request_id = %call.request_id(),
        kind = failure.kind().as_str(),
        trap,
        "guest failed: {}",
        truncated(format!("{error:?}"))
    );
}

fn truncated(mut text: String) -> String {
    if text.len() > DETAIL {
        text.truncate(text.floor_char_boundary(DETAIL));
        text.push('…');
    }
    text
}
