//! The two host functions of the prelude.

use std::sync::Arc;

use mik_javascript::{ErrorClass, Natives, Value};
use rquickjs::function::Rest;
use rquickjs::{Ctx, Exception, Function, Result};

use crate::convert::{from_js, to_js};
use crate::vm::{Parts, Prelude};

/// `native(name, ...arguments)`.
pub(crate) fn native<'js>(ctx: &Ctx<'js>, natives: &Natives) -> Result<Function<'js>> {
    let natives = natives.clone();
    let call = move |ctx: Ctx<'js>, arguments: Rest<rquickjs::Value<'js>>| {
        let mut values = Vec::with_capacity(arguments.0.len());
        for argument in &arguments.0 {
            match from_js(argument) {
                Some(value) => values.push(value),
                None => {
                    let what = argument.type_name();
                    return Err(Exception::throw_type(&ctx, &format!("a native takes no {what}")));
                }
            }
        }
        let name = match (!values.is_empty()).then(|| values.remove(0)) {
            Some(Value::Text(name)) => name,
            _ => return Err(Exception::throw_type(&ctx, "a native has a name")),
        };
        match natives.call(&name, values) {
            Ok(value) => to_js(&ctx, value),
            Err(thrown) => Err(match thrown.class {
                ErrorClass::Type => Exception::throw_type(&ctx, &thrown.message),
                ErrorClass::Range => Exception::throw_range(&ctx, &thrown.message),
                ErrorClass::Error => Exception::throw_message(&ctx, &thrown.message),
            }),
        }
    };
    Function::new(ctx.clone(), call)
}

/// `part(name)`. What is asked for is noted.
pub(crate) fn part<'js>(
    ctx: &Ctx<'js>,
    prelude: &Arc<Prelude>,
    noted: &Parts,
) -> Result<Function<'js>> {
    let (prelude, noted) = (prelude.clone(), noted.clone());
    Function::new(ctx.clone(), move |ctx: Ctx<'js>, name: String| {
        noted.add(&name);
        prelude.load(&ctx, &name)
    })
}
