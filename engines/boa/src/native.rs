//! The two host functions of the prelude.

use std::path::Path;

use boa_engine::{
    Context, JsArgs, JsNativeError, JsResult, JsValue, NativeFunction, Script, Source,
};
use mik_javascript::{ErrorClass, Natives, Thrown, Value, prelude};

use crate::convert::{from_js, text, to_js};
use crate::failure::over;

/// `native(name, ...arguments)`, for a realm that has its [`Natives`] among its data.
pub(crate) fn native(context: &Context) -> JsValue {
    NativeFunction::from_fn_ptr(call).to_js_function(context.realm()).into()
}

/// `part(name)`.
pub(crate) fn part(context: &Context) -> JsValue {
    NativeFunction::from_fn_ptr(load).to_js_function(context.realm()).into()
}

fn call(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let Some(natives) = context.get_data::<Natives>().cloned() else {
        return Err(type_error("there is no host"));
    };
    // A loop that calls the host can be stopped here.
    if natives.is_over() {
        return Err(over());
    }
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let value = from_js(argument, context)
            .ok_or_else(|| type_error(format!("a native takes no {}", argument.type_of())))?;
        values.push(value);
    }
    let name = match (!values.is_empty()).then(|| values.remove(0)) {
        Some(Value::Text(name)) => name,
        _ => return Err(type_error("a native has a name")),
    };
    let value = natives.call(&name, values).map_err(thrown)?;
    to_js(value, context)
}

fn load(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    match arguments.get_or_undefined(0).as_string() {
        Some(name) => evaluate(&text(&name), context),
        None => Err(type_error("a part has a name")),
    }
}

/// The function that a part of the prelude is.
pub(crate) fn evaluate(name: &str, context: &mut Context) -> JsResult<JsValue> {
    let source =
        prelude::part(name).ok_or_else(|| type_error(format!("there is no part {name}")))?;
    let file = prelude::file(name);
    let source = Source::from_bytes(source).with_path(Path::new(&file));
    Script::parse(source, None, context)?.evaluate(context)
}

fn type_error(message: impl Into<String>) -> boa_engine::JsError {
    thrown(Thrown::type_error(message))
}

fn thrown(thrown: Thrown) -> boa_engine::JsError {
    let error = match thrown.class {
        ErrorClass::Error => JsNativeError::error(),
        ErrorClass::Type => JsNativeError::typ(),
        ErrorClass::Range => JsNativeError::range(),
    };
    error.with_message(thrown.message).into()
}
