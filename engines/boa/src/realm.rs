//! One realm, on the thread that it belongs to.

use std::rc::Rc;
use std::sync::Arc;

use boa_engine::builtins::promise::PromiseState;
use boa_engine::object::builtins::{JsFunction, JsPromise};
use boa_engine::{Context, JsError, JsNativeError, JsResult, JsString, JsValue};
use mik_javascript::{Broken, Event, Natives, WorldLimits, prelude};

use crate::convert::to_js;
use crate::failure::{broken, thrown};
use crate::globals::Front;
use crate::imports::Compiled;
use crate::native::{evaluate, native, part};
use crate::vm::{Program, context};

/// A realm in which a script runs.
pub(crate) struct Realm {
    deliver: JsFunction,
    context: Context,
    natives: Natives,
}

impl Realm {
    pub(crate) fn open(
        program: &Arc<Program>,
        limits: &WorldLimits,
        natives: &Natives,
    ) -> Result<Self, Broken> {
        let modules = Rc::new(Compiled::new(program.clone()));
        let mut context = context(limits, modules.clone(), Some(natives))?;
        let deliver = begin(program, &mut context);
        let deliver = deliver.map_err(|error| broken(error, Some(natives), &mut context))?;
        let mut realm = Self { deliver, context, natives: natives.clone() };
        let export = realm.export(&program.entry.name, &modules)?;
        realm.tell(&[JsString::from("main").into(), export])?;
        Ok(realm)
    }

    /// Tells the prelude, then runs every job that is pending, and those that they make.
    pub(crate) fn deliver(&mut self, event: Event) -> Result<(), Broken> {
        let context = &mut self.context;
        let arguments = event.into_arguments().into_iter().map(|value| to_js(value, context));
        let arguments = arguments.collect::<JsResult<Vec<_>>>();
        let arguments = arguments.map_err(|error| self.broken(error))?;
        self.tell(&arguments)?;
        self.run_jobs()
    }

    /// Runs the top level of the script; gives its default export.
    fn export(&mut self, name: &str, modules: &Compiled) -> Result<JsValue, Broken> {
        let entry = modules.module(name, &mut self.context);
        let entry = entry.map_err(|error| self.broken(error))?;
        let loading = entry.load(&mut self.context);
        self.settle(&loading)?;
        entry.link(&mut self.context).map_err(|error| self.broken(error))?;
        let running = entry.evaluate(&mut self.context).map_err(|error| self.broken(error))?;
        self.settle(&running)?;
        let export = entry.get_value(JsString::from("default"), &mut self.context);
        export.map_err(|error| self.broken(error))
    }

    fn settle(&mut self, promise: &JsPromise) -> Result<(), Broken> {
        self.run_jobs()?;
        match promise.state() {
            PromiseState::Fulfilled(_) => Ok(()),
            PromiseState::Rejected(reason) => Err(thrown(&reason, &mut self.context)),
            PromiseState::Pending => {
                let message = "the top level of the script awaits what only happens while a request is answered";
                Err(Broken::threw(message))
            }
        }
    }

    fn tell(&mut self, arguments: &[JsValue]) -> Result<(), Broken> {
        let told = self.deliver.call(&JsValue::undefined(), arguments, &mut self.context);
        told.map(drop).map_err(|error| self.broken(error))
    }

    fn run_jobs(&mut self) -> Result<(), Broken> {
        let ran = self.context.run_jobs();
        // A promise may have swallowed what stopped the script.
        if self.natives.is_over() {
            return Err(Broken::Stopped);
        }
        ran.map_err(|error| self.broken(error))
    }

    fn broken(&mut self, error: JsError) -> Broken {
        broken(error, Some(&self.natives), &mut self.context)
    }
}

/// Runs the prelude; gives what it is told everything by.
fn begin(program: &Program, context: &mut Context) -> JsResult<JsFunction> {
    let core = function(&evaluate(prelude::CORE, context)?)?;
    let globals = to_js(program.globals.clone(), context)?;
    let host = [native(context), part(context), globals];
    let front = Front::new(context)?;
    let deliver = core.call(&JsValue::undefined(), &host, context)?;
    front.open(&program.globals, context)?;
    function(&deliver)
}

fn function(value: &JsValue) -> JsResult<JsFunction> {
    value.as_function().ok_or_else(|| {
        JsNativeError::typ().with_message("the prelude is not what the engine expects").into()
    })
}
