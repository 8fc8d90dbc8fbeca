//! TypeScript becomes JavaScript: types are blanked out, so that all else keeps its line and column.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use swc_common::SourceMap;
use swc_common::errors::{DiagnosticBuilder, Emitter, Handler};
use swc_common::sync::Lrc;
use swc_ts_fast_strip::{ErrorCode, Options, operate};

use super::SourceError;
use super::report::{Place, Report};

/// The largest stack that one file may need: of address space, as only what is used takes memory.
const MOST_STACK: usize = 1 << (30 + UNOPTIMISED);
/// Frames are several times as large where the parser is not optimised.
const UNOPTIMISED: usize = if cfg!(debug_assertions) { 1 } else { 0 };

/// `text` without its types; `name` is for messages.
pub(super) fn strip(name: &str, text: &str) -> Result<String, SourceError> {
    let report = |message: &str| Report::new(name, message);
    let stack = stack_for(text);
    if stack > MOST_STACK {
        let report = report("the file is too large to have its types stripped");
        return Err(SourceError::Syntax(report.help(BUNDLE)));
    }
    // The parser recurses without a limit, and a stack that overflows ends the process.
    let input = text.to_owned();
    let stripping = thread::Builder::new().name("mik-strip".into()).stack_size(stack);
    let Ok(stripping) = stripping.spawn(move || parse(input)) else {
        return Err(SourceError::Unreadable(report("no thread is left to strip its types")));
    };
    match stripping.join() {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(fault)) => Err(fault.explain(name, text)),
        Err(_panic) => {
            let report = report("stripping its types failed: the fault is not yours");
            Err(SourceError::Syntax(report.help(BUNDLE)))
        }
    }
}

const BUNDLE: &str = "compile it to JavaScript first, as with `esbuild --bundle --format=esm`";

/// More than the deepest nesting that `text` can have takes of the stack. Measured: a byte of nesting up to
/// 3 KiB at the first level of optimisation (16 KiB without), any other up to 400 bytes (1,200).
fn stack_for(text: &str) -> usize {
    let nests = |byte: &u8| matches!(byte, b'(' | b'[' | b'{' | b'<' | b'>' | b':' | b'?');
    let nesting = text.bytes().filter(|byte| nests(byte)).count();
    (2 << 20) + ((text.len() + nesting * 8) << (10 + UNOPTIMISED))
}

/// What the parser says, and where.
struct Fault {
    code: ErrorCode,
    message: String,
    /// A byte of the text.
    at: Option<usize>,
}

fn parse(text: String) -> Result<String, Fault> {
    let told = Arc::default();
    let handler = Handler::with_emitter(false, false, Box::new(Told(Arc::clone(&told))));
    let options = Options { module: Some(true), ..Options::default() };
    let error = match operate(&Lrc::<SourceMap>::default(), &handler, text, options) {
        Ok(output) => return Ok(output.code),
        Err(error) => error,
    };
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    // What comes first in the text is the cause, what comes later is often its consequence.
    let first = told.into_iter().min_by_key(|(at, _)| at.unwrap_or(usize::MAX));
    let (at, message) = first.unwrap_or((None, error.message));
    Err(Fault { code: error.code, message, at })
}

/// Keeps what the parser says, each with a byte of the text.
struct Told(Arc<Mutex<Vec<Said>>>);

type Said = (Option<usize>, String);

impl Emitter for Told {
    fn emit(&mut self, diagnostic: &mut DiagnosticBuilder<'_>) {
        // The only file of its map begins at 1; 0 is no place.
        let at = diagnostic.span.primary_span().and_then(|span| span.lo.0.checked_sub(1));
        let message = diagnostic.message();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((at.map(|at| at as usize), message));
    }
}

impl Fault {
    fn explain(self, name: &str, text: &str) -> SourceError {
        let rest = self.at.and_then(|at| text.get(at..)).unwrap_or_default();
        let place = self.at.map(|at| Place::of_byte(text, at));
        let feature = match self.code {
            ErrorCode::UnsupportedSyntax => {
                FEATURES.iter().find(|(said, ..)| self.message.contains(said))
            }
            _ if rest.starts_with('@') => Some(&DECORATOR),
            _ => None,
        };
        let Some((_, feature, help)) = feature else {
            return SourceError::Syntax(Report::new(name, self.message).at(place));
        };
        let message = format!(
            "TypeScript feature {feature} needs compilation; here types are stripped, and the rest runs as it is"
        );
        SourceError::NotErasable(Report::new(name, message).at(place).help(*help))
    }
}

/// A part of what the parser says, the feature that it means, what to write instead.
type Feature = (&'static str, &'static str, &'static str);

const FEATURES: [Feature; 6] = [
    (
        "enum",
        "`enum`",
        "write `const Colour = { Red: 0, Green: 1 } as const`, or a union of strings",
    ),
    ("namespace", "`namespace`", "put its contents into a file of their own, and import it"),
    ("import equals", "`import … =`", "write `import … from \"./file.ts\"`"),
    ("export assignment", "`export =`", "write `export default`"),
    (
        "parameter property",
        "`constructor(private …)`",
        "declare the field, and assign it in the constructor",
    ),
    ("angle-bracket", "`<Type>value`", "write `value as Type`"),
];

const DECORATOR: Feature =
    ("@", "`@decorator`", "call the function on the class or method after it is defined");
