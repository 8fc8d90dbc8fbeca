//! The two host functions of the prelude.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mik_javascript::{ErrorClass, Natives, Value};
use rquickjs::function::Rest;
use rquickjs::{Ctx, Exception, Function, Result};

use crate::convert::{FromJs, to_js};
use crate::stack::Stack;
use crate::vm::{Parts, Prelude};

/// Whether one of the two has panicked. A clone is the same.
///
/// QuickJS would carry the panic on with an exception that a script can swallow, and it would come up in another
/// run of the same world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panicked(Arc<AtomicBool>);

impl Panicked {
    pub(crate) fn has(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn guard<'js, T>(&self, ctx: &Ctx<'js>, run: impl FnOnce() -> Result<T>) -> Result<T> {
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            self.0.store(true, Ordering::Relaxed);
            Err(Exception::throw_message(ctx, "the host has failed"))
        })
    }
}

/// `native(name, ...arguments)`. Its arguments have at most so many bytes together.
pub(crate) fn native<'js>(
    ctx: &Ctx<'js>,
    natives: &Natives,
    most: usize,
    panicked: &Panicked,
) -> Result<Function<'js>> {
    let (natives, panicked) = (natives.clone(), panicked.clone());
    let call = move |ctx: &Ctx<'js>, arguments: &[rquickjs::Value<'js>]| {
        let mut from_js = FromJs::new(most);
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match from_js.take(argument) {
                Some(value) => values.push(value),
                None if from_js.is_spent() => {
                    let message = "what is handed to the host is larger than the script's memory";
                    return Err(Exception::throw_range(ctx, message));
                }
                None => {
                    let what = argument.type_name();
                    return Err(Exception::throw_type(ctx, &format!("a native takes no {what}")));
                }
            }
        }
        let name = match (!values.is_empty()).then(|| values.remove(0)) {
            Some(Value::Text(name)) => name,
            _ => return Err(Exception::throw_type(ctx, "a native has a name")),
        };
        match natives.call(&name, values) {
            Ok(value) => to_js(ctx, value),
            Err(thrown) => Err(match thrown.class {
                ErrorClass::Type => Exception::throw_type(ctx, &thrown.message),
                ErrorClass::Range => Exception::throw_range(ctx, &thrown.message),
                ErrorClass::Error => Exception::throw_message(ctx, &thrown.message),
            }),
        }
    };
    Function::new(ctx.clone(), move |ctx: Ctx<'js>, arguments: Rest<rquickjs::Value<'js>>| {
        panicked.guard(&ctx, || call(&ctx, &arguments.0))
    })
}

/// `part(name)`. What is asked for is noted.
pub(crate) fn part<'js>(
    ctx: &Ctx<'js>,
    prelude: &Arc<Prelude>,
    noted: &Parts,
    stack: &Stack,
    panicked: &Panicked,
) -> Result<Function<'js>> {
    let (prelude, noted) = (prelude.clone(), noted.clone());
    let (stack, panicked) = (stack.clone(), panicked.clone());
    Function::new(ctx.clone(), move |ctx: Ctx<'js>, name: String| {
        noted.add(&name);
        let part = panicked.guard(&ctx, || prelude.load(&ctx, &name));
        stack.resume(&ctx);
        part
    })
}
