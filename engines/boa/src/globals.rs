//! The globals of the prelude, which are made when they are first used.
//!
//! The prelude puts an accessor in the place of each, and that puts the value there. Boa remembers where in an
//! object a piece of code found a property, and looks only after the accessor has run: it would then take the
//! value for an accessor, and call it. So the prelude works on an object in front of the real one, whose own
//! accessors stay as they are.

use boa_engine::object::JsObject;
use boa_engine::property::PropertyDescriptor;
use boa_engine::{Context, JsArgs, JsResult, JsString, NativeFunction};
use mik_javascript::Value;

/// What the prelude takes for the global object while it begins.
pub(crate) struct Front(JsObject);

impl Front {
    /// Puts it in place.
    pub(crate) fn new(context: &mut Context) -> JsResult<Self> {
        let front = JsObject::with_null_proto();
        front.set_prototype(Some(context.global_object()));
        define(context, front.clone())?;
        Ok(Self(front))
    }

    /// Takes it away, and lets the real global object have what `names` was put there: name, part, name …
    pub(crate) fn open(self, names: &Value, context: &mut Context) -> JsResult<()> {
        let global = context.global_object();
        define(context, global.clone())?;
        let Value::List(names) = names else { return Ok(()) };
        for name in names.iter().step_by(2) {
            let Value::Text(name) = name else { continue };
            let name = JsString::from(name.as_str());
            let there = (self.0.clone(), name.clone());
            let get = NativeFunction::from_copy_closure_with_captures(
                |_, _, (front, name), context| front.get(name.clone(), context),
                there.clone(),
            );
            let set = NativeFunction::from_copy_closure_with_captures(
                |_, arguments, (front, name), context| {
                    let value = arguments.get_or_undefined(0).clone();
                    front.set(name.clone(), value, true, context).map(Into::into)
                },
                there,
            );
            let accessor = PropertyDescriptor::builder()
                .get(get.to_js_function(context.realm()))
                .set(set.to_js_function(context.realm()))
                .enumerable(false)
                .configurable(true);
            global.define_property_or_throw(name, accessor, context)?;
        }
        Ok(())
    }
}

/// What `globalThis` is.
fn define(context: &mut Context, object: JsObject) -> JsResult<()> {
    let property = PropertyDescriptor::builder()
        .value(object)
        .writable(true)
        .enumerable(false)
        .configurable(true);
    let name = JsString::from("globalThis");
    context.global_object().define_property_or_throw(name, property, context).map(drop)
}

#[cfg(test)]
mod tests {
    use boa_engine::Source;

    use super::*;

    #[test]
    fn a_global_that_makes_itself_may_be_used_at_the_same_place_again() {
        let context = &mut Context::builder().instructions_remaining(1_000_000).build().unwrap();
        let eval = |source: &str, context: &mut Context| {
            context.eval(Source::from_bytes(source)).unwrap().display().to_string()
        };
        let prelude = "
            let made = 0;
            for (const name of ['it', 'other']) {
                const put = (value) => {
                    Object.defineProperty(front, name, { value, writable: true, configurable: true });
                    return value;
                };
                Object.defineProperty(front, name, {
                    get: () => put({ is: () => ++made }), set: put, configurable: true,
                });
            }";
        let front = Front::new(context).unwrap();
        eval(&format!("{{ const front = globalThis; {prelude} }}"), context);
        front.open(&Value::texts(["it", "a", "other", "b"]), context).unwrap();
        assert_eq!(eval("let n = 0; for (let i = 0; i < 5; i++) n += it.is(); n", context), "15");
        let script =
            "const f = (x) => { other = x; return other }; [f(1), f({}), f(2), other] + ''";
        assert_eq!(eval(script, context), "\"1,[object Object],2,2\"");
        assert_eq!(eval("globalThis.it === it && 'other' in globalThis", context), "true");
        assert_eq!(eval("Object.hasOwn(globalThis, 'Object')", context), "true");
    }
}
