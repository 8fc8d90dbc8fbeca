//! Values, from Rust to QuickJS and back.

use bytes::Bytes;
use mik_javascript::Value;
use rquickjs::{Array, ArrayBuffer, Ctx, IntoJs, Result, String as JsString, TypedArray};

/// How deep lists may lie in each other. The prelude needs two.
const DEEP: usize = 8;

/// A value for QuickJS.
pub(crate) fn to_js<'js>(ctx: &Ctx<'js>, value: Value) -> Result<rquickjs::Value<'js>> {
    match value {
        Value::Undefined => Ok(rquickjs::Value::new_undefined(ctx.clone())),
        Value::Null => Ok(rquickjs::Value::new_null(ctx.clone())),
        Value::Bool(value) => Ok(rquickjs::Value::new_bool(ctx.clone(), value)),
        Value::Number(number) => Ok(rquickjs::Value::new_number(ctx.clone(), number)),
        Value::Text(text) => JsString::from_str(ctx.clone(), &text).map(JsString::into_value),
        Value::Bytes(bytes) => {
            TypedArray::<u8>::new_copy(ctx.clone(), &bytes).map(TypedArray::into_value)
        }
        Value::List(values) => {
            let array = Array::new(ctx.clone())?;
            for (index, value) in values.into_iter().enumerate() {
                array.set(index, to_js(ctx, value)?)?;
            }
            array.into_js(ctx)
        }
    }
}

/// A value of QuickJS; `None` for one that has no business here.
pub(crate) fn from_js(value: &rquickjs::Value<'_>) -> Option<Value> {
    from_js_at(value, 0)
}

fn from_js_at(value: &rquickjs::Value<'_>, depth: usize) -> Option<Value> {
    if let Some(text) = value.as_string() {
        return self::text(text).map(Value::Text);
    }
    if let Some(number) = value.as_number() {
        return Some(Value::Number(number));
    }
    if let Some(value) = value.as_bool() {
        return Some(Value::Bool(value));
    }
    if value.is_undefined() {
        return Some(Value::Undefined);
    }
    if value.is_null() {
        return Some(Value::Null);
    }
    if let Some(array) = value.as_array() {
        if depth == DEEP {
            return None;
        }
        let items = array.iter::<rquickjs::Value<'_>>();
        return items
            .map(|item| from_js_at(&item.ok()?, depth + 1))
            .collect::<Option<_>>()
            .map(Value::List);
    }
    bytes(value).map(Value::Bytes)
}

fn bytes(value: &rquickjs::Value<'_>) -> Option<Bytes> {
    let object = value.as_object()?;
    if let Some(array) = object.as_typed_array::<u8>() {
        return copy(array.as_raw());
    }
    copy(ArrayBuffer::from_object(object.clone())?.as_raw())
}

#[allow(unsafe_code, reason = "the bytes of a buffer are copied before any script runs again")]
fn copy(raw: Option<std::ptr::NonNull<[u8]>>) -> Option<Bytes> {
    // SAFETY: the buffer is alive, no JavaScript runs while it is read, and nothing else has a view of it.
    Some(Bytes::copy_from_slice(unsafe { raw?.as_ref() }))
}

/// A string in UTF-8: lone surrogates become U+FFFD, as a USVString has it.
pub(crate) fn text(text: &JsString<'_>) -> Option<String> {
    if let Ok(text) = text.to_string() {
        return Some(text);
    }
    let well_formed: rquickjs::Function<'_> = text.ctx().eval("(s => s.toWellFormed())").ok()?;
    well_formed.call::<_, JsString<'_>>((text.clone(),)).ok()?.to_string().ok()
}

#[cfg(test)]
mod tests {
    use rquickjs::{Context, Runtime};

    use super::*;

    fn with(test: impl FnOnce(&Ctx<'_>)) {
        let runtime = Runtime::new().unwrap();
        Context::full(&runtime).unwrap().with(|ctx| test(&ctx));
    }

    #[test]
    fn values_go_there_and_back() {
        with(|ctx| {
            for value in [
                Value::Undefined,
                Value::Null,
                true.into(),
                1.5.into(),
                (-3.0).into(),
                "".into(),
                "a\u{0}\u{1f600}".into(),
                Bytes::from_static(b"\x00\xff").into(),
                Value::List(vec![Value::texts(["a", "b"]), Value::List(vec![])]),
            ] {
                assert_eq!(from_js(&to_js(ctx, value.clone()).unwrap()), Some(value));
            }
        });
    }

    #[test]
    fn what_is_no_plain_value_is_refused() {
        with(|ctx| {
            for source in ["({})", "Symbol()", "(() => 1)", "1n", "[[[[[[[[[[]]]]]]]]]]"] {
                let value: rquickjs::Value<'_> = ctx.eval(source).unwrap();
                assert_eq!(from_js(&value), None, "{source}");
            }
        });
    }

    #[test]
    fn buffers_are_bytes_and_lone_surrogates_are_replaced() {
        with(|ctx| {
            let value = |source: &str| from_js(&ctx.eval(source).unwrap());
            assert_eq!(value("'a\\ud800b'"), Some("a\u{fffd}b".into()));
            let bytes = Bytes::from_static(&[2, 3]);
            assert_eq!(value("new Uint8Array([1, 2, 3]).subarray(1)"), Some(bytes.clone().into()));
            assert_eq!(value("new Uint8Array([2, 3]).buffer"), Some(bytes.into()));
        });
    }
}
