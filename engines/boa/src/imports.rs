//! How a script finds what it imports: while it is compiled, and in each world.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use boa_engine::module::{ModuleLoader, ModuleRequest, Referrer};
use boa_engine::{Context, JsError, JsNativeError, JsResult, Module};
use mik_javascript::{Broken, Position, Source, SourceError, Sources};

use crate::Program;
use crate::convert::text;
use crate::dialect::amended;
use crate::failure::syntax;
use crate::limits::{refusal, too_deep};

/// The files of a script, and what each specifier in them means.
#[derive(Default)]
pub(crate) struct Imports {
    files: HashMap<String, Arc<Source>>,
    names: HashMap<(String, String), String>,
}

/// Parses a file. Stack traces show its name.
pub(crate) fn parse(source: &Source, context: &mut Context) -> JsResult<Module> {
    let text = boa_engine::Source::from_bytes(&source.text).with_path(Path::new(&source.name));
    Module::parse(text, None, context)
}

/// Reads what is imported, and notes what that was.
pub(crate) struct Compiling {
    sources: Arc<Sources>,
    found: RefCell<Found>,
}

#[derive(Default)]
struct Found {
    imports: Imports,
    modules: HashMap<String, Module>,
    /// What went wrong first, in better words than Boa has for it.
    failure: Option<Broken>,
}

impl Compiling {
    pub(crate) fn new(sources: Arc<Sources>) -> Self {
        Self { sources, found: RefCell::default() }
    }

    /// The entry, so that files that import it get the same module.
    pub(crate) fn parse_entry(&self, context: &mut Context) -> Result<Module, Broken> {
        self.parse(&self.sources.entry(), context)
    }

    pub(crate) fn failure(&self) -> Option<Broken> {
        self.found.borrow_mut().failure.take()
    }

    pub(crate) fn imports(&self) -> Imports {
        std::mem::take(&mut self.found.borrow_mut().imports)
    }

    fn load(&self, from: &str, specifier: &str, context: &mut Context) -> Result<Module, Broken> {
        let told = |error: SourceError| Broken::threw(error.to_string());
        let name = self.sources.resolve(from, specifier).map_err(told)?;
        let key = (from.to_owned(), specifier.to_owned());
        self.found.borrow_mut().imports.names.insert(key, name.clone());
        if let Some(module) = self.found.borrow().modules.get(&name) {
            return Ok(module.clone());
        }
        let source = self.sources.load(&name).map_err(told)?;
        self.parse(&source, context)
    }

    fn parse(&self, source: &Arc<Source>, context: &mut Context) -> Result<Module, Broken> {
        if let Some((line, column)) = too_deep(&source.text) {
            let at = Some(Position { file: source.name.clone(), line, column });
            return Err(Broken::Threw { message: refusal(), stack: String::new(), at });
        }
        let told = |error: JsError| syntax(source, &error);
        let (source, module) = match parse(source, context) {
            Ok(module) => (source.clone(), module),
            Err(error) => {
                let message = error.as_native().map_or("", JsNativeError::message);
                let Some(text) = amended(&source.text, message) else { return Err(told(error)) };
                let source = Arc::new(Source { text, ..Source::clone(source) });
                let module = parse(&source, context).map_err(told)?;
                (source, module)
            }
        };
        let found = &mut *self.found.borrow_mut();
        found.modules.insert(source.name.clone(), module.clone());
        found.imports.files.insert(source.name.clone(), source);
        Ok(module)
    }
}

impl ModuleLoader for Compiling {
    async fn load_imported_module(
        self: Rc<Self>,
        referrer: Referrer,
        request: ModuleRequest,
        context: &RefCell<&mut Context>,
    ) -> JsResult<Module> {
        let specifier = text(request.specifier());
        let loaded = self.load(&name_of(&referrer), &specifier, &mut context.borrow_mut());
        loaded.map_err(|broken| {
            let error = JsNativeError::syntax().with_message(broken.to_string());
            self.found.borrow_mut().failure.get_or_insert(broken);
            error.into()
        })
    }
}

/// Finds what was read.
pub(crate) struct Compiled {
    program: Arc<Program>,
    modules: RefCell<HashMap<String, Module>>,
}

impl Compiled {
    pub(crate) fn new(program: Arc<Program>) -> Self {
        Self { program, modules: RefCell::default() }
    }

    /// The module of that name; there is one of it in a world.
    pub(crate) fn module(&self, name: &str, context: &mut Context) -> JsResult<Module> {
        if let Some(module) = self.modules.borrow().get(name) {
            return Ok(module.clone());
        }
        let Some(source) = self.program.imports.files.get(name) else {
            return Err(unknown(name));
        };
        let module = parse(source, context)?;
        self.modules.borrow_mut().insert(name.to_owned(), module.clone());
        Ok(module)
    }
}

impl ModuleLoader for Compiled {
    async fn load_imported_module(
        self: Rc<Self>,
        referrer: Referrer,
        request: ModuleRequest,
        context: &RefCell<&mut Context>,
    ) -> JsResult<Module> {
        let specifier = text(request.specifier());
        let key = (name_of(&referrer), specifier);
        match self.program.imports.names.get(&key) {
            Some(name) => self.module(name, &mut context.borrow_mut()),
            None => Err(unknown(&key.1)),
        }
    }
}

fn unknown(specifier: &str) -> JsError {
    let message = format!("cannot import {specifier:?}: only static imports: import it at the top");
    JsNativeError::typ().with_message(message).into()
}

/// The name of the file that imports.
fn name_of(referrer: &Referrer) -> String {
    let path = referrer.path().and_then(Path::to_str);
    path.unwrap_or_default().to_owned()
}
