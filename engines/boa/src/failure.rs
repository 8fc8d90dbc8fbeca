//! What has gone wrong in Boa, in the words of `mik-javascript`.

use std::error::Error;

use boa_engine::error::{EngineError, PanicError, RuntimeLimitError};
use boa_engine::{Context, JsError, JsNativeErrorKind, JsObject, JsString, JsValue};
use mik_javascript::{Broken, Natives, Position, Source};

use crate::convert::text;

/// Stops a script, which cannot catch it.
pub(crate) fn over() -> JsError {
    EngineError::from(PanicError::new("its time is over")).into()
}

/// Why a call into Boa has failed.
pub(crate) fn broken(error: JsError, natives: Option<&Natives>, context: &mut Context) -> Broken {
    if natives.is_some_and(Natives::is_over) {
        return Broken::Stopped;
    }
    if error.as_engine().is_none() {
        return match error.into_opaque(context) {
            Ok(value) => thrown(&value, context),
            Err(error) => Broken::threw(error.to_string()),
        };
    }
    let told = error.to_string();
    let (first, stack) = told.split_once('\n').unwrap_or((&told, ""));
    Broken::Threw {
        message: limit(&error).unwrap_or(first).to_owned(),
        stack: stack.to_owned(),
        at: Position::first_in(stack),
    }
}

/// Which limit was reached, in the words of JavaScript. Boa gives some of them as the cause of a panic of its
/// own.
fn limit(error: &JsError) -> Option<&'static str> {
    let mut causes = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
    causes.find_map(|cause| {
        if cause.is::<RuntimeLimitError>() {
            return Some("RangeError: maximum call stack size exceeded");
        }
        let engine = cause.downcast_ref::<JsError>().and_then(JsError::as_engine);
        matches!(engine, Some(EngineError::NoInstructionsRemain))
            .then_some("RangeError: more instructions than a script may run")
    })
}

/// What a script has thrown.
pub(crate) fn thrown(value: &JsValue, context: &mut Context) -> Broken {
    let Some(error) = value.as_object().filter(is_error) else {
        let text = value.to_string(context).map(|text| self::text(&text));
        return Broken::threw(format!("thrown: {}", text.unwrap_or_else(|_| "a value".to_owned())));
    };
    let mut field = |name: &str| {
        let value =
            error.get(JsString::from(name), context).ok().filter(|value| !value.is_undefined());
        value?.to_string(context).ok().map(|value| text(&value))
    };
    let name = field("name").unwrap_or_else(|| "Error".to_owned());
    let message = field("message").unwrap_or_default();
    let stack = field("stack").unwrap_or_default();
    let at = Position::first_in(&stack);
    Broken::Threw { message: format!("{name}: {message}"), stack, at }
}

fn is_error(object: &JsObject) -> bool {
    object.is::<boa_engine::builtins::error::Error>()
}

/// Why a file cannot be parsed. Boa tells the place at the end of its message.
pub(crate) fn syntax(source: &Source, error: &JsError) -> Broken {
    let message = match error.as_native() {
        Some(native) if matches!(native.kind(), JsNativeErrorKind::Syntax) => native.message(),
        _ => return Broken::threw(error.to_string()),
    };
    let (message, place) = match split(message) {
        Some((message, line, column)) => (message, Some((line, column))),
        None if message == "abrupt end" => ("unexpected end of the file", Some(end(&source.text))),
        None => (message, None),
    };
    let at = place.map(|(line, column)| Position { file: source.name.clone(), line, column });
    Broken::Threw { message: format!("SyntaxError: {message}"), stack: String::new(), at }
}

/// The place at the end of a message, and what it says before.
pub(crate) fn split(message: &str) -> Option<(&str, u32, u32)> {
    let (message, place) = message.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(", col ")?;
    Some((message, line.parse().ok()?, column.parse().ok()?))
}

/// The place of the last character.
fn end(text: &str) -> (u32, u32) {
    let text = text.trim_end();
    let last = text.lines().last().unwrap_or_default();
    let count = |number: usize| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
    (count(text.lines().count()), count(last.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_taken_from_the_message() {
        let message = "expected token ';', got 'at line 2' in x at line 3, col 14";
        assert_eq!(split(message), Some(("expected token ';', got 'at line 2' in x", 3, 14)));
        assert_eq!(split("abrupt end"), None);
        assert_eq!(end("a\nbcd\n\n"), (2, 3));
        assert_eq!(end(""), (1, 1));
    }
}
