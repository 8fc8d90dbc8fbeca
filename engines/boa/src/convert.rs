//! Values, from Rust to Boa and back.

use std::ops::Range;

use boa_engine::object::builtins::{
    AlignedVec, JsArray, JsArrayBuffer, JsDataView, JsTypedArray, JsUint8Array,
};
use boa_engine::value::JsVariant;
use boa_engine::{Context, JsObject, JsResult, JsString, JsValue};
use bytes::Bytes;
use mik_javascript::Value;

/// How deep lists may lie in each other. The prelude needs two.
const DEEP: usize = 8;

/// A value for Boa.
pub(crate) fn to_js(value: Value, context: &mut Context) -> JsResult<JsValue> {
    Ok(match value {
        Value::Undefined => JsValue::undefined(),
        Value::Null => JsValue::null(),
        Value::Bool(value) => value.into(),
        Value::Number(number) => number.into(),
        Value::Text(text) => JsString::from(text).into(),
        Value::Bytes(bytes) => {
            // Boa wants the memory of a buffer aligned so.
            let block = AlignedVec::from_slice(64, &bytes);
            let buffer = JsArrayBuffer::from_byte_block(block, context)?;
            JsUint8Array::from_array_buffer(buffer, context)?.into()
        }
        Value::List(values) => {
            let items = values.into_iter().map(|value| to_js(value, context));
            let items = items.collect::<JsResult<Vec<_>>>()?;
            JsArray::from_iter(items, context).into()
        }
    })
}

/// A value of Boa; `None` for one that has no business here.
pub(crate) fn from_js(value: &JsValue, context: &mut Context) -> Option<Value> {
    from_js_at(value, 0, context)
}

fn from_js_at(value: &JsValue, depth: usize, context: &mut Context) -> Option<Value> {
    Some(match value.variant() {
        JsVariant::Undefined => Value::Undefined,
        JsVariant::Null => Value::Null,
        JsVariant::Boolean(value) => Value::Bool(value),
        JsVariant::Integer32(number) => Value::Number(number.into()),
        JsVariant::Float64(number) => Value::Number(number),
        JsVariant::String(text) => Value::Text(self::text(&text)),
        JsVariant::Object(object) if object.is_array() => {
            if depth == DEEP {
                return None;
            }
            let array = JsArray::from_object(object.clone()).ok()?;
            let length = array.length(context).ok()?;
            let items = (0..length).map(|index| {
                let item = array.get(index, context).ok()?;
                from_js_at(&item, depth + 1, context)
            });
            Value::List(items.collect::<Option<_>>()?)
        }
        JsVariant::Object(object) => Value::Bytes(bytes(&object, context)?),
        JsVariant::BigInt(_) | JsVariant::Symbol(_) => return None,
    })
}

/// A copy of what a buffer holds, or a view of one shows.
fn bytes(object: &JsObject, context: &mut Context) -> Option<Bytes> {
    if let Ok(buffer) = JsArrayBuffer::from_object(object.clone()) {
        return copy(&buffer, 0..buffer.byte_length());
    }
    let (buffer, start, length) = if let Ok(view) = JsTypedArray::from_object(object.clone()) {
        let (start, length) = (view.byte_offset(context).ok()?, view.byte_length(context).ok()?);
        (view.buffer(context).ok()?, start, length)
    } else {
        let view = JsDataView::from_object(object.clone()).ok()?;
        let (start, length) = (view.byte_offset(context).ok()?, view.byte_length(context).ok()?);
        let (start, length) = (usize::try_from(start).ok()?, usize::try_from(length).ok()?);
        (view.buffer(context).ok()?, start, length)
    };
    let buffer = JsArrayBuffer::from_object(buffer.as_object()?.clone()).ok()?;
    copy(&buffer, start..start.checked_add(length)?)
}

fn copy(buffer: &JsArrayBuffer, range: Range<usize>) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(buffer.data()?.get(range)?))
}

/// A string in UTF-8: lone surrogates become U+FFFD, as a USVString has it.
pub(crate) fn text(text: &JsString) -> String {
    text.to_std_string_lossy()
}

#[cfg(test)]
mod tests {
    use boa_engine::Source;

    use super::*;

    fn eval(source: &str, context: &mut Context) -> Option<Value> {
        let value = context.eval(Source::from_bytes(source)).unwrap();
        from_js(&value, context)
    }

    fn context() -> Context {
        Context::builder().instructions_remaining(1_000_000).build().unwrap()
    }

    #[test]
    fn values_go_there_and_back() {
        let context = &mut context();
        for value in [
            Value::Undefined,
            Value::Null,
            true.into(),
            1.5.into(),
            (-3.0).into(),
            f64::from(u32::MAX).into(),
            "".into(),
            "a\u{0}\u{1f600}".into(),
            Bytes::new().into(),
            Bytes::from_static(b"\x00\xff").into(),
            Value::List(vec![Value::texts(["a", "b"]), Value::List(vec![])]),
        ] {
            let js = to_js(value.clone(), context).unwrap();
            assert_eq!(from_js(&js, context), Some(value));
        }
    }

    #[test]
    fn what_is_no_plain_value_is_refused() {
        let context = &mut context();
        for source in ["({})", "Symbol()", "(() => 1)", "1n", "[[[[[[[[[[]]]]]]]]]]", "[{}]"] {
            assert_eq!(eval(source, context), None, "{source}");
        }
    }

    #[test]
    fn buffers_are_bytes_and_lone_surrogates_are_replaced() {
        let context = &mut context();
        assert_eq!(eval("'a\\ud800b'", context), Some("a\u{fffd}b".into()));
        let bytes = Bytes::from_static(&[2, 3]);
        for source in [
            "new Uint8Array([1, 2, 3]).subarray(1)",
            "new Uint8Array([2, 3]).buffer",
            "new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)",
            "new Uint16Array([0, 770]).subarray(1)",
        ] {
            assert_eq!(eval(source, context), Some(bytes.clone().into()), "{source}");
        }
    }

    #[test]
    fn bytes_for_a_script_are_an_array_of_its_own() {
        let context = &mut context();
        let value = to_js(Bytes::from_static(b"ab").into(), context).unwrap();
        context.global_object().set(JsString::from("it"), value, true, context).unwrap();
        let shape =
            eval("[it.constructor === Uint8Array, it.length, it.buffer.byteLength]", context);
        assert_eq!(shape, Some(Value::List(vec![true.into(), 2.0.into(), 2.0.into()])));
    }
}
