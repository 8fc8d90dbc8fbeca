//! What has gone wrong in QuickJS, in the words of `mik-javascript`.

use mik_javascript::{Broken, Natives, Position};
use rquickjs::{Coerced, Ctx, Error};

/// Why a call into QuickJS has failed.
pub(crate) fn broken(ctx: &Ctx<'_>, error: &Error, natives: Option<&Natives>) -> Broken {
    match error {
        Error::Exception => thrown(ctx, natives),
        Error::Allocation => Broken::Memory,
        error => Broken::threw(error.to_string()),
    }
}

/// The exception that is pending.
pub(crate) fn thrown(ctx: &Ctx<'_>, natives: Option<&Natives>) -> Broken {
    let exception = ctx.catch();
    if natives.is_some_and(Natives::is_over) {
        return Broken::Stopped;
    }
    let Some(error) = exception.as_object().filter(|error| error.is_error()) else {
        let text = exception.get::<Coerced<String>>().map(|text| text.0);
        return Broken::threw(format!("thrown: {}", text.unwrap_or_else(|_| "a value".to_owned())));
    };
    let field = |name: &str| error.get::<_, Coerced<String>>(name).map(|text| text.0);
    let name = field("name").unwrap_or_else(|_| "Error".to_owned());
    let message = field("message").unwrap_or_default();
    if is_memory(&name, &message) {
        return Broken::Memory;
    }
    let stack = field("stack").unwrap_or_default();
    let at = Position::first_in(&stack);
    Broken::Threw { message: format!("{name}: {message}"), stack, at }
}

fn is_memory(name: &str, message: &str) -> bool {
    name == "InternalError" && message == "out of memory"
}
