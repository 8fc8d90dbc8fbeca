//! Code that QuickJS has compiled.
#![allow(unsafe_code, reason = "QuickJS does not check the bytecode that it is given")]

use std::sync::Arc;

use rquickjs::module::{Declared, WriteOptions};
use rquickjs::{Ctx, Module, Result};

/// One module as bytecode. It is made by [`Bytecode::compile`] alone, in this process: none ever comes from
/// a file or from anybody else.
#[derive(Clone)]
pub(crate) struct Bytecode(Arc<[u8]>);

impl Bytecode {
    /// Compiles a module, and what it imports by the loader of the runtime.
    pub(crate) fn compile<'js>(
        ctx: &Ctx<'js>,
        name: &str,
        source: &str,
    ) -> Result<(Self, Module<'js, Declared>)> {
        let module = Module::declare(ctx.clone(), name, source)?;
        let options = WriteOptions { strip_source: true, ..WriteOptions::default() };
        Ok((Self(module.write(options)?.into()), module))
    }

    /// The module in another runtime. It is not yet evaluated.
    pub(crate) fn load<'js>(&self, ctx: &Ctx<'js>) -> Result<Module<'js, Declared>> {
        // SAFETY: the bytes were written by the same QuickJS in this process, and nobody could change them.
        unsafe { Module::load(ctx.clone(), &self.0) }
    }
}
