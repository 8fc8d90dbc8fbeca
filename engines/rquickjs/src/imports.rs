//! How a script finds what it imports: while it is compiled, and in each world.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mik_javascript::Sources;
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Error, Module, Result};

use crate::bytecode::Bytecode;

/// The modules of a script, and what each specifier in them means.
#[derive(Default)]
pub(crate) struct Imports {
    modules: HashMap<String, Bytecode>,
    names: HashMap<(String, String), String>,
}

/// Compiles what is imported.
#[derive(Clone)]
pub(crate) struct Compiling(Arc<Shared>);

struct Shared {
    sources: Arc<Sources>,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    imports: Imports,
    /// What went wrong first, in better words than QuickJS has for it.
    failure: Option<String>,
}

impl Compiling {
    pub(crate) fn new(sources: Arc<Sources>) -> Self {
        Self(Arc::new(Shared { sources, found: Mutex::default() }))
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.found().failure.take()
    }

    pub(crate) fn imports(&self) -> Imports {
        std::mem::take(&mut self.found().imports)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, reason: String) {
        self.found().failure.get_or_insert(reason);
    }
}

impl Resolver for Compiling {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        match self.0.sources.resolve(base, name) {
            Ok(file) => {
                let key = (base.to_owned(), name.to_owned());
                self.found().imports.names.insert(key, file.clone());
                Ok(file)
            }
            Err(error) => {
                self.fail(error.to_string());
                Err(Error::new_resolving(base, name))
            }
        }
    }
}

impl Loader for Compiling {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        let source = self.0.sources.load(name).map_err(|error| {
            self.fail(error.to_string());
            Error::new_loading(name)
        })?;
        let (bytecode, module) = Bytecode::compile(ctx, name, &source.text)?;
        self.found().imports.modules.insert(name.to_owned(), bytecode);
        Ok(module)
    }
}

/// Finds what was compiled.
pub(crate) struct Compiled(pub(crate) Arc<Imports>);

impl Resolver for Compiled {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        let file = self.0.names.get(&(base.to_owned(), name.to_owned()));
        file.cloned().ok_or_else(|| {
            Error::new_resolving_message(base, name, "only static imports: import it at the top")
        })
    }
}

impl Loader for Compiled {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        let module = self.0.modules.get(name).ok_or_else(|| Error::new_loading(name))?;
        module.load(ctx)
    }
}
