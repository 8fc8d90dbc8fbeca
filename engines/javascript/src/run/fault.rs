//! Why a run has no answer, for the client and for the log.

use mik_core::{Call, CallError, ModuleName};

use super::effect::Uncaught;
use super::natives::LINE;
use crate::Broken;
use crate::position::of_author;
use crate::threads::{Refused, Watch};

pub(super) fn refused(refused: Refused) -> CallError {
    CallError::Overloaded(match refused {
        Refused::Full => "too many scripts wait for a thread",
        Refused::Stuck => "too many threads are held by scripts that do not return",
    })
}

/// The error for what a script threw and nobody caught; its line goes to the log.
pub(super) fn uncaught(script: &ModuleName, call: &Call, thrown: Uncaught) -> CallError {
    let Uncaught { kind, name, message, stack, code, call: callee } = thrown;
    let is_memory = name == "InternalError" && message == "out of memory";
    let message = cut(message);
    let said = match message.is_empty() {
        true => cut(name),
        false => cut(format!("{name}: {message}")),
    };
    if kind == "input" {
        return CallError::Input(message.into());
    }
    let stack = cut(of_author(&stack));
    tracing::error!(
        target: "mik::script",
        %script,
        request_id = %call.request_id(),
        call = callee.as_deref(),
        code = code.as_deref(),
        stack = Some(stack.as_str()).filter(|stack| !stack.is_empty()),
        "{said}",
    );
    match kind.as_str() {
        // QuickJS says so, and a script may have let it pass.
        "exception" if is_memory => CallError::Memory("the script's heap is full".into()),
        "call" => {
            let callee = callee.unwrap_or_default();
            let code = code.unwrap_or_default();
            CallError::BadGateway(format!("{callee} failed with {code}: {said}").into())
        }
        "no-response" => CallError::NoResponse(message.into()),
        _ => {
            let at = stack.lines().next().unwrap_or_default();
            let message = if at.is_empty() { said } else { format!("{said} ({at})") };
            CallError::Script { message: message.into() }
        }
    }
}

/// The error for a world that cannot go on.
pub(super) fn broken(script: &ModuleName, call: &Call, watch: &Watch, reason: Broken) -> CallError {
    let (message, stack) = match reason {
        Broken::Memory => {
            return CallError::Memory("the script's heap is full".into());
        }
        Broken::Stopped if watch.is_spent() => {
            return CallError::Timeout("the script has used its time on the processor");
        }
        Broken::Stopped => {
            return CallError::Timeout("no answer of the script by the deadline");
        }
        Broken::Threw { message, stack, .. } => (cut(message), cut(of_author(&stack))),
    };
    tracing::error!(
        target: "mik::script", %script, request_id = %call.request_id(), stack, "{message}"
    );
    CallError::Script { message: message.into() }
}

/// What a script has thrown, no longer than the lines that it may log: nothing else bounds it.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LINE));
    text
}
