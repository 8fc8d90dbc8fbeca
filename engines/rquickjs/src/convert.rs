//! Values, from Rust to QuickJS and back.

use bytes::Bytes;
use mik_javascript::Value;
use rquickjs::{Array, ArrayBuffer, Ctx, IntoJs, Result, String as JsString, TypedArray, qjs};

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

/// Takes values from QuickJS. What it copies lies outside of the heap, so it has a limit of its own: whether a
/// list is ours or one that a script has put in the place of ours, nobody can know.
#[derive(Debug)]
pub(crate) struct FromJs {
    /// Bytes that may still be copied; `None` when that was too little.
    left: Option<usize>,
}

impl FromJs {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: Some(bytes) }
    }

    /// Whether a value was refused because all of them were too large.
    pub(crate) fn is_spent(&self) -> bool {
        self.left.is_none()
    }

    /// A value of QuickJS; `None` for one that has no business here.
    pub(crate) fn take(&mut self, value: &rquickjs::Value<'_>) -> Option<Value> {
        self.take_at(value, 0)
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left?.checked_sub(bytes);
        self.left.map(drop)
    }

    fn take_at(&mut self, value: &rquickjs::Value<'_>, depth: usize) -> Option<Value> {
        self.spend(size_of::<Value>())?;
        if let Some(text) = value.as_string() {
            return read(text, |bytes| self.spend(bytes.len()).map(|()| utf8(bytes)))
                .map(Value::Text);
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
            return if depth < DEEP { self.list(array, depth + 1) } else { None };
        }
        self.bytes(value).map(Value::Bytes)
    }

    fn list(&mut self, array: &Array<'_>, depth: usize) -> Option<Value> {
        // Its own `len` panics at lengths beyond 31 bits.
        let length: f64 = array.as_object().get("length").ok()?;
        let mut list = Vec::new();
        while (list.len() as f64) < length {
            let item: rquickjs::Value<'_> = array.as_object().get(list.len() as f64).ok()?;
            list.push(self.take_at(&item, depth)?);
        }
        Some(Value::List(list))
    }

    fn bytes(&mut self, value: &rquickjs::Value<'_>) -> Option<Bytes> {
        let object = value.as_object()?;
        if let Some(array) = object.as_typed_array::<u8>() {
            return self.copy(array.as_raw());
        }
        self.copy(ArrayBuffer::from_object(object.clone())?.as_raw())
    }

    #[allow(unsafe_code, reason = "the bytes of a buffer are copied before any script runs again")]
    fn copy(&mut self, raw: Option<std::ptr::NonNull<[u8]>>) -> Option<Bytes> {
        let raw = raw?;
        self.spend(raw.len())?;
        // SAFETY: the buffer is alive, no JavaScript runs while it is read, and nothing else has a view of it.
        Some(Bytes::copy_from_slice(unsafe { raw.as_ref() }))
    }
}

/// Reads a string, whose lone surrogates are three bytes each. No JavaScript runs: called from within a script, it
/// would get a stack of its own.
#[allow(unsafe_code, reason = "what reads strings safely refuses lone surrogates")]
fn read<T>(text: &JsString<'_>, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let ctx = text.ctx().as_raw().as_ptr();
    let mut length = 0;
    // SAFETY: it is a string of this context; the bytes stay until they are freed below.
    let bytes = unsafe { qjs::JS_ToCStringLen(ctx, &raw mut length, text.as_value().as_raw()) };
    if bytes.is_null() {
        return None;
    }
    // SAFETY: there are so many.
    let made = read(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) });
    // SAFETY: they came from there, and nobody has them any more.
    unsafe { qjs::JS_FreeCString(ctx, bytes) };
    made
}

/// Lone surrogates become U+FFFD, as a USVString has it.
fn utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // Of a surrogate each byte comes by itself, and the first of them stands for it.
        if chunk.invalid().first() == Some(&0xed) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rquickjs::{Context, Runtime};

    use super::*;

    fn from_js(value: &rquickjs::Value<'_>) -> Option<Value> {
        FromJs::new(1 << 20).take(value)
    }

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
    fn what_is_too_large_is_refused_before_it_is_copied() {
        with(|ctx| {
            for source in [
                "'a'.repeat(1 << 20)",
                "new Uint8Array(1 << 20)",
                "new Array(1 << 20).fill(1)",
                "new Array(2 ** 32 - 1)",
                "Array.from({ length: 4 }, () => 'a'.repeat(1 << 18))",
            ] {
                let mut from_js = FromJs::new(1 << 20);
                assert_eq!(from_js.take(&ctx.eval(source).unwrap()), None, "{source}");
                assert!(from_js.is_spent(), "{source}");
            }
        });
    }

    #[test]
    fn buffers_are_bytes_and_lone_surrogates_are_replaced() {
        with(|ctx| {
            let value = |source: &str| from_js(&ctx.eval(source).unwrap());
            assert_eq!(value("'a\\ud800b'"), Some("a\u{fffd}b".into()));
            assert_eq!(
                value("'\\udc00\\ud800\\ud83d\\ude00'"),
                Some("\u{fffd}\u{fffd}\u{1f600}".into())
            );
            let bytes = Bytes::from_static(&[2, 3]);
            assert_eq!(value("new Uint8Array([1, 2, 3]).subarray(1)"), Some(bytes.clone().into()));
            assert_eq!(value("new Uint8Array([2, 3]).buffer"), Some(bytes.into()));
        });
    }
}
