//! A host around one middleware, asked in process.

#![allow(dead_code, reason = "each target alone uses only some of it")]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderMap;
use http_body_util::BodyExt;
use mik_core::{
    BoxFuture, Call, CallError, Capabilities, Engine, Host, LoadError, Middleware, Module,
    ModuleSource, Request, Response,
};
use tokio::runtime::{Builder, Runtime};

/// A host with one middleware and the module `t`, and a folder of its own.
pub(super) struct Rig {
    runtime: Runtime,
    host: Host,
    _folder: tempfile::TempDir,
}

/// An answer, all of it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// As much as came, and whether that was all.
    pub(super) body: Vec<u8>,
    pub(super) is_whole: bool,
}

impl Rig {
    /// `make` gets the folder, which is empty, and gives the middleware; `module` answers at `/run/t/*`.
    pub(super) fn new<M, A>(
        make: impl FnOnce(&Path) -> M,
        module: impl Fn(Request) -> A + Send + Sync + 'static,
    ) -> Self
    where
        M: Middleware + 'static,
        A: Future<Output = Result<Response, CallError>> + Send + 'static,
    {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [modules, own] = ["modules", "own"].map(|name| folder.path().join(name));
        std::fs::create_dir(&modules).unwrap();
        std::fs::create_dir(&own).unwrap();
        std::fs::write(modules.join("t.wasm"), b"\0asm").unwrap();
        let middleware = make(&own);
        let module: Handler = Arc::new(move |request| Box::pin(module(request)));
        let host = Host::builder().engine(One(module)).modules_dir(&modules);
        let host = host.middleware(middleware).build().unwrap();
        Self { runtime, host, _folder: folder }
    }

    /// The answer to a GET of `target` with these fields; `None` where a value is none.
    pub(super) fn get<'a>(
        &self,
        target: &str,
        fields: impl IntoIterator<Item = (&'static str, &'a [u8])>,
    ) -> Option<Answer> {
        let mut request = http::Request::get(target);
        for (name, value) in fields {
            request = request.header(name, value);
        }
        Some(self.send(request.body(mik_core::Body::empty()).ok()?))
    }

    pub(super) fn send(&self, request: Request) -> Answer {
        self.runtime.block_on(async {
            let (head, mut body) = self.host.serve(request, None).await.into_parts();
            let mut bytes = Vec::new();
            let is_whole = loop {
                match body.frame().await {
                    None => break true,
                    Some(Err(_)) => break false,
                    Some(Ok(frame)) => bytes.extend(frame.into_data().iter().flatten()),
                }
            };
            Answer { status: head.status.as_u16(), headers: head.headers, body: bytes, is_whole }
        })
    }
}

impl Answer {
    /// The one value of a field, as text.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice: {:?}", self.headers);
        value.map(|value| value.to_str().unwrap())
    }
}

/// The lines of an input, each the value of a field.
pub(super) fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    input.split(|byte| *byte == b'\n')
}

/// Creates the folder that a file lies in, and the file.
pub(super) fn write(path: PathBuf, content: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

type Handler =
    Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, CallError>> + Send + Sync>;

struct One(Handler);

impl Engine for One {
    fn name(&self) -> &str {
        "one"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn load(&self, _: ModuleSource<'_>) -> Result<Arc<dyn Module>, LoadError> {
        Ok(Arc::new(Self(self.0.clone())))
    }
}

impl Module for One {
    fn footprint(&self) -> usize {
        1
    }

    fn handle(
        self: Arc<Self>,
        request: Request,
        _: Call,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        (self.0)(request)
    }
}
