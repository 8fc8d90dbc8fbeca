//! From types to JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::{Object, Value, Writer};

/// What can be written as JSON. `#[derive(Type)]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as JSON",
    note = "a type of yours can with `#[derive(Type)]`"
)]
pub trait ToJson {
    /// Writes this value: exactly one.
    fn to_json(&self, out: &mut Writer);
}

macro_rules! integers {
    ($($type:ty => $method:ident($wide:ty)),*) => {$(
        impl ToJson for $type {
            fn to_json(&self, out: &mut Writer) {
                out.$method(*self as $wide);
            }
        }
    )*};
}

integers!(
    u8 => unsigned(u64), u16 => unsigned(u64), u32 => unsigned(u64), u64 => unsigned(u64), usize => unsigned(u64),
    i8 => signed(i64), i16 => signed(i64), i32 => signed(i64), i64 => signed(i64), isize => signed(i64)
);

impl ToJson for u128 {
    fn to_json(&self, out: &mut Writer) {
        out.raw(&self.to_string());
    }
}

impl ToJson for i128 {
    fn to_json(&self, out: &mut Writer) {
        out.raw(&self.to_string());
    }
}

impl ToJson for f64 {
    fn to_json(&self, out: &mut Writer) {
        out.float(*self);
    }
}

impl ToJson for f32 {
    fn to_json(&self, out: &mut Writer) {
        out.float32(*self);
    }
}

impl ToJson for bool {
    fn to_json(&self, out: &mut Writer) {
        out.bool(*self);
    }
}

impl ToJson for str {
    fn to_json(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl ToJson for String {
    fn to_json(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl ToJson for Cow<'_, str> {
    fn to_json(&self, out: &mut Writer) {
        out.string(self);
    }
}

impl ToJson for char {
    fn to_json(&self, out: &mut Writer) {
        out.string(self.encode_utf8(&mut [0; 4]));
    }
}

/// As a string: `json!({ "text": format_args!("{a} and {b}") })`.
impl ToJson for fmt::Arguments<'_> {
    fn to_json(&self, out: &mut Writer) {
        out.display(*self);
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self, out: &mut Writer) {
        (**self).to_json(out);
    }
}

impl<T: ToJson + ?Sized> ToJson for Box<T> {
    fn to_json(&self, out: &mut Writer) {
        (**self).to_json(out);
    }
}

/// `null` if there is none.
impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self, out: &mut Writer) {
        match self {
            Some(value) => value.to_json(out),
            None => out.null(),
        }
    }
}

impl<T: ToJson> ToJson for [T] {
    fn to_json(&self, out: &mut Writer) {
        out.begin_array();
        for item in self {
            item.to_json(out);
        }
        out.end_array();
    }
}

impl<T: ToJson, const N: usize> ToJson for [T; N] {
    fn to_json(&self, out: &mut Writer) {
        self.as_slice().to_json(out);
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self, out: &mut Writer) {
        self.as_slice().to_json(out);
    }
}

impl<K: AsRef<str>, T: ToJson> ToJson for BTreeMap<K, T> {
    fn to_json(&self, out: &mut Writer) {
        members(self.iter(), out);
    }
}

impl<K: AsRef<str>, T: ToJson, S> ToJson for HashMap<K, T, S> {
    fn to_json(&self, out: &mut Writer) {
        members(self.iter(), out);
    }
}

fn members<'a, K: AsRef<str> + 'a, T: ToJson + 'a>(
    members: impl Iterator<Item = (&'a K, &'a T)>,
    out: &mut Writer,
) {
    out.begin_object();
    for (name, value) in members {
        out.key(name.as_ref());
        value.to_json(out);
    }
    out.end_object();
}

impl ToJson for Value<'_> {
    fn to_json(&self, out: &mut Writer) {
        match self {
            Self::Null => out.null(),
            Self::Bool(value) => out.bool(*value),
            Self::Number(number) => out.raw(number.as_str()),
            Self::String(text) => out.string(text),
            Self::Array(items) => items.as_slice().to_json(out),
            Self::Object(object) => object.to_json(out),
        }
    }
}

impl ToJson for Object<'_> {
    fn to_json(&self, out: &mut Writer) {
        out.begin_object();
        for (name, value) in self.iter() {
            out.key(name);
            value.to_json(out);
        }
        out.end_object();
    }
}
