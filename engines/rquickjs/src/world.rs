//! One realm: a runtime of its own, for one run after the other, each of which finds it new.

use std::sync::Arc;

use mik_javascript::{Broken, Event, Natives, World, WorldLimits, prelude};
use rquickjs::function::{Args, Function};
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, JsLifetime, Module, Persistent, Result, Runtime, Value};

use crate::convert::to_js;
use crate::failure::{broken, thrown};
use crate::heap::Heap;
use crate::imports::Compiled;
use crate::native::{Panicked, native, part};
use crate::random::{self, Seed};
use crate::stack::Stack;
use crate::vm::{Parts, Prelude, Program};

/// A realm in which a script runs.
pub struct QuickWorld {
    // The order in which they go: what lies in the runtime, the context, the runtime, its memory.
    held: Held,
    context: Context,
    runtime: Runtime,
    heap: Heap,
    program: Arc<Program>,
    outside: Outside,
    /// Whether the top level of the script has run.
    is_begun: bool,
}

/// What belongs to a world and does not lie in its heap. Its functions have clones of it.
struct Outside {
    natives: Natives,
    stack: Stack,
    seed: Seed,
    panicked: Panicked,
    /// Parts of the prelude that are not in the memory that is kept.
    further: Parts,
}

/// What is kept of the world's own runtime.
struct Held {
    deliver: Persistent<Function<'static>>,
    entry: Persistent<Entry<'static>>,
    /// What they call lies outside of the heap and is freed with them: a script that lets go of one, as
    /// `Math.random = 0` does, must not free what a restored heap still points to.
    _functions: [Persistent<Function<'static>>; 3],
}

#[allow(unsafe_code, reason = "values go with their runtime")]
// SAFETY: they are touched only inside of `Context::with`, which locks the runtime, and dropped with the
// world, which belongs to one thread at a time.
unsafe impl Send for Held {}

/// The script, before it has run.
#[derive(Clone)]
struct Entry<'js>(Module<'js>);

#[allow(unsafe_code, reason = "a module is a value like those that may be kept already")]
// SAFETY: it is the lifetime of the runtime that the module is of.
unsafe impl<'js> JsLifetime<'js> for Entry<'js> {
    type Changed<'to> = Entry<'to>;
}

impl QuickWorld {
    pub(crate) fn open(
        prelude: &Arc<Prelude>,
        program: &Arc<Program>,
        limits: &WorldLimits,
        natives: &Natives,
    ) -> std::result::Result<Self, Broken> {
        let heap = Heap::new(limits.memory);
        let runtime = Runtime::new_with_alloc(heap.clone()).map_err(|_| Broken::Memory)?;
        runtime.set_memory_limit(limits.memory);
        let watched = natives.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || watched.is_over())));
        let imports = || Compiled(program.imports.clone());
        runtime.set_loader(imports(), imports());
        let context = Context::full(&runtime).map_err(|_| Broken::Memory)?;
        let outside = Outside {
            natives: natives.clone(),
            stack: Stack::new(limits.stack),
            seed: Seed::new(),
            panicked: Panicked::default(),
            further: Parts::default(),
        };
        let held = context.with(|ctx| {
            outside.stack.enter(&ctx);
            let prepared = prepare(&ctx, prelude, program, limits.memory, &outside);
            prepared.map_err(|error| broken(&ctx, &error, Some(natives)))
        })?;
        outside.further.take();
        heap.keep();
        let program = program.clone();
        let mut world = Self { held, context, runtime, heap, program, outside, is_begun: false };
        world.begin()?;
        Ok(world)
    }

    /// Runs the top level of the script, and tells the prelude its default export.
    fn begin(&mut self) -> std::result::Result<(), Broken> {
        self.is_begun = true;
        self.context.with(|ctx| {
            self.outside.stack.enter(&ctx);
            evaluate(&ctx, &self.held, &self.outside.natives)
        })
    }
}

/// Makes everything up to the first line of the script.
fn prepare<'js>(
    ctx: &Ctx<'js>,
    prelude: &Arc<Prelude>,
    program: &Program,
    memory: usize,
    outside: &Outside,
) -> Result<Held> {
    let Outside { natives, stack, seed, panicked, further } = outside;
    let random = random::install(ctx, seed)?;
    let native = native(ctx, natives, memory, panicked)?;
    let part = part(ctx, prelude, further, stack, panicked)?;
    let functions =
        [&native, &part, &random].map(|function| Persistent::save(ctx, function.clone()));
    let core: Function<'js> = prelude.load(ctx, prelude::CORE)?.get()?;
    let globals = to_js(ctx, program.globals.clone())?;
    let deliver: Function<'js> = core.call((native, part, globals))?;
    for name in program.needed.all() {
        deliver.call::<_, ()>(("part", name))?;
    }
    let entry = Entry(program.entry.load(ctx)?);
    Ok(Held {
        deliver: Persistent::save(ctx, deliver),
        entry: Persistent::save(ctx, entry),
        _functions: functions,
    })
}

fn evaluate<'js>(
    ctx: &Ctx<'js>,
    held: &Held,
    natives: &Natives,
) -> std::result::Result<(), Broken> {
    let failed = |error| broken(ctx, &error, Some(natives));
    let entry = held.entry.clone().restore(ctx).map_err(failed)?;
    let (module, promise) = entry.0.eval().map_err(failed)?;
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
    let deliver = held.deliver.clone().restore(ctx).map_err(failed)?;
    deliver.call::<_, ()>(("main", export)).map_err(failed)
}

impl World for QuickWorld {
    fn deliver(&mut self, event: Event) -> std::result::Result<(), Broken> {
        if !self.is_begun {
            self.begin()?;
        }
        let natives = &self.outside.natives;
        self.context.with(|ctx| {
            self.outside.stack.enter(&ctx);
            let told = || {
                let deliver = self.held.deliver.clone().restore(&ctx)?;
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

    fn reset(&mut self) -> bool {
        if self.outside.panicked.has() {
            return false;
        }
        let further = self.outside.further.take();
        if !further.is_empty() {
            // The next world that is made has them in it.
            further.iter().for_each(|name| self.program.needed.add(name));
            return false;
        }
        self.heap.restore();
        self.outside.seed.renew();
        self.is_begun = false;
        true
    }
}

impl Drop for QuickWorld {
    /// It ends as it was made, whatever a script has left of it: QuickJS ends the process where it finds something
    /// amiss.
    fn drop(&mut self) {
        if self.is_begun {
            self.heap.restore();
        }
    }
}
