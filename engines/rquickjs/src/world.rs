//! One realm: a runtime of its own.

use std::sync::Arc;

use mik_javascript::{Broken, Event, Natives, World, WorldLimits, prelude};
use rquickjs::function::{Args, Function};
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Persistent, Result, Runtime, Value};

use crate::convert::to_js;
use crate::failure::{broken, thrown};
use crate::imports::Compiled;
use crate::native::{native, part};
use crate::vm::{Prelude, Program};

/// A realm in which a script runs.
pub struct QuickWorld {
    // The order in which they go: the function, the context, the runtime.
    deliver: Held,
    context: Context,
    runtime: Runtime,
    natives: Natives,
}

/// A function of the world's own runtime.
struct Held(Persistent<Function<'static>>);

#[allow(unsafe_code, reason = "a value goes with its runtime")]
// SAFETY: the value is touched only inside of `Context::with`, which locks the runtime, and dropped with the
// world, which belongs to one thread at a time.
unsafe impl Send for Held {}

impl QuickWorld {
    pub(crate) fn open(
        prelude: &Arc<Prelude>,
        program: &Arc<Program>,
        limits: &WorldLimits,
        natives: &Natives,
    ) -> std::result::Result<Self, Broken> {
        let runtime = Runtime::new().map_err(|_| Broken::Memory)?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack);
        let watched = natives.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || watched.is_over())));
        let imports = || Compiled(program.imports.clone());
        runtime.set_loader(imports(), imports());
        let context = Context::full(&runtime).map_err(|_| Broken::Memory)?;
        let deliver = context.with(|ctx| {
            let deliver = begin(&ctx, prelude, program, natives);
            let deliver = deliver.map_err(|error| broken(&ctx, &error, Some(natives)))?;
            evaluate(&ctx, &deliver, program, natives)?;
            Ok(Held(Persistent::save(&ctx, deliver)))
        })?;
        Ok(Self { deliver, context, runtime, natives: natives.clone() })
    }
}

/// Runs the prelude; gives what it is told everything by.
fn begin<'js>(
    ctx: &Ctx<'js>,
    prelude: &Arc<Prelude>,
    program: &Program,
    natives: &Natives,
) -> Result<Function<'js>> {
    let core: Function<'js> = prelude.load(ctx, prelude::CORE)?.get()?;
    let globals = to_js(ctx, program.globals.clone())?;
    core.call((native(ctx, natives)?, part(ctx, prelude)?, globals))
}

/// Runs the top level of the script, and tells the prelude its default export.
fn evaluate<'js>(
    ctx: &Ctx<'js>,
    deliver: &Function<'js>,
    program: &Program,
    natives: &Natives,
) -> std::result::Result<(), Broken> {
    let failed = |error| broken(ctx, &error, Some(natives));
    let (module, promise) =
        program.entry.load(ctx).and_then(rquickjs::Module::eval).map_err(failed)?;
    while ctx.execute_pending_job() {
        if natives.is_over() {
            return Err(Broken::Stopped);
        }
    }
    match promise.state() {
        PromiseState::Resolved => {}
        PromiseState::Rejected => {
            let _ = promise.result::<Value<'js>>();
            return Err(thrown(ctx, Some(natives)));
        }
        PromiseState::Pending => {
            let message =
                "the top level of the script awaits what only happens while a request is answered";
            return Err(Broken::threw(message));
        }
    }
    let export: Value<'js> =
        module.namespace().and_then(|all| all.get("default")).map_err(failed)?;
    deliver.call::<_, ()>(("main", export)).map_err(failed)
}

impl World for QuickWorld {
    fn deliver(&mut self, event: Event) -> std::result::Result<(), Broken> {
        let natives = &self.natives;
        self.context.with(|ctx| {
            let told = || {
                let deliver = self.deliver.0.clone().restore(&ctx)?;
                let arguments = event.into_arguments();
                let mut args = Args::new(ctx.clone(), arguments.len());
                for argument in arguments {
                    args.push_arg(to_js(&ctx, argument)?)?;
                }
                args.apply::<()>(&deliver)
            };
            told().map_err(|error| broken(&ctx, &error, Some(natives)))
        })?;
        loop {
            let ran = self.runtime.execute_pending_job();
            // A promise may have swallowed what stopped the script.
            if natives.is_over() {
                return Err(Broken::Stopped);
            }
            match ran {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(exception) => {
                    return Err(exception.0.with(|ctx| thrown(&ctx, Some(natives))));
                }
            }
        }
    }
}
