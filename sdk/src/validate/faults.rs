//! What is wrong with what a client sent.

use std::borrow::Cow;

use crate::json::{SyntaxError, ToJson, Value, Writer};
use crate::response::{Problem, Response};

/// How many faults are kept. More help nobody.
const MOST: usize = 100;

/// Where a fault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In JSON: a pointer (RFC 6901), `/items/0/name`. Empty: all of it.
    Pointer(String),
    /// Elsewhere.
    Parameter {
        /// `path`, `query` or `form`.
        within: &'static str,
        /// The name of the parameter.
        name: &'static str,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    place: Place,
    code: &'static str,
    detail: Cow<'static, str>,
}

impl Fault {
    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it is, for programs. The SDK's own: `syntax`, `required`, `type`, `min`, `max`, `pattern`, `format`, `choice`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What it is, in a sentence that goes on from the field's name: "must be at most 150".
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// All that is wrong, at most 100 of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    list: Vec<Fault>,
    /// Those as well that are no longer kept.
    count: usize,
}

impl Faults {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// The only fault of what is not JSON at all.
    pub(crate) fn syntax(error: &SyntaxError) -> Self {
        let mut faults = Self::new();
        faults.add("syntax", error.sentence());
        faults
    }

    /// A fault of the whole content.
    pub fn add(&mut self, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        self.push(Place::Pointer(String::new()), code, detail.into());
    }

    /// A fault at a place in JSON, given by a pointer (RFC 6901): `/items/0/name`.
    pub fn add_at(
        &mut self,
        pointer: &str,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.push(Place::Pointer(pointer.to_owned()), code, detail.into());
    }

    /// A fault of a parameter; `within` is `path`, `query` or `form`.
    pub fn add_in(
        &mut self,
        within: &'static str,
        name: &'static str,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.push(Place::Parameter { within, name }, code, detail.into());
    }

    // Faults are rare, and noted in many places: their code is there once.
    #[cold]
    #[inline(never)]
    fn push(&mut self, place: Place, code: &'static str, detail: Cow<'static, str>) {
        self.count += 1;
        if !self.is_full() {
            self.list.push(Fault { place, code, detail });
        }
    }

    /// Is nothing wrong?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Is it not worth looking for more?
    pub fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    /// The faults, as they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.list.iter()
    }

    /// # Errors
    /// The faults, if there is one.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }

    /// What the problem says in `detail`: "2 fields are not valid".
    pub fn summary(&self) -> String {
        if self.list.first().is_some_and(|fault| fault.code == "syntax") {
            return "the content is not valid JSON".to_owned();
        }
        // The faults of a field follow one another.
        let places = self.list.iter().map(Fault::place);
        let fields =
            places.clone().zip(places.skip(1)).filter(|(one, next)| one != next).count() + 1;
        let mut out = Writer::new();
        out.unsigned(fields as u64);
        out.part(if self.count > self.list.len() { " or more" } else { "" });
        out.part(if fields == 1 { " field is not valid" } else { " fields are not valid" });
        out.finish()
    }
}

/// What readers of values use. A fault is noted without a place; whoever knows the place adds it.
impl Faults {
    /// How many there were so far: the mark from which places are added.
    #[doc(hidden)]
    pub fn count(&self) -> usize {
        self.count
    }

    /// A fault, and no value.
    pub(crate) fn fail<T>(
        &mut self,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.add(code, detail);
        None
    }

    /// A fault whose sentence is put together.
    #[cold]
    #[inline(never)]
    pub(crate) fn sentence(&mut self, code: &'static str, parts: &[&str]) {
        self.add(code, parts.concat());
    }

    pub(crate) fn missing<T>(&mut self) -> Option<T> {
        self.fail("required", "is missing")
    }

    pub(crate) fn mismatch<T>(&mut self, expected: &str, found: &Value<'_>) -> Option<T> {
        self.sentence("type", &["must be ", expected, ", not ", found.kind()]);
        None
    }

    pub(crate) fn unreadable<T>(&mut self, code: &'static str, expected: &str) -> Option<T> {
        self.sentence(code, &["must be ", expected]);
        None
    }

    /// A number that is less or more than its type holds.
    pub(crate) fn out_of_range<T>(&mut self, less: bool, (min, max): (&str, &str)) -> Option<T> {
        if less {
            self.sentence("min", &["must be at least ", min]);
        } else {
            self.sentence("max", &["must be at most ", max]);
        }
        None
    }

    /// Those since the mark are in this member.
    pub(crate) fn within(&mut self, mark: usize, name: &str) {
        if self.list.len() > mark {
            self.put_within(mark, name);
        }
    }

    #[cold]
    #[inline(never)]
    fn put_within(&mut self, mark: usize, name: &str) {
        for fault in self.list.iter_mut().skip(mark) {
            if let Place::Pointer(pointer) = &mut fault.place {
                let name = name.replace('~', "~0").replace('/', "~1");
                *pointer = ["/", &name, pointer].concat();
            }
        }
    }

    /// Those since the mark are in this item.
    pub(crate) fn within_item(&mut self, mark: usize, index: usize) {
        if self.list.len() > mark {
            let mut out = Writer::new();
            out.unsigned(index as u64);
            self.within(mark, out.as_str());
        }
    }

    /// Those since the mark are of this parameter.
    pub(crate) fn within_parameter(
        &mut self,
        mark: usize,
        within: &'static str,
        name: &'static str,
    ) {
        for fault in self.list.iter_mut().skip(mark) {
            fault.place = Place::Parameter { within, name };
        }
    }
}

impl ToJson for Fault {
    fn to_json(&self, out: &mut Writer) {
        out.begin_object();
        match &self.place {
            Place::Pointer(pointer) => {
                out.key("pointer");
                out.string(pointer);
            }
            Place::Parameter { within, name } => {
                out.key("in");
                out.string(within);
                out.key("name");
                out.string(name);
            }
        }
        out.key("code");
        out.string(self.code);
        out.key("detail");
        out.string(&self.detail);
        out.end_object();
    }
}

impl ToJson for Faults {
    fn to_json(&self, out: &mut Writer) {
        self.list.to_json(out);
    }
}

/// 400, with the faults as `errors`.
impl From<Faults> for Response {
    fn from(faults: Faults) -> Self {
        Problem::new(400).detail(&faults.summary()).with("errors", &faults).into()
    }
}
